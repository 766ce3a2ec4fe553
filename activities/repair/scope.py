"""Scope: the names, attributes, calls and expressions that repairs of a region can use."""

import ast
import builtins
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from activities.localisation.regions import FunctionNode, LoopNode, Region, Statement
from activities.localisation.source import Source, collect_identifiers
from activities.localisation.vocabulary import Idiom, Vocabulary
from activities.repair.value_types import ValueTypes

BUILTINS = frozenset(dir(builtins))

# Limits on what the templates combine: the edits of a region grow with the product of these numbers.
_INGREDIENT_CHARACTERS = 60
_INGREDIENTS = 60
_VARIABLES = 24
# Characters of a string that may be a key or a word, rather than a message.
_STRING_CHARACTERS = 40
# Idioms and conditions tried in a region, and the share of their identifiers that the region must use.
_SIMILAR = 40
_MIN_OVERLAP = 0.5
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class NamesInScope:
    """The names in scope in a region, and the fix ingredients in it and its file."""

    def __init__(self, region: Region, vocabulary: Vocabulary) -> None:
        self.region = region
        self.vocabulary = vocabulary
        self.source: Source = region.source
        statements = [statement.node for statement in region.statements]
        self._nodes: list[ast.AST] = [region.function] if region.function is not None else [*statements]
        self.types = ValueTypes(self._nodes)
        self._bindings: dict[FunctionNode | None, list[tuple[str, int]]] = {}

    # --- names ----------------------------------------------------------------------------------

    def list_variables(self, statement: Statement, node: ast.AST | None = None) -> list[str]:
        """Return the variables with a value when `statement`, or `node` in its header, runs, nearest first."""
        names = list(self._list_comprehension_targets(node)) if node is not None else []
        for function in self._list_enclosing_functions(statement):
            bindings = reversed(self._list_bindings(function))
            names += [name for name, line in bindings if self._is_assigned(line, function, statement)]
        return list(dict.fromkeys(names))[:_VARIABLES]

    def can_resolve(self, expression: ast.AST, names: Iterable[str]) -> bool:
        """Return whether every name in `expression` is one of `names`, a global or a builtin."""
        known = {*names, *self.globals, *BUILTINS}
        known |= {target for inner in ast.walk(expression) for target in _list_targets(inner)}
        return all(node.id in known for node in ast.walk(expression) if isinstance(node, ast.Name))

    @cached_property
    def globals(self) -> dict[str, ast.stmt]:
        """The names defined or imported by the module, with the defining statement."""
        definitions: dict[str, ast.stmt] = {}
        for node in self.source.tree.body:
            for name in _list_defined_names(node):
                definitions.setdefault(name, node)
        return definitions

    def is_module(self, node: ast.expr) -> bool:
        """Return whether an expression is the name of an import."""
        return isinstance(node, ast.Name) and isinstance(self.globals.get(node.id), ast.Import | ast.ImportFrom)

    @cached_property
    def module_variables(self) -> list[str]:
        """The variables assigned at module level."""
        return [name for name, node in self.globals.items() if isinstance(node, ast.Assign | ast.AnnAssign)]

    @cached_property
    def parameters(self) -> list[str]:
        """The region's parameters except `self` and `cls`."""
        function = self.region.function
        return [] if function is None else [name for name in list_parameters(function) if name not in ("self", "cls")]

    # --- attributes and functions ---------------------------------------------------------------

    @cached_property
    def enclosing_class(self) -> ast.ClassDef | None:
        """The class that contains the region or is it."""
        node = self.region.node
        if isinstance(node, ast.ClassDef) or node is None:
            return node
        parent = self.source.parent(node)
        return parent if isinstance(parent, ast.ClassDef) else None

    @cached_property
    def self_attributes(self) -> list[str]:
        """The attributes of `self` that the class and its bases in the file define or use."""
        names: list[str] = []
        for owner in self._hierarchy:
            walked = ast.walk(owner)
            names += [node.attr for node in walked if isinstance(node, ast.Attribute) and _is_self(node.value)]
            names += [name for node in owner.body for name in _list_defined_names(node)]
        return list(dict.fromkeys(names))

    def list_similar_attributes(self, node: ast.Attribute) -> list[tuple[str, bool]]:
        """Return the attributes used like `node` (called or not), and whether on the same object; these come first."""
        is_called, base = self._is_callee(node), ast.dump(node.value)
        same = [name for name, value, _ in self._attributes if value == base]
        if _is_self(node.value):
            same += self.self_attributes
        others = [name for name, _, called in self._attributes if called == is_called]
        first = dict.fromkeys((name, True) for name in same if name != node.attr)
        rest = dict.fromkeys((name, False) for name in others if name != node.attr and name not in same)
        return [*first, *rest]

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """The functions and methods of the file by name."""
        walked = ast.walk(self.source.tree)
        return {node.name: node for node in walked if isinstance(node, FunctionNode)}

    @cached_property
    def unary_functions(self) -> list[str]:
        """The functions that the file calls with one argument, most used first."""
        calls = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call))
        names = (
            node.func.id
            for node in calls
            if isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords
        )
        return [name for name, _ in Counter(names).most_common()]

    def get_parameters(self, name: str) -> tuple[str, ...]:
        """Return the parameters, without `self`, of a function of the file or a callable of the repository."""
        function = self.functions.get(name)
        if function is None:
            return self.vocabulary.signatures.get(name, ())
        return tuple(parameter for parameter in list_parameters(function) if parameter not in ("self", "cls"))

    @cached_property
    def imported_callables(self) -> list[str]:
        """The functions and classes that the file imports from the repository."""
        known = self.vocabulary.signatures
        return [name for name, node in self.globals.items() if isinstance(node, ast.ImportFrom) and name in known]

    @cached_property
    def similar_idioms(self) -> list[tuple[Idiom, float]]:
        """The idioms that share identifiers with the region, with the share in 0..1, highest first."""
        own = collect_identifiers(self._walk())
        scored = [(idiom, len(idiom.words & own) / len(idiom.words)) for idiom in self.vocabulary.idioms if idiom.words]
        similar = [pair for pair in scored if pair[1] >= _MIN_OVERLAP]
        return sorted(similar, key=lambda pair: -pair[1])[:_SIMILAR]

    @cached_property
    def nullary_methods(self) -> list[str]:
        """The methods that the file calls without arguments, most used first."""
        calls = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call))
        names = (node.func.attr for node in calls if isinstance(node.func, ast.Attribute) and not node.args)
        return [name for name, _ in Counter(names).most_common()]

    # --- expressions ----------------------------------------------------------------------------

    @cached_property
    def ingredients(self) -> list[ast.expr]:
        """The expressions of the region that may be used elsewhere in it, one of each text."""
        by_text: dict[str, ast.expr] = {}
        for node in self._walk():
            if isinstance(node, ast.Subscript | ast.Attribute | ast.Call | ast.BinOp | ast.List | ast.Tuple):
                text = self.source.text_of(node)
                if len(text) <= _INGREDIENT_CHARACTERS and not self._is_callee(node):
                    by_text.setdefault(text, node)
        return list(by_text.values())[:_INGREDIENTS]

    @cached_property
    def conditions(self) -> list[ast.expr]:
        """The conditions of the region and their operands, one of each text."""
        by_text: dict[str, ast.expr] = {}
        for node in self._walk():
            if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
                by_text.setdefault(self.source.text_of(node), node)
            test = getattr(node, "test", None)
            if isinstance(test, ast.Name | ast.Call | ast.Attribute):
                by_text.setdefault(self.source.text_of(test), test)
        return list(by_text.values())[:_INGREDIENTS]

    @cached_property
    def similar_conditions(self) -> list[ast.expr]:
        """The atomic conditions of the file that share identifiers with the region, most similar first."""
        own = collect_identifiers(self._walk()) | {*self.module_variables}
        known = {self.source.text_of(node) for node in self.conditions}
        by_text: dict[str, tuple[float, ast.expr]] = {}
        for node in ast.walk(self.source.tree):
            tests = node.ifs if isinstance(node, ast.comprehension) else [getattr(node, "test", None)]
            for test in (test for test in tests if isinstance(test, ast.expr)):
                for condition in _list_atomic_conditions(test):
                    words, text = collect_identifiers(ast.walk(condition)), self.source.text_of(condition)
                    if words and text not in known and len(text) <= _INGREDIENT_CHARACTERS:
                        by_text.setdefault(text, (len(words & own) / len(words), condition))
        similar = [pair for pair in by_text.values() if pair[0] >= _MIN_OVERLAP]
        return [condition for _, condition in sorted(similar, key=lambda pair: -pair[0])[:_SIMILAR]]

    @cached_property
    def returned_values(self) -> list[str]:
        """The simple values returned by the region, one of each text."""
        values = (node.value for node in self._walk() if isinstance(node, ast.Return) and node.value is not None)
        simple = (value for value in values if isinstance(value, ast.Constant | ast.Name | ast.List | ast.Dict))
        return list(dict.fromkeys(self.source.text_of(value) for value in simple))

    @cached_property
    def is_generator(self) -> bool:
        """Whether the region is a generator."""
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self._walk())

    @cached_property
    def strings(self) -> list[str]:
        """The distinct short strings of the file."""
        constants = (node.value for node in ast.walk(self.source.tree) if isinstance(node, ast.Constant))
        strings = (value for value in constants if isinstance(value, str))
        return list(dict.fromkeys(string for string in strings if 0 < len(string) <= _STRING_CHARACTERS))

    # --- internals ------------------------------------------------------------------------------

    @cached_property
    def _hierarchy(self) -> list[ast.ClassDef]:
        classes = [self.enclosing_class] if self.enclosing_class is not None else []
        for owner in classes:  # it grows by the bases of each
            bases = (self.globals.get(base.id) for base in owner.bases if isinstance(base, ast.Name))
            classes += [base for base in bases if isinstance(base, ast.ClassDef) and base not in classes]
        return classes

    def _walk(self) -> Iterator[ast.AST]:
        for root in self._nodes:
            yield from walk_preorder(root)

    @cached_property
    def _attributes(self) -> list[tuple[str, str, bool]]:
        """The attributes used in the file: the name, the dumped object, and whether it is called."""
        nodes = (node for node in ast.walk(self.source.tree) if isinstance(node, ast.Attribute))
        return list(dict.fromkeys((node.attr, ast.dump(node.value), self._is_callee(node)) for node in nodes))

    def _is_callee(self, node: ast.AST) -> bool:
        parent = self.source.parent(node)
        return isinstance(parent, ast.Call) and parent.func is node

    def _list_enclosing_functions(self, statement: Statement) -> list[FunctionNode | None]:
        functions: list[FunctionNode | None] = []
        node: ast.AST | None = statement.function
        while isinstance(node, FunctionNode):
            functions.append(node)
            node = self.source.parent(node)
            while not isinstance(node, FunctionNode | ast.Module):
                node = self.source.parent(node)
        return functions or [None]

    def _list_bindings(self, function: FunctionNode | None) -> list[tuple[str, int]]:
        if function not in self._bindings:
            body = function.body if function is not None else [statement.node for statement in self.region.statements]
            bound = [] if function is None else [(name, function.lineno) for name in list_parameters(function)]
            local = {(name, line) for node in body for name, line in _list_local_bindings(node)}
            self._bindings[function] = bound + sorted(local, key=lambda binding: (binding[1], binding[0]))
        return self._bindings[function]

    def _is_assigned(self, line: int, function: FunctionNode | None, statement: Statement) -> bool:
        if function is not statement.function or line < statement.first_line:
            return True
        node: ast.AST = statement.node
        while node is not function and not isinstance(node, ast.Module):
            node = self.source.parent(node)
            # From its second round on, a loop has bound what it binds further down.
            if isinstance(node, LoopNode) and node.lineno <= line <= (node.end_lineno or node.lineno):
                return True
        return False

    def _list_comprehension_targets(self, node: ast.AST) -> Iterator[str]:
        while isinstance(node, ast.expr | ast.comprehension | ast.keyword):
            yield from _list_targets(node)
            node = self.source.parent(node)


