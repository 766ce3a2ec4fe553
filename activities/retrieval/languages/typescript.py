"""TypeScript files, with JSX and without, by tree-sitter: nodes, imports, calls and requests."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from posixpath import basename

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from activities.code.language import read_text
from activities.code.test_files import name_script_test
from activities.retrieval.file_facts import MODULE, FileFacts, ImportFact, Request
from activities.retrieval.languages.building import Builder, Draft, clean
from activities.retrieval.languages.routes import METHODS, parse_request
from activities.retrieval.languages.scopes import ClassScope, Reading, Scope
from activities.retrieval.languages.script_expressions import (
    read_chain,
    read_heritage,
    read_required,
    read_string,
    read_types,
)
from activities.retrieval.languages.sql_strings import list_mentioned, starts_statement
from hydranet.code_graph.model import NodeKind

_TYPESCRIPT = Language(tree_sitter_typescript.language_typescript())
_TSX = Language(tree_sitter_typescript.language_tsx())

_FUNCTIONS = frozenset({"function_declaration", "generator_function_declaration", "method_definition"})
_VALUES_OF_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "interface_declaration", "class"})
_TESTS = frozenset({"test", "it", "specify"})
_NAMES = frozenset({"identifier", "type_identifier", "shorthand_property_identifier"})
_DEEPEST = 60
_MOST_REQUESTS = _MOST_LITERALS = 2000


def parse(source: bytes) -> FileFacts:
    """Return the facts of a TypeScript file."""
    return _parse(source, _TYPESCRIPT)


def parse_jsx(source: bytes) -> FileFacts:
    """Return the facts of a TypeScript file with JSX."""
    return _parse(source, _TSX)


def _parse(source: bytes, language: Language) -> FileFacts:
    # Invalid UTF-8 is replaced once, so that every text of a node can be decoded.
    valid = source.removeprefix(BOM_UTF8).decode("utf-8", "replace").encode()
    reader = _Reader(valid)
    reader.read(Parser(language).parse(valid).root_node)
    return reader.builder.facts()


@dataclass(slots=True)
class _Frame:
    """A module, class or function while its nodes are read."""

    scope: Scope
    nodes: list[Node]
    place: NodeKind
    klass: int = MODULE
    depth: int = 0


class _Reader:
    def __init__(self, source: bytes) -> None:
        self.builder = Builder("typescript", source)
        self._waiting: list[_Frame] = []

    def read(self, root: Node) -> None:
        """Gather everything below the root."""
        outside = _FUNCTIONS | _CLASSES | {"import_statement", "export_statement", "comment"}
        self.builder.loose = [item for item in root.named_children if item.type not in outside]
        self._waiting.append(_Frame(self.builder.module, root.named_children, NodeKind.MODULE))
        while self._waiting:
            frame = self._waiting.pop()
            stack = frame.nodes[::-1]
            while stack:
                node = stack.pop()
                if node.type in _NAMES:
                    self._use(frame, (read_text(node), ""), node, False)
                elif handler := _HANDLERS.get(node.type):
                    stack.extend(handler(self, frame, node)[::-1])
                else:
                    stack.extend(node.named_children[::-1])

    def _use(self, frame: _Frame, reading: Reading, node: Node, called: bool) -> None:
        frame.scope.uses.setdefault((*reading, called), node.start_point[0] + 1)

    def _function(self, frame: _Frame, node: Node) -> list[Node]:
        name = node.child_by_field_name("name")
        return self._define(frame, read_text(name), node, node) if name is not None else node.named_children

    def _nested(self, frame: _Frame, node: Node) -> list[Node]:
        self._enter(frame, node, None)
        return []

    def _define(self, frame: _Frame, own: str, outer: Node, node: Node) -> list[Node]:
        """Return a named function; what is defined inside of another belongs to that."""
        draft = None
        if frame.place is not NodeKind.FUNCTION:
            kind = NodeKind.METHOD if frame.place is NodeKind.CLASS else NodeKind.FUNCTION
            draft = self._draft(frame, own, kind, outer)
        else:
            frame.scope.bind(own)
        self._enter(frame, node, draft)
        return []

    def _enter(self, frame: _Frame, node: Node, draft: Draft | None) -> None:
        if frame.depth > _DEEPEST:
            return
        around = frame.scope if frame.place is NodeKind.FUNCTION else None
        scope = Scope(frame.scope.owner if draft is None else draft.number, around)
        self.builder.scopes.append(scope)
        names, kinds = [], []
        single = node.child_by_field_name("parameter")
        given = node.child_by_field_name("parameters")
        for item in ([single] if single else []) + (given.named_children if given else []):
            pattern = item.child_by_field_name("pattern") or item
            annotation = item.child_by_field_name("type")
            if pattern.type == "identifier":
                names.append(read_text(pattern))
                scope.bind(names[-1], read_types(annotation))
            kinds += [annotation] if annotation else []
        result, body = node.child_by_field_name("return_type"), node.child_by_field_name("body")
        if draft is not None:
            draft.inside, draft.types, draft.parameters = scope, read_types(result), tuple(names[:50])
            self._describe(draft, node, body)
        nodes = [*kinds, *([result] if result else []), *([body] if body else [])]
        self._waiting.append(_Frame(scope, nodes, NodeKind.FUNCTION, frame.klass, frame.depth + 1))

    def _class(self, frame: _Frame, node: Node) -> list[Node]:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or frame.place is not NodeKind.MODULE or frame.depth > _DEEPEST:
            return node.named_children
        draft = self._draft(frame, read_text(name), NodeKind.CLASS, node)
        heritage = [item for item in node.named_children if item.type in ("class_heritage", "extends_type_clause")]
        if draft is None:
            return heritage
        draft.bases = [reading for item in heritage for reading in read_heritage(item)]
        self._describe(draft, node, body)
        scope = ClassScope(draft.number)
        self.builder.scopes.append(scope)
        nodes = body.named_children if body else []
        self._waiting.append(_Frame(scope, nodes, NodeKind.CLASS, draft.number, frame.depth + 1))
        return heritage

    def _draft(self, frame: _Frame, own: str, kind: NodeKind, node: Node) -> Draft | None:
        around = node.parent
        outer = around if around is not None and around.type == "export_statement" else node
        return self.builder.define(own, kind, frame.klass, outer, frame.scope)

    def _describe(self, draft: Draft, node: Node, body: Node | None) -> None:
        draft.signature = self.builder.quoted(node.start_byte, body.start_byte if body else node.end_byte)
        before = draft.outer.prev_named_sibling
        if before is not None and before.type == "comment":
            lines = (line.strip().lstrip("/*").rstrip("*/").strip() for line in read_text(before).split("\n"))
            draft.docstring = clean("\n".join(lines).strip())

    def _variable(self, frame: _Frame, node: Node) -> list[Node]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and name.type == "object_pattern" and frame.place is NodeKind.MODULE:
            head, module = read_required(value)
            for item in name.named_children if head else ():
                names = [read_text(each) for each in item.named_children] or [read_text(item)]
                self._add_import(module, names[0], names[-1], node)
        if name is None or name.type != "identifier":
            return node.named_children
        own = read_text(name)
        if value is not None and value.type in _VALUES_OF_FUNCTIONS:
            outer = node.parent if node.parent is not None and node.parent.named_child_count == 1 else node
            return self._define(frame, own, outer, value)
        head, module = read_required(value)
        if head and frame.place is NodeKind.MODULE:
            self._add_import(module, "", own, node)
            return []
        annotation = node.child_by_field_name("type")
        readings = read_types(annotation) or ([read_chain(value)] if value is not None else [])
        frame.scope.bind(own, readings)
        if frame.place is NodeKind.MODULE:
            self.builder.members.setdefault((MODULE, own), []).append((frame.scope, readings))
        return [item for item in (annotation, value) if item is not None]

    def _field(self, frame: _Frame, node: Node) -> list[Node]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        annotation = node.child_by_field_name("type")
        if name is None:
            return node.named_children
        if value is not None and value.type in _VALUES_OF_FUNCTIONS:
            return self._define(frame, read_text(name), node, value)
        readings = read_types(annotation) or ([read_chain(value)] if value is not None else [])
        self.builder.members.setdefault((frame.klass, read_text(name)), []).append((frame.scope, readings))
        return [item for item in (annotation, value) if item is not None]

    def _pair(self, frame: _Frame, node: Node) -> list[Node]:
        """Return the value of a property of an object; a function there is called by its name."""
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        if key is None or value is None or value.type not in _VALUES_OF_FUNCTIONS or frame.place is NodeKind.FUNCTION:
            return node.named_children[1:]
        return self._define(frame, read_text(key), node, value)

    def _assignment(self, frame: _Frame, node: Node) -> list[Node]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return node.named_children
        head, rest = read_chain(left)
        exported = f"{head}{rest}".removeprefix("module.")
        if frame.place is NodeKind.MODULE and right.type in _VALUES_OF_FUNCTIONS and exported.startswith("exports."):
            statement = node.parent if node.parent is not None else node
            return self._define(frame, exported.removeprefix("exports."), statement, right)
        if head == "self" and rest.count(".") == 1 and frame.klass != MODULE:
            self.builder.members.setdefault((frame.klass, rest[1:]), []).append((frame.scope, [read_chain(right)]))
            return [right]
        return [left, right]

    def _call(self, frame: _Frame, node: Node) -> list[Node]:
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        given = arguments.named_children if arguments is not None else []
        if function is None:
            return given
        reading = read_chain(function)
        self._use(frame, reading, node, True)
        self._request(frame, reading, node, given)
        given = self._test(frame, reading, node, given)
        return [*(function.named_children[:1] if function.type == "member_expression" else []), *given]

    def _test(self, frame: _Frame, reading: Reading, node: Node, given: list[Node]) -> list[Node]:
        """Read a test, a call with a title and a function, as a function; return what else the call is given."""
        title = read_string(given[0]) if given else None
        function = next((item for item in given[1:] if item.type in _VALUES_OF_FUNCTIONS), None)
        name = name_script_test(title or "")
        if reading[0] not in _TESTS or function is None or not name:
            return given
        draft = self.builder.define(name, NodeKind.FUNCTION, MODULE, node, frame.scope)
        self._enter(frame, function, draft)
        return [item for item in given if item != function]

    def _request(self, frame: _Frame, reading: Reading, node: Node, given: list[Node]) -> None:
        name = f".{reading[0]}{reading[1]}".rpartition(".")[2]
        literal = read_string(given[0]) if given else None
        path = parse_request(literal) if literal else None
        is_client = name in ("fetch", "axios", "request") or name.upper() in METHODS
        serves = len(given) > 1 and given[-1].type in _VALUES_OF_FUNCTIONS
        if path is not None and is_client and not serves and len(self.builder.requests) < _MOST_REQUESTS:
            method = name.upper() if name.upper() in METHODS else ""
            self.builder.requests.append(Request(frame.scope.owner, path, method, node.start_point[0] + 1))

    def _literal(self, frame: _Frame, node: Node) -> list[Node]:
        """Note the tables and columns of an SQL statement, or the file of statements that a string names."""
        text = read_string(node) or ""
        names = [basename(text)] if text.endswith(".sql") else list_mentioned(text) if starts_statement(text) else []
        for name in names:
            if len(self.builder.literals) < _MOST_LITERALS:
                self.builder.literals.setdefault((frame.scope.owner, name), node.start_point[0] + 1)
        return node.named_children

    def _member(self, frame: _Frame, node: Node) -> list[Node]:
        self._use(frame, read_chain(node), node, False)
        return node.named_children[:1]

    def _element(self, frame: _Frame, node: Node) -> list[Node]:
        """Return a JSX element; one that is a component is called by it."""
        name = node.child_by_field_name("name")
        if name is None or (name.type == "identifier" and read_text(name)[:1].islower()):
            return node.named_children[1:]
        self._use(frame, read_chain(name), node, True)
        return node.named_children[1:]

    def _import(self, _: _Frame, node: Node) -> list[Node]:
        module = read_string(node.child_by_field_name("source"))
        if module is None:
            return []
        stack, matches = node.named_children, False
        while stack:
            inner = stack.pop()
            if inner.type == "identifier":
                self._add_import(module, "default", read_text(inner), node)
            elif inner.type == "namespace_import":
                self._add_import(module, "", read_text(inner.named_children[0]), node)
            elif inner.type == "import_specifier":
                names = [read_text(each) for each in inner.named_children]
                self._add_import(module, names[0], names[-1], node)
            elif inner.type in ("import_clause", "named_imports"):
                stack.extend(inner.named_children)
                continue
            else:
                continue
            matches = True
        if not matches:
            self._add_import(module, "", "", node)
        return []

    def _export(self, _: _Frame, node: Node) -> list[Node]:
        module = read_string(node.child_by_field_name("source"))
        declaration = node.child_by_field_name("declaration")
        value = node.child_by_field_name("value")
        if declaration is not None:
            name = declaration.child_by_field_name("name")
            if name is not None and any(child.type == "default" for child in node.children):
                self._export_as("default", (read_text(name), ""))
            return [declaration]
        if value is not None:
            self._export_as("default", read_chain(value))
            return [value]
        clauses = [item for item in node.named_children if item.type == "export_clause"]
        if module is not None and not clauses:
            self._add_import(module, "*", "*", node)
        for item in (each for clause in clauses for each in clause.named_children if each.type == "export_specifier"):
            names = [read_text(each) for each in item.named_children]
            if module is not None:
                self._add_import(module, names[0], names[-1], node)
            elif names[0] != names[-1]:
                self._export_as(names[-1], (names[0], ""))
        return [] if module is not None or clauses else node.named_children

    def _export_as(self, name: str, reading: Reading) -> None:
        self.builder.members.setdefault((MODULE, name), []).append((self.builder.module, [reading]))

    def _add_import(self, module: str, name: str, alias: str, node: Node) -> None:
        self.builder.imports.append(ImportFact(MODULE, node.start_point[0] + 1, module, name, alias))


_HANDLERS: dict[str, Callable[[_Reader, _Frame, Node], list[Node]]] = (
    {
        "import_statement": _Reader._import,
        "export_statement": _Reader._export,
        "variable_declarator": _Reader._variable,
        "public_field_definition": _Reader._field,
        "pair": _Reader._pair,
        "assignment_expression": _Reader._assignment,
        "call_expression": _Reader._call,
        "new_expression": _Reader._call,
        "member_expression": _Reader._member,
        "string": _Reader._literal,
        "template_string": _Reader._literal,
        "jsx_opening_element": _Reader._element,
        "jsx_self_closing_element": _Reader._element,
        "property_identifier": lambda _, __, ___: [],
        "comment": lambda _, __, ___: [],
    }
    | dict.fromkeys(_FUNCTIONS, _Reader._function)
    | dict.fromkeys(_CLASSES, _Reader._class)
    | dict.fromkeys(_VALUES_OF_FUNCTIONS, _Reader._nested)
)
