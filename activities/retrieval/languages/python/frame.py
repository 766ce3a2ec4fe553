"""Where a reader of Python stands: the module, class or function whose nodes it reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from activities.retrieval.file_facts import MODULE
from activities.retrieval.languages.building import Builder
from activities.retrieval.languages.python.expressions import kinds, text
from activities.retrieval.languages.scopes import Reading, Scope
from hydranet.code_graph.model import NodeKind

_IDENTIFIER = kinds("identifier")


@dataclass(slots=True)
class ReaderFrame:
    """A module, class or function while its nodes are read.

    `waiting` are the frames that are read after it, to which what is defined in it is added. `klass` is the class whose
    body this is, or in whose method it stands; `receiver` the name of that method's self.
    """

    builder: Builder
    waiting: list[ReaderFrame]
    scope: Scope
    nodes: list[Node]
    place: NodeKind
    klass: int = MODULE
    receiver: str = ""
    depth: int = 0
    is_fixture: bool = False
    results: list[Reading] = field(default_factory=list)

    @property
    def in_class(self) -> bool:
        """Whether this is the body of a class."""
        return self.place is NodeKind.CLASS

    @property
    def around(self) -> Scope | None:
        """The scope whose names a function in this one sees, beside those of the module."""
        return self.scope if self.place is NodeKind.FUNCTION else None

    def within(self, scope: Scope, body: Node | None, place: NodeKind) -> ReaderFrame:
        """Return the frame of what is defined in this one."""
        self.builder.scopes.append(scope)
        nodes = body.named_children if body is not None else []
        return ReaderFrame(self.builder, self.waiting, scope, nodes, place, self.klass, self.receiver, self.depth + 1)

    def use(self, reading: Reading, node: Node, called: bool) -> None:
        """Note that an expression is called or named."""
        key = (*reading, called)
        if key not in self.scope.uses:
            self.scope.uses[key] = node.start_point[0] + 1

    def bind(self, target: Node, readings: list[Reading]) -> None:
        """Note what a name, or an attribute of the receiver, is bound to."""
        if target.kind_id in _IDENTIFIER:
            name = text(target)
            if name in self.scope.foreign:
                self.builder.members.setdefault((MODULE, name), []).append((self.scope, readings))
            else:
                self.scope.bind(name, readings)
                if self.place is not NodeKind.FUNCTION:
                    self.builder.members.setdefault((self.klass, name), []).append((self.scope, readings))
            return
        children = target.named_children
        if self.receiver and len(children) == 2 and text(children[0]) == self.receiver and self.klass != MODULE:
            self.builder.members.setdefault((self.klass, text(children[1])), []).append((self.scope, readings))
