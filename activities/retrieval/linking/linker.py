"""The edges of each file of a repository."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from activities.code.test_files import is_test_file, stem, subject
from activities.retrieval.file_facts import MODULE, FileFacts
from activities.retrieval.linking.abstract_values import ClassValue, ExternalValue, FunctionValue, ModuleValue, Value
from activities.retrieval.linking.resolver import Resolver
from activities.retrieval.linking.string_links import StringLinks
from activities.retrieval.linking.symbol_table import SymbolTable
from hydranet.code_graph.model import Edge, EdgeKind, NodeKind, Resolution

CONFIDENCE = {
    Resolution.SYNTAX: 1.0,
    Resolution.SCOPE: 0.99,
    Resolution.IMPORT: 0.99,
    Resolution.SELF: 0.99,
    Resolution.TYPE: 0.96,
    Resolution.NAME: 0.5,
    Resolution.LITERAL: 0.6,
    Resolution.UNRESOLVED: 0.0,
}
"""How often an edge that was resolved so is right, measured by `benchmarks/edges.py`."""

_FEW = 2
"""Definitions of a name that a call of the name alone may mean."""
_SET_UP = ("setUp", "setUpClass", "setUpTestData", "setup_method", "setup_class", "asyncSetUp")
_NAMES_OF_BUILTINS = frozenset(
    name for kind in (str, bytes, list, dict, set, tuple, int, float, object, type) for name in dir(kind)
) | frozenset(
    "read write close readline readlines flush seek open group groups match search sub start stop run".split()
)


class Linker:
    """Links the files of a repository, given as their facts by path."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self.files = files
        self.resolver = Resolver(files)
        self.boundaries = StringLinks(self.resolver)
        self._bearers: dict[str, list[tuple[str, int]]] | None = None
        self._stems: dict[str, list[str]] | None = None

    def link(self, path: str) -> list[Edge]:
        """All edges whose source lies in the file at `path`, sorted."""
        return sorted(_File(self, self.resolver.table(path)).link())

    def bearers(self, name: str) -> list[tuple[str, int]]:
        """Return the methods of the repository with a name, by path and number."""
        if self._bearers is None:
            self._bearers = {}
            for path, facts in self.files.items():
                for number, definition in enumerate(facts.definitions):
                    if definition.kind is NodeKind.METHOD:
                        self._bearers.setdefault(definition.own_name, []).append((path, number))
        return self._bearers.get(name, [])

    def named(self, name: str) -> list[str]:
        """Return the files with this stem that are no tests."""
        if self._stems is None:
            self._stems = {}
            for path in self.files:
                if not is_test_file(path):
                    self._stems.setdefault(stem(path), []).append(path)
        return self._stems.get(name, [])


