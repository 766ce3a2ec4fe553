"""Scope: the names, attributes, calls and expressions from which a region's repairs are made."""

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from activities.localisation.regions import FunctionNode, Region, Statement
from activities.localisation.source import Source
from activities.localisation.vocabulary import Idiom, Vocabulary
from activities.repair.value_types import ValueTypes

BUILTINS = frozenset(dir(builtins))

_INGREDIENT_CHARACTERS = 60
_INGREDIENTS = 60
_NAMES = 24
# Phrases worth trying in a region, and the share of their words that the region uses too.
_PHRASES = 40
_ALIKE = 0.5
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class NamesInScope:
    """What a region's code can refer to, and what it and its file already say."""

    def __init__(self, region: Region, vocabulary: Vocabulary) -> None:
        self.region = region
        self.vocabulary = vocabulary
        self.source: Source = region.source
        own = [statement.node for statement in region.statements]
        self._nodes: list[ast.AST] = [region.function] if region.function is not None else [*own]
        self.kinds = ValueTypes(self._nodes)
        self._bindings: dict[FunctionNode | None, list[tuple[str, int]]] = {}

    # --- names ----------------------------------------------------------------------------------

    def names(self, statement: Statement, node: ast.AST | None = None) -> list[str]:
        """The variables that have a value where `statement` (or `node` in its header) runs, nearest first."""
        found = list(self._comprehended(node)) if node is not None else []
        for function in self._functions_around(statement):
            bound = self._bound(function)
            found += [name for name, line in reversed(bound) if self._is_set(line, function, statement)]
        return list(dict.fromkeys(found))[:_NAMES]

    def can_name(self, expression: ast.AST, names: Iterable[str]) -> bool:
        """Whether all that `expression` refers to is among `names`, the globals or the builtins."""
        known = {*names, *self.globals, *BUILTINS}
        own = {target for inner in ast.walk(expression) for target in _targets_of(inner)}
        return all(node.id in known or node.id in own for node in ast.walk(expression) if isinstance(node, ast.Name))

    @cached_property
    def globals(self) -> dict[str, ast.stmt]:
        """What the module defines or imports, with the defining statement."""
        found: dict[str, ast.stmt] = {}
        for node in self.source.tree.body:
            for name in _defined(node):
                found.setdefault(name, node)
        return found

    @cached_property
    def constants(self) -> list[str]:
        """Module-level variables."""
        return [name for name, node in self.globals.items() if isinstance(node, ast.Assign | ast.AnnAssign)]

    @cached_property
    def parameters(self) -> list[str]:
        """The region's parameters except `self` and `cls`."""
        function = self.region.function
        return [] if function is None else [name for name in parameters(function) if name not in ("self", "cls")]

    # --- attributes and functions ---------------------------------------------------------------

    @cached_property
    def owner(self) -> ast.ClassDef | None:
        """The class whose method or body the region is."""
        node = self.region.node
        if isinstance(node, ast.ClassDef) or node is None:
            return node
        parent = self.source.parent(node)
        return parent if isinstance(parent, ast.ClassDef) else None

    @cached_property
    def own_attributes(self) -> list[str]:
        """What the owner and its bases in the file define and use on `self`."""
        found: list[str] = []
        for owner in self._lineage:
            walked = ast.walk(owner)
            found += [node.attr for node in walked if isinstance(node, ast.Attribute) and _is_self(node.value)]
            found += [name for node in owner.body for name in _defined(node)]
        return list(dict.fromkeys(found))

    def attributes_like(self, node: ast.Attribute) -> list[tuple[str, bool]]:
        """The attributes the file uses in the way of `node`, and whether on the same object."""
        called, base = self._is_callee(node), ast.dump(node.value)
        same = [name for name, value, _ in self._attributes if value == base]
        if _is_self(node.value):
            same += self.own_attributes
        alike = [name for name, _, is_called in self._attributes if is_called == called]
        first = dict.fromkeys((name, True) for name in same if name != node.attr)
        rest = dict.fromkeys((name, False) for name in alike if name != node.attr and name not in same)
        return [*first, *rest]

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """All functions and methods of the file by name."""
        walked = ast.walk(self.source.tree)
        return {node.name: node for node in walked if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    @cached_property
    def unary_functions(self) -> list[str]:
        """Names the file calls with one argument, most used first."""
        calls = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call))
        names = (
            node.func.id
            for node in calls
            if isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords
        )
        return [name for name, _ in Counter(names).most_common()]

    def taken(self, name: str) -> tuple[str, ...]:
        """The parameters, without `self`, of the function or class `name` of the file or of another one."""
        function = self.functions.get(name)
        if function is None:
            return self.vocabulary.signatures.get(name, ())
        return tuple(parameter for parameter in parameters(function) if parameter not in ("self", "cls"))

    @cached_property
    def imported_functions(self) -> list[str]:
        """What the file imports from the repository and can be called."""
        known = self.vocabulary.signatures
        return [name for name, node in self.globals.items() if isinstance(node, ast.ImportFrom) and name in known]

    @cached_property
    def phrases(self) -> list[tuple[Idiom, float]]:
        """What the rest of the repository says in the region's words, most alike first, with the likeness in 0..1."""
        walked = list(self._walk())
        own = {node.id for node in walked if isinstance(node, ast.Name)}
        own |= {node.attr for node in walked if isinstance(node, ast.Attribute)}
        rated = [
            (phrase, len(phrase.words & own) / len(phrase.words)) for phrase in self.vocabulary.idioms if phrase.words
        ]
        alike = sorted((pair for pair in rated if pair[1] >= _ALIKE), key=lambda pair: -pair[1])
        return alike[:_PHRASES]

    @cached_property
    def bare_methods(self) -> list[str]:
        """Methods the file calls without arguments, most used first."""
        calls = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call))
        names = (node.func.attr for node in calls if isinstance(node.func, ast.Attribute) and not node.args)
        return [name for name, _ in Counter(names).most_common()]

    # --- expressions ----------------------------------------------------------------------------

    @cached_property
    def ingredients(self) -> list[ast.expr]:
        """Expressions of the region that could stand elsewhere in it, one of each text."""
        found: dict[str, ast.expr] = {}
        for node in self._walk():
            if isinstance(node, ast.Subscript | ast.Attribute | ast.Call | ast.BinOp | ast.List | ast.Tuple):
                text = self.source.text_of(node)
                if len(text) <= _INGREDIENT_CHARACTERS and not self._is_callee(node):
                    found.setdefault(text, node)
        return list(found.values())[:_INGREDIENTS]

    @cached_property
    def conditions(self) -> list[ast.expr]:
        """The conditions of the region and their parts, one of each text."""
        found: dict[str, ast.expr] = {}
        for node in self._walk():
            if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
                found.setdefault(self.source.text_of(node), node)
            test = getattr(node, "test", None)
            if isinstance(test, ast.Name | ast.Call | ast.Attribute):
                found.setdefault(self.source.text_of(test), test)
        return list(found.values())[:_INGREDIENTS]

    @cached_property
    def conditions_elsewhere(self) -> list[ast.expr]:
        """The parts of conditions in the rest of the file, those in the region's words first, one of each text."""
        walked = list(self._walk())
        own = {node.id for node in walked if isinstance(node, ast.Name)}
        own |= {node.attr for node in walked if isinstance(node, ast.Attribute)} | {*self.constants}
        known = {self.source.text_of(node) for node in self.conditions}
        found: dict[str, tuple[float, ast.expr]] = {}
        for node in ast.walk(self.source.tree):
            tests = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
            for part in (part for test in tests if isinstance(test, ast.expr) for part in _parts(test)):
                words = {inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name)}
                words |= {inner.attr for inner in ast.walk(part) if isinstance(inner, ast.Attribute)}
                text = self.source.text_of(part)
                if words and text not in known and len(text) <= _INGREDIENT_CHARACTERS:
                    found.setdefault(text, (len(words & own) / len(words), part))
        ranked = sorted((pair for pair in found.values() if pair[0] >= _ALIKE), key=lambda pair: -pair[0])
        return [part for _, part in ranked[:_PHRASES]]

    @cached_property
    def returned(self) -> list[str]:
        """The simple values that the region returns, one of each text."""
        values = (node.value for node in self._walk() if isinstance(node, ast.Return) and node.value is not None)
        simple = (value for value in values if isinstance(value, ast.Constant | ast.Name | ast.List | ast.Dict))
        return list(dict.fromkeys(self.source.text_of(value) for value in simple))

    @cached_property
    def yields(self) -> bool:
        """Whether the region is a generator."""
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self._walk())

    @cached_property
    def words(self) -> list[str]:
        """The short strings of the file, one of each."""
        walked = (node.value for node in ast.walk(self.source.tree) if isinstance(node, ast.Constant))
        return list(dict.fromkeys(value for value in walked if isinstance(value, str) and 0 < len(value) <= 40))

    # --- how they are found ---------------------------------------------------------------------

    @cached_property
    def _lineage(self) -> list[ast.ClassDef]:
        """The owner and those of its bases that are defined in the file, nearest first."""
        found = [self.owner] if self.owner is not None else []
        for owner in found:
            bases = (self.globals.get(base.id) for base in owner.bases if isinstance(base, ast.Name))
            found += [base for base in bases if isinstance(base, ast.ClassDef) and base not in found]
        return found

    def _walk(self) -> Iterator[ast.AST]:
        for root in self._nodes:
            yield from preorder(root)

    @cached_property
    def _attributes(self) -> list[tuple[str, str, bool]]:
        """The attributes the file uses: the name, a text for the object, and whether it is called."""
        found = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Attribute))
        return list(dict.fromkeys((node.attr, ast.dump(node.value), self._is_callee(node)) for node in found))

    def _is_callee(self, node: ast.AST) -> bool:
        parent = self.source.parent(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def _functions_around(self, statement: Statement) -> list[FunctionNode | None]:
        inside: list[FunctionNode | None] = []
        node: ast.AST | None = statement.function
        while isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.append(node)
            node = self.source.parent(node)
            while not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                node = self.source.parent(node)
        return inside or [None]

    def _bound(self, function: FunctionNode | None) -> list[tuple[str, int]]:
        if function not in self._bindings:
            body = function.body if function is not None else [statement.node for statement in self.region.statements]
            given = [] if function is None else [(name, function.lineno) for name in parameters(function)]
            local = [(name, line) for node in body for name, line in _local_bindings(node)]
            self._bindings[function] = given + sorted(set(local), key=lambda binding: (binding[1], binding[0]))
        return self._bindings[function]

    def _is_set(self, line: int, function: FunctionNode | None, statement: Statement) -> bool:
        if function is not statement.function or line < statement.first_line:
            return True
        node: ast.AST = statement.node
        while node is not function and not isinstance(node, ast.Module):
            node = self.source.parent(node)
            # What a loop binds further down it has bound from its second round on.
            if isinstance(node, _LOOPS) and node.lineno <= line <= (node.end_lineno or node.lineno):
                return True
        return False

    def _comprehended(self, node: ast.AST) -> Iterator[str]:
        while isinstance(node, ast.expr | ast.comprehension | ast.keyword):
            yield from _targets_of(node)
            node = self.source.parent(node)


def preorder(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree in the order of the text."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from preorder(child)


def _parts(condition: ast.expr) -> Iterator[ast.expr]:
    """What a condition combines."""
    match condition:
        case ast.BoolOp(values=values):
            for value in values:
                yield from _parts(value)
        case ast.NamedExpr(value=value):
            yield value
        case ast.Compare() | ast.Call() | ast.UnaryOp(op=ast.Not()) | ast.Attribute():
            yield condition


def parameters(function: FunctionNode) -> list[str]:
    """The names of a function's parameters, in order."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [parameter.arg for parameter in [*named, arguments.vararg, arguments.kwarg] if parameter is not None]


def _targets_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _COMPREHENSIONS):
        for generator in node.generators:
            yield from (target.id for target in ast.walk(generator.target) if isinstance(target, ast.Name))
    elif isinstance(node, ast.Lambda):
        yield from (parameter.arg for parameter in node.args.args)


def _local_bindings(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Names a statement binds in the function it stands in, with their lines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, node.lineno
            return
        case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            return
        case ast.Name(id=name, ctx=ast.Store()):
            yield name, node.lineno
        case ast.ExceptHandler(name=str(name)):
            yield name, node.lineno
    for child in ast.iter_child_nodes(node):
        yield from _local_bindings(child)


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in names if alias.name != "*")
        case ast.Assign() | ast.AnnAssign():
            yield from (target.id for target in ast.walk(node) if isinstance(target, ast.Name) and _is_stored(target))


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