def walk_preorder(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree in source order."""
    yield node
    for child in ast.iter_child_nodes(node):
        yield from walk_preorder(child)


def _list_atomic_conditions(condition: ast.expr) -> Iterator[ast.expr]:
    match condition:
        case ast.BoolOp(values=values):
            for value in values:
                yield from _list_atomic_conditions(value)
        case ast.NamedExpr(value=value):
            yield value
        case ast.Compare() | ast.Call() | ast.UnaryOp(op=ast.Not()) | ast.Attribute():
            yield condition


def list_parameters(function: FunctionNode) -> list[str]:
    """Return the names of a function's parameters, the variadic ones last."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [parameter.arg for parameter in [*named, arguments.vararg, arguments.kwarg] if parameter is not None]


def list_assigned_names(root: ast.AST) -> list[str]:
    """Return the names assigned anywhere in a tree, with repetitions."""
    names = (node for node in ast.walk(root) if isinstance(node, ast.Name))
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]


def _list_targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _COMPREHENSIONS):
        for generator in node.generators:
            yield from (target.id for target in ast.walk(generator.target) if isinstance(target, ast.Name))
    elif isinstance(node, ast.Lambda):
        yield from (parameter.arg for parameter in node.args.args)


def _list_local_bindings(node: ast.AST) -> Iterator[tuple[str, int]]:
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
        yield from _list_local_bindings(child)


def _list_defined_names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in names if alias.name != "*")
        case ast.Assign() | ast.AnnAssign():
            yield from list_assigned_names(node)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