class _File:
    """The edges of one file, each kind once between two nodes, where they are first."""

    def __init__(self, linker: Linker, table: SymbolTable) -> None:
        self.linker = linker
        self.resolver = linker.resolver
        self.table = table
        self.path = table.path
        self.is_test = is_test_file(table.path)
        self.edges: dict[tuple[EdgeKind, str, str], Edge] = {}
        self._targets: dict[tuple[int | None, str, bool], list[tuple[str, Resolution]]] = {}

    def link(self) -> Iterable[Edge]:
        """All edges of the file."""
        self._contain()
        self._import()
        self._inherit()
        self._decorate()
        self._use()
        self._reach_boundaries()
        if self.is_test:
            self._test()
        return self.edges.values()

    def _add(
        self, kind: EdgeKind, source: str, target: str, line: int, resolution: Resolution, share: float = 1
    ) -> None:
        if source == target:
            return
        key, confidence = (kind, source, target), CONFIDENCE[resolution] * share
        known = self.edges.get(key)
        if known is None or known.confidence < confidence:
            self.edges[key] = Edge(kind, source, target, line, resolution, confidence)

    def _contain(self) -> None:
        table, facts = self.table, self.table.facts
        if facts.block:
            self._add(EdgeKind.CONTAINS, table.module_id, table.block_id, facts.block.first, Resolution.SYNTAX)
        for number, definition in enumerate(facts.definitions):
            source = table.module_id if definition.owner == MODULE else table.ids[definition.owner]
            self._add(EdgeKind.CONTAINS, source, table.ids[number], definition.first, Resolution.SYNTAX)

    def _import(self) -> None:
        table, modules = self.table, self.resolver.modules
        for needed in table.facts.imports:
            source = table.module_id if needed.owner == MODULE else table.ids[needed.owner]
            module = modules.find(needed.module, self.path)
            if module is None:
                bare = f"{needed.module}.{needed.name}" if needed.name not in ("", "*") else needed.module
                self._add(EdgeKind.IMPORTS, source, bare, needed.line, Resolution.UNRESOLVED)
                continue
            targets = [module]
            if needed.name not in ("", "*"):
                matches = self.resolver.imported(self.path, needed)
                targets += [item.path for item in matches if isinstance(item, ModuleValue)]
                for item in matches:
                    if isinstance(item, ClassValue | FunctionValue):
                        self._add(EdgeKind.IMPORTS, source, self._id(item), needed.line, Resolution.IMPORT)
            for target in targets:
                if target in self.linker.files:
                    self._add(EdgeKind.IMPORTS, source, f"{target}::", needed.line, Resolution.IMPORT)

    def _inherit(self) -> None:
        table = self.table
        for number, definition in enumerate(table.facts.definitions):
            if definition.kind is not NodeKind.CLASS:
                continue
            klass, source = ClassValue(self.path, number), table.ids[number]
            for base, values in self.resolver.bases(klass):
                classes = [value for value in values if isinstance(value, ClassValue) and value != klass]
                for value in classes:
                    resolution = Resolution.SCOPE if value.path == self.path else Resolution.IMPORT
                    self._add(EdgeKind.INHERITS, source, self._id(value), definition.first, resolution)
                if not classes:
                    self._add(EdgeKind.INHERITS, source, _bare(base), definition.first, Resolution.UNRESOLVED)
            self._override(klass)

    def _override(self, klass: ClassValue) -> None:
        bases = self.resolver.line(klass)[0][1:]
        for name, number in self.table.methods.get(klass.number, ()) if bases else ():
            for base in bases:
                table = self.resolver.table(base.path)
                if above := table.definitions.get((base.number, name)):
                    first = self.table.facts.definitions[number].first
                    self._add(EdgeKind.OVERRIDES, self.table.ids[number], table.ids[above[0]], first, Resolution.SELF)
                    break

    def _decorate(self) -> None:
        for number, definition in enumerate(self.table.facts.definitions):
            for decorator in definition.decorators:
                expression = decorator.removesuffix("()")
                for target, resolution in self._found(expression, definition.owner, False):
                    self._add(EdgeKind.DECORATES, self.table.ids[number], target, definition.first, resolution)

    def _use(self) -> None:
        table = self.table
        for use in table.uses:
            source = table.source_id(use.owner)
            kind = EdgeKind.CALLS if use.called else EdgeKind.REFERENCES
            targets = self._found(use.expression, use.owner, use.called)
            for target, resolution in targets:
                share = 1 / len(targets) if resolution is Resolution.NAME else 1
                self._add(kind, source, target, use.line, resolution, share)
            if use.called and not targets and (bare := _bare(use.expression)):
                self._add(kind, source, bare, use.line, Resolution.UNRESOLVED)

    def _found(self, expression: str, owner: int, called: bool) -> list[tuple[str, Resolution]]:
        number = self.table.klass(owner)
        key = (number if expression[:4] in ("self", "cls.", "supe") else None, expression, called)
        if key not in self._targets:
            self._targets[key] = list(
                dict.fromkeys(self._find(expression, None if number is None else ClassValue(self.path, number), called))
            )
        return self._targets[key]

    def _find(self, expression: str, klass: ClassValue | None, called: bool) -> Iterable[tuple[str, Resolution]]:
        inner, dot, name = expression.rpartition(".")
        if not dot or not name.isidentifier():
            yield from self._plain(expression, klass, called)
            return
        holders = self.resolver.values(inner, self.path, klass) if inner else ()
        resolution = _resolution(inner)
        for holder in holders:
            for member in self.resolver.members(holder, name):
                yield from self._nodes(member, resolution, called)
            if not called and isinstance(holder, ModuleValue) and holder.path in self.linker.files:
                table = self.resolver.table(holder.path)
                if (MODULE, name) in table.variables:
                    yield table.block_id, resolution
        if called and not holders and name not in _NAMES_OF_BUILTINS:
            yield from self._by_name(name)

    def _plain(self, expression: str, klass: ClassValue | None, called: bool) -> Iterable[tuple[str, Resolution]]:
        is_own = (MODULE, expression) in self.table.definitions
        imported = expression in self.table.imports or expression[:1] == "@"
        resolution = Resolution.SCOPE if is_own else Resolution.IMPORT if imported else Resolution.TYPE
        for item in self.resolver.values(expression, self.path, klass):
            yield from self._nodes(item, resolution, called)
        if not called and (MODULE, expression) in self.table.variables:
            yield self.table.block_id, Resolution.SCOPE

    def _nodes(self, value: Value, resolution: Resolution, called: bool) -> Iterable[tuple[str, Resolution]]:
        """Yield the nodes of a value; of a class that is called its initialiser as well."""
        match value:
            case ClassValue() | FunctionValue():
                yield self._id(value), resolution
                if called and isinstance(value, ClassValue):
                    for member in self.resolver.members(value, "__init__"):
                        if isinstance(member, FunctionValue):
                            yield self._id(member), resolution
            case ModuleValue(path) if not called and path in self.linker.files:
                yield f"{path}::", resolution
            case _ if called and not isinstance(value, ExternalValue | ModuleValue):
                for member in self.resolver.members(value, "__call__"):
                    if isinstance(member, FunctionValue):
                        yield self._id(member), resolution

    def _by_name(self, name: str) -> Iterable[tuple[str, Resolution]]:
        bearers = [bearer for bearer in self.linker.bearers(name) if self.is_test or not is_test_file(bearer[0])]
        if len(bearers) <= _FEW:
            for path, number in bearers:
                yield self.resolver.table(path).ids[number], Resolution.NAME

    def _reach_boundaries(self) -> None:
        for kind, owner, target, line in self.linker.boundaries.edges(self.table):
            self._add(kind, self.table.source_id(owner), target, line, Resolution.LITERAL)

    def _test(self) -> None:
        """Add what each test exercises: what it, its fixtures and its helpers in the file call."""
        about = subject(self.path)
        named = self.linker.named(about) if about else []
        if len(named) == 1:
            self._add(EdgeKind.TESTS, self.table.module_id, f"{named[0]}::", 1, Resolution.NAME)
        calls: dict[str, list[Edge]] = {}
        for edge in self.edges.values():
            if edge.kind is EdgeKind.CALLS and edge.resolution is not Resolution.UNRESOLVED:
                calls.setdefault(edge.source, []).append(edge)
        for number, definition in enumerate(self.table.facts.definitions):
            if definition.own_name.startswith("test") and definition.kind is not NodeKind.CLASS:
                self._exercise(number, calls)

    def _exercise(self, number: int, calls: dict[str, list[Edge]]) -> None:
        table, source = self.table, self.table.ids[number]
        definition = table.facts.definitions[number]
        fixtures = [each for name in definition.parameters for each in self.resolver.fixtures(self.path, name)[:1]]
        for each in fixtures:
            self._add(EdgeKind.REFERENCES, source, self._id(each), definition.first, Resolution.NAME)
        set_up = [
            method
            for name in _SET_UP
            for method in table.definitions.get((definition.owner, name), ())
            if definition.owner != MODULE
        ]
        waiting = [source, *(table.ids[each] for each in set_up), *(self._id(each) for each in fixtures)]
        seen = set(waiting)
        while waiting:
            for edge in calls.get(waiting.pop(), ()):
                if not is_test_file(edge.target.partition("::")[0]):
                    self._add(EdgeKind.TESTS, source, edge.target, edge.line, edge.resolution)
                elif edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)

    def _id(self, value: ClassValue | FunctionValue) -> str:
        return self.resolver.table(value.path).ids[value.number]


def _resolution(holder: str) -> Resolution:
    """By what an attribute is found whose holder is this expression."""
    if holder in ("self", "cls", "super()"):
        return Resolution.SELF
    plain = holder.replace(".", "").isidentifier() or holder[:1] == "@"
    return Resolution.IMPORT if plain and not holder.startswith("self.") else Resolution.TYPE


def _bare(expression: str) -> str:
    return expression.rstrip("()[]#*%").rpartition(".")[2].lstrip("!@&0123456789")
