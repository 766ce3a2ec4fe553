"""The scopes of a file while it is read: what names are bound to, and which expressions are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from activities.retrieval.file_facts import Use

Reading = tuple[str, str]
"""An expression as its head, or "" when there is none that leads anywhere, and the steps after it."""

_ALTERNATIVES = 4
_LONGEST = 160
_DEEPEST = 5


class Scope:
    """The names of a module, class or function, whose uses belong to the definition `owner`.

    `names` holds what each local name is bound to, nothing when that is not known. `outer` is the function around a
    function. The names of a module stay as they are; those of a class are attributes of `cls`.
    """

    __slots__ = ("_closed", "foreign", "names", "outer", "owner", "uses")

    def __init__(self, owner: int, outer: Scope | None = None) -> None:
        self.owner = owner
        self.outer = outer
        self.names: dict[str, list[Reading]] = {}
        self.foreign: set[str] = set()
        self.uses: dict[tuple[str, str, bool], int] = {}
        self._closed: dict[str, tuple[str, ...]] = {}

    def bind(self, name: str, readings: Iterable[Reading] = ()) -> None:
        """Note what a local name is bound to."""
        self.names.setdefault(name, []).extend(readings)

    def receive(self, name: str, expression: str) -> None:
        """Bind the first parameter of a method."""
        self.names[name] = []
        self._closed[name] = (expression,)

    def heads(self, name: str, depth: int = 0) -> tuple[str, ...]:
        """Return what a name stands for, in terms of names that are local to no function; nothing when not known."""
        scope = self._home(name)
        if scope is None:
            return (name,) if name else ()
        if name not in scope._closed:
            scope._closed[name] = ()
            if depth < _DEEPEST:
                scope._closed[name] = scope.closed(scope.names[name], depth + 1)
        return scope._closed[name]

    def closed(self, readings: Iterable[Reading], depth: int = 0) -> tuple[str, ...]:
        """Return the expressions that readings come down to, each once."""
        matches = {f"{item}{rest}": None for head, rest in readings for item in self.heads(head, depth)}
        return tuple([item for item in matches if len(item) <= _LONGEST][:_ALTERNATIVES])

    def is_local(self, name: str) -> bool:
        """Return whether a name is bound in this scope or in a function around it."""
        return self._home(name) is not None

    def closed_uses(self) -> Iterator[Use]:
        """Yield the uses in terms of names that are local to no function; a local name alone is none.

        Of a value of which nothing is known the last attribute remains: ".total".
        """
        for (head, rest, called), line in self.uses.items():
            if len(head) + len(rest) > _LONGEST:
                continue
            if self.outer is None and head and head not in self.names:
                yield Use(self.owner, line, f"{head}{rest}", called)
            elif heads := self.heads(head):
                if rest or called or not self.is_local(head):
                    yield from (Use(self.owner, line, f"{item}{rest}", called) for item in heads)
            elif called and (name := rest.rpartition(".")[2]).isidentifier():
                yield Use(self.owner, line, f".{name}", called)

    def _home(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and (name not in scope.names or name in scope.foreign):
            scope = scope.outer
        return scope


class ModuleScope(Scope):
    """The names of a module, which stay as they are."""

    def _home(self, _: str) -> Scope | None:
        return None


class ClassScope(Scope):
    """The names of a class, which its body reads as attributes of the class."""

    def heads(self, name: str, depth: int = 0) -> tuple[str, ...]:
        """Return what a name stands for in the body of the class."""
        return (f"cls.{name}",) if name in self.names else super().heads(name, depth)

    def is_local(self, name: str) -> bool:
        """Return whether a name is one of a function around the class."""
        return name not in self.names and super().is_local(name)
