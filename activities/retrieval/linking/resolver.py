"""What the expressions of a repository's files stand for."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from posixpath import dirname, join
from typing import TypeVar

from activities.retrieval.file_facts import BESIDE, MODULE, DefinitionFact, FileFacts, ImportFact
from activities.retrieval.linking.abstract_values import (
    OUTSIDE,
    AccessorValue,
    ClassValue,
    ContainerValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    SuperValue,
    Value,
    Values,
    distinct,
    linearise,
)
from activities.retrieval.linking.modules import Modules
from activities.retrieval.linking.symbol_table import SymbolTable, is_fixture
from hydranet.code_graph.model import NodeKind

_DEEPEST = 40
_STEPS = 2000
"""Parts of one answer, after which what is still open stays unknown."""
_BASES = 100
_BUILTINS = frozenset(dir(builtins))
_PLAIN_BASES = frozenset({"object", "Generic", "Protocol", "ABC"})
"""Bases from outside of the repository that lend no attributes."""
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Line = tuple[tuple[ClassValue, ...], bool]
"""A class and its bases in the order of lookup, and whether all of them are the repository's."""


class Resolver:
    """Answers from the facts of all files; every answer is found once.

    An answer that a cycle cut short is not kept, so that answers do not depend on the order of the questions.
    """

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self.files = files
        self.modules = Modules(files)
        self._tables: dict[str, SymbolTable] = {}
        self._answers: dict[tuple[str, ClassValue | None, str], Values] = {}
        self._names: dict[tuple[str, str], Values] = {}
        self._lines: dict[ClassValue, Line] = {}
        self._shared: dict[str, list[str]] = {}
        self._open: dict[Hashable, int] = {}
        self._cut = _DEEPEST
        self._steps = 0

    def table(self, path: str) -> SymbolTable:
        """Return the facts of a file by name."""
        matches = self._tables.get(path)
        if matches is None:
            matches = self._tables[path] = SymbolTable(path, self.files[path])
        return matches

    def definition(self, value: ClassValue | FunctionValue) -> DefinitionFact:
        """Return the facts of a class or function."""
        return self.files[value.path].definitions[value.number]

    def values(self, expression: str, path: str, klass: ClassValue | None) -> Values:
        """Return the values that an expression of a file may have, `self` being of the class; none when unknown."""
        key = (path, klass, expression)
        values = self._answers.get(key)
        if values is not None:
            return values
        return self._once(self._answers, key, (), lambda: distinct(self._evaluate(expression, path, klass)))

    def name(self, path: str, name: str) -> Values:
        """Return what a name of a module stands for, through re-exports; nothing when it has none."""
        key = (path, name)
        matches = self._names.get(key)
        if matches is not None:
            return matches
        return self._once(self._names, key, (), lambda: distinct(self._name(path, name)))

    def line(self, klass: ClassValue) -> Line:
        """Return the class and its bases in the order in which attributes are looked up."""
        matches = self._lines.get(klass)
        if matches is not None:
            return matches
        return self._once(self._lines, klass, ((klass,), False), lambda: self._line(klass))

    def bases(self, klass: ClassValue) -> Iterator[tuple[str, Values]]:
        """Yield the expressions of a class's bases with what they stand for."""
        definition = self.definition(klass)
        around = ClassValue(klass.path, definition.owner) if definition.owner != MODULE else None
        for base in definition.bases[:_BASES]:
            yield base, self.values(base, klass.path, around)

    def members(self, value: Value, name: str) -> Values:
        """Return what an attribute of a value may be, a property as the function that it is."""
        match value:
            case ModuleValue(path):
                return self.of_module(path, name)
            case ClassValue():
                return self._of_class(value, self.line(value), name)
            case InstanceValue(klass):
                return self._of_class(klass, self.line(klass), name)
            case SuperValue(klass):
                line, complete = self.line(klass)
                return self._of_class(klass, (line[1:], complete), name)
            case ContainerValue():
                return (value.attribute(name),)
            case _:
                return (OUTSIDE,)

    def of_module(self, path: str, name: str) -> Values:
        """Return what a name of the module at `path` stands for; a folder's are the modules in it."""
        matches = self.name(path, name) if path in self.files else (OUTSIDE,)
        inner = self.modules.within(path, name)
        return matches if inner is None or distinct(matches) not in ((), (OUTSIDE,)) else (ModuleValue(inner),)

    def imported(self, path: str, needed: ImportFact) -> Values:
        """Return what an import makes known; nothing when it should be of the repository and is not found."""
        module = self.modules.find(needed.module, path)
        if module is None:
            return (OUTSIDE,)
        return self.of_module(module, needed.name) if needed.name else (ModuleValue(module),)

    def called(self, value: Value) -> Values:
        """Return what a call of a value gives."""
        match value:
            case ClassValue():
                return (InstanceValue(value),)
            case FunctionValue():
                return self._returned(value)
            case InstanceValue():
                return tuple(item for each in self.members(value, "__call__") for item in self._result(each))
            case AccessorValue(result):
                return (result,)
            case ContainerValue() | ExternalValue():
                return (value,)
            case _:
                return ()

    def is_property(self, value: FunctionValue) -> bool:
        """Return whether a method is read as an attribute."""
        return any(name.endswith("property") for name in self.definition(value).decorators)

    def fixtures(self, path: str, name: str) -> list[FunctionValue]:
        """Return the functions that give the value of a test's parameter, the nearest first."""
        nearest = [FunctionValue(path, number) for number in self.table(path).fixtures.get(name, ())]
        shared = [item for conftest in self._conftests(dirname(path)) for item in self.name(conftest, name)]
        return nearest + [
            item for item in shared if isinstance(item, FunctionValue) and is_fixture(self.definition(item))
        ]

    def _conftests(self, folder: str) -> list[str]:
        if folder not in self._shared:
            own = [path] if (path := join(folder, "conftest.py")) in self.files else []
            self._shared[folder] = own + (self._conftests(dirname(folder)) if folder else [])
        return self._shared[folder]

    def _once(self, kept: dict[K, V], key: K, unknown: V, find: Callable[[], V]) -> V:
        depth = self._open.get(key)
        level = len(self._open)
        if depth is not None or level >= _DEEPEST or self._steps >= _STEPS:
            self._cut = min(self._cut, depth or 0)
            return unknown
        self._steps = self._steps + 1 if level else 0
        around, self._cut = self._cut, _DEEPEST
        self._open[key] = level
        try:
            matches = find()
        finally:
            del self._open[key]
        if self._cut >= level:
            kept[key] = matches
            self._cut = around
        else:
            self._cut = min(around, self._cut)
        return matches

    def _evaluate(self, expression: str, path: str, klass: ClassValue | None) -> Iterable[Value]:
        last = expression[-1:]
        if expression == "super()":
            return (SuperValue(klass),) if klass else ()
        if last in _STEP_LENGTHS:
            inner = self.values(expression[: -_STEP_LENGTHS[last]], path, klass)
            return [item for value in inner for item in self._step(last, value)]
        inner_expression, dot, name = expression.rpartition(".")
        if dot:
            inner = self.values(inner_expression, path, klass) if inner_expression else ()
            return [item for value in inner for item in self._attribute(value, name)]
        return self._head(name, path, klass)

    def _step(self, step: str, value: Value) -> Values:
        match step:
            case ")":
                return self.called(value)
            case "]":
                return self._item(value)
            case "#":
                return self._iterated(value)
            case _:
                return (ContainerValue(value, step == "%"),)

    def _item(self, value: Value) -> Values:
        match value:
            case ContainerValue(element):
                return (element,)
            case ClassValue() | ExternalValue():
                return (value,)
            case InstanceValue():
                return tuple(item for each in self.members(value, "__getitem__") for item in self._result(each))
            case _:
                return ()

    def _iterated(self, value: Value) -> Values:
        match value:
            case ContainerValue(element, is_mapping):
                return (OUTSIDE if is_mapping else element,)
            case ExternalValue():
                return (value,)
            case InstanceValue():
                result = [item for each in self.members(value, "__iter__") for item in self._result(each)]
                return tuple(item.element for item in result if isinstance(item, ContainerValue))
            case _:
                return ()

    def _attribute(self, value: Value, name: str) -> Iterator[Value]:
        for member in self.members(value, name):
            if isinstance(member, FunctionValue) and not isinstance(value, ModuleValue) and self.is_property(member):
                yield from self._returned(member)
            else:
                yield member

    def _result(self, member: Value) -> Values:
        return self._returned(member) if isinstance(member, FunctionValue) else ((member,) if member == OUTSIDE else ())

    def _returned(self, function: FunctionValue) -> Values:
        definition = self.definition(function)
        stub = f"{function.path}i"
        path, returns = function.path, definition.returns
        if not returns and stub in self.files:
            path = stub
            returns = next((each.returns for each in self.files[stub].definitions if each.name == definition.name), ())
        return tuple(value for each in returns for value in self.values(each, path, function.receiver))

    def _head(self, name: str, path: str, klass: ClassValue | None) -> Iterable[Value]:
        if name == "self":
            return (InstanceValue(klass),) if klass else ()
        if name == "cls":
            return (klass,) if klass else ()
        if name == "!":
            return (OUTSIDE,)
        if name[:1] == "@":
            return self.imported(path, self.files[path].imports[int(name[1:])])
        if name[:1] == "&":
            return [value for fixture in self.fixtures(path, name[1:])[:1] for value in self._returned(fixture)] or (
                OUTSIDE,
            )
        is_outside = name in _BUILTINS or self.files[path].language != "python"
        return self.name(path, name) or ((OUTSIDE,) if is_outside else ())

    def _name(self, path: str, name: str) -> Iterator[Value]:
        table = self.table(path)
        yield from self._defined(table, MODULE, name, None)
        for number in table.imports.get(name, ()):
            yield from self.imported(path, table.facts.imports[number])
        for expression in table.variables.get((MODULE, name), ()):
            yield from self.values(expression, path, None)
        if (MODULE, name) in table.definitions or name in table.imports or (MODULE, name) in table.variables:
            return
        for number in table.imports.get("*", ()):
            module = self.modules.find(table.facts.imports[number].module, path)
            if module is None:
                yield OUTSIDE
            elif module in self.files and module != path and self.table(module).exports(name):
                yield from self.of_module(module, name)

    def _defined(self, table: SymbolTable, owner: int, name: str, receiver: ClassValue | None) -> Iterator[Value]:
        """Yield the definitions of a name, without what stands beside them: setters and overloads.

        What a stub says of a module's own definition leads to that.
        """
        source = table.path.removesuffix("i")
        if owner == MODULE and source != table.path and source in self.files:
            implementation = self.table(source)
            table = implementation if (MODULE, name) in implementation.definitions else table
        numbers = table.definitions.get((owner, name), ())
        definitions = table.facts.definitions
        plain = [item for item in numbers if not any(each.endswith(BESIDE) for each in definitions[item].decorators)]
        for number in plain or numbers:
            # The columns of a table are found as the attributes of a class are.
            if definitions[number].kind in (NodeKind.CLASS, NodeKind.TABLE):
                yield ClassValue(table.path, number)
            else:
                yield FunctionValue(table.path, number, receiver)

    def _of_class(self, receiver: ClassValue, line: Line, name: str) -> Values:
        for klass in line[0]:
            table = self.table(klass.path)
            key = (klass.number, name)
            values = table.variables.get(key)
            if values is not None or key in table.definitions:
                matches = list(self._defined(table, klass.number, name, receiver))
                matches += [item for each in values or () for item in self.values(each, klass.path, receiver)]
                return distinct(matches)
        if name == "__class__":
            return (receiver,)
        return () if line[1] else (OUTSIDE,)

    def _line(self, klass: ClassValue) -> Line:
        lines, complete = [], True
        for base, values in self.bases(klass):
            if base.partition("[")[0].rpartition(".")[2] in _PLAIN_BASES:
                continue
            classes = [value for value in values if isinstance(value, ClassValue) and value != klass]
            complete = complete and bool(classes)
            for item in classes[:1]:
                line, whole = self.line(item)
                lines.append(line)
                complete = complete and whole
        return linearise(klass, lines)[:_BASES], complete


_STEP_LENGTHS = {")": 2, "]": 2, "#": 1, "*": 1, "%": 1}
