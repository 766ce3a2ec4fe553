"""The facts of a file as they come together while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from tree_sitter import Node

from activities.retrieval.file_facts import (
    MODULE,
    Body,
    DefinitionFact,
    FileFacts,
    ImportFact,
    Key,
    Literal,
    Request,
    Route,
    Use,
    Variable,
    digest_content,
    pack_facts,
)
from activities.retrieval.languages.scopes import ModuleScope, Reading, Scope
from hydranet.code_graph.model import NodeKind

_SIGNATURE = 300
_DOCSTRING = 4000
_LONGEST_NAME = 500
_MOST = 20_000
"""Definitions of one file; what a generator wrote beyond them is passed over."""

_NO_IMPORT = ImportFact(MODULE, 1, "", "", "")

_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Draft:
    """A definition whose expressions are not closed yet.

    `scope` is the one around it and `inside` its own; `types` are what it says to return, `results` what it returns.
    """

    number: int
    name: str
    kind: NodeKind
    owner: int
    outer: Node
    scope: Scope
    inside: Scope | None = None
    signature: str = ""
    docstring: str = ""
    parameters: tuple[str, ...] = ()
    bases: list[Reading] = field(default_factory=list)
    decorators: list[Reading] = field(default_factory=list)
    types: list[Reading] = field(default_factory=list)
    results: list[Reading] = field(default_factory=list)


class Builder:
    """Gathers the facts of one file; the reader of a language appends to its lists."""

    def __init__(self, language: str, source: bytes) -> None:
        self.language = language
        self.source = source
        self.module = ModuleScope(MODULE)
        self.docstring = ""
        self.drafts: list[Draft] = []
        self.scopes: list[Scope] = [self.module]
        self.imports: list[ImportFact] = []
        self.members: dict[tuple[int, str], list[tuple[Scope, list[Reading]]]] = {}
        self.exports: list[str] | None = None
        self.keys: list[tuple[Scope, str, Reading]] = []
        self.routes: list[tuple[Scope, str, str, Reading]] = []
        self.literals: dict[tuple[int, str], int] = {}
        self.requests: list[Request] = []
        self.loose: list[Node] = []
        self._bare: set[str] = set()
        self._taken: dict[str, int] = {}

    def define(
        self, name: str, kind: NodeKind, owner: int, outer: Node, scope: Scope, is_beside: bool = False
    ) -> Draft | None:
        """Add a definition by its own name; None when it is one too many.

        The first of a name bears it alone, unless it only stands beside the one that is meant, as an overload does.
        """
        if owner != MODULE:
            name = f"{self.drafts[owner].name}.{name}"
        if len(self.drafts) >= _MOST or len(name) > _LONGEST_NAME:
            return None
        if is_beside or name in self._bare:
            self._taken[name] = self._taken.get(name, 1) + 1
            name = f"{name}#{self._taken[name]}"
        else:
            self._bare.add(name)
        draft = Draft(len(self.drafts), name, kind, owner, outer, scope)
        self.drafts.append(draft)
        return draft

    def quoted(self, start: int, end: int) -> str:
        """Return the source between two bytes in one line."""
        return clean(
            " ".join(self.source[start : min(end, start + 2 * _SIGNATURE)].decode("utf-8", "replace").split())
        )[:_SIGNATURE]

    def facts(self) -> FileFacts:
        """Return what was gathered of the file."""
        definitions = tuple(self._definition(draft) for draft in self.drafts)
        imports = tuple(
            item if len(item.module) + len(item.name) <= _LONGEST_NAME else _NO_IMPORT for item in self.imports
        )
        variables = tuple(Variable(owner, name, _joined(bound)) for (owner, name), bound in self.members.items())
        exports = None if self.exports is None else tuple(self.exports)
        keys = tuple(Key(name, item) for scope, name, given in self.keys for item in scope.closed([given]))
        routes = tuple(
            Route(path, method, item) for scope, path, method, given in self.routes for item in scope.closed([given])
        )
        seen = [
            (
                definition.name,
                definition.kind,
                definition.owner,
                definition.bases,
                definition.decorators,
                definition.returns,
            )
            for definition in definitions
        ]
        aliases = [(item.module, item.name, item.alias) for item in imports]
        return FileFacts(
            language=self.language,
            module=self._whole(),
            block=self._block(),
            definitions=definitions,
            imports=imports,
            variables=variables,
            exports=exports,
            keys=keys,
            routes=routes,
            requests=tuple(self.requests),
            packed=pack_facts(self._body()),
            interface=digest_content(_encode((seen, aliases, variables, exports, keys, routes))),
        )

    def _body(self) -> Body:
        uses: dict[tuple[int, str, bool], Use] = {}
        for scope in self.scopes:
            for use in scope.closed_uses():
                uses.setdefault((use.owner, use.expression, use.called), use)
        literals = tuple(Literal(owner, line, name) for (owner, name), line in self.literals.items())
        return Body(tuple(uses.values()), literals)

    def _definition(self, draft: Draft) -> DefinitionFact:
        first, last, content = self._lines(draft.outer, draft.outer)
        inferred = draft.inside.closed(draft.results) if draft.inside and draft.results else ()
        return DefinitionFact(
            name=draft.name,
            kind=draft.kind,
            owner=draft.owner,
            first=first,
            last=last,
            signature=draft.signature,
            docstring=draft.docstring[:_DOCSTRING],
            digest=digest_content(content),
            parameters=draft.parameters,
            bases=draft.scope.closed(draft.bases) if draft.bases else (),
            decorators=draft.scope.closed(draft.decorators) if draft.decorators else (),
            returns=draft.scope.closed(draft.types) if draft.types else inferred,
        )

    def _whole(self) -> DefinitionFact:
        last = max(1, self.source.count(b"\n") + (not self.source.endswith(b"\n")))
        title = clean(self.docstring.partition("\n")[0])[:_SIGNATURE]
        return DefinitionFact(
            "", NodeKind.MODULE, MODULE, 1, last, title, self.docstring[:_DOCSTRING], digest_content(self.source)
        )

    def _block(self) -> DefinitionFact | None:
        if not self.loose:
            return None
        first, last, content = self._lines(self.loose[0], self.loose[-1])
        start = self.loose[0]
        return DefinitionFact(
            "<block>",
            NodeKind.BLOCK,
            MODULE,
            first,
            last,
            self.quoted(start.start_byte, start.end_byte),
            "",
            digest_content(content),
        )

    def _lines(self, start: Node, end: Node) -> tuple[int, int, bytes]:
        end_row, end_column = end.end_point
        # A node that ends at the start of a line does not reach into it.
        last = end_row + (1 if end_column else 0)
        begin = self.source.rfind(b"\n", 0, start.start_byte) + 1
        stop = self.source.find(b"\n", end.end_byte) if end_column else end.end_byte - 1
        return start.start_point[0] + 1, last, self.source[begin : stop if stop >= 0 else len(self.source)]


def clean(text: str) -> str:
    """Return a text without NUL, which PostgreSQL takes in no text."""
    return text.replace("\0", "")


def _joined(bound: list[tuple[Scope, list[Reading]]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for scope, given in bound for item in scope.closed(given)))[:8]
