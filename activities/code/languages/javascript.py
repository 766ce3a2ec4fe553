"""JavaScript and TypeScript, with JSX and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language as Grammar
from tree_sitter import Node

from activities.code.language import (
    Definition,
    Fault,
    Import,
    Language,
    find_syntax_error,
    get_last_line,
    get_line,
    list_tokens,
    parse,
    read_text,
    walk,
)

_FUNCTIONS = frozenset({"function_declaration", "generator_function_declaration", "method_definition"})
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_CLASSES = frozenset({"class_declaration", "abstract_class_declaration", "interface_declaration"})
_FIELDS = frozenset({"public_field_definition", "field_definition"})
_IDENTIFIERS = frozenset(
    {"identifier", "property_identifier", "type_identifier", "shorthand_property_identifier"}
    | {"shorthand_property_identifier_pattern", "private_property_identifier"}
)
_CLAUSES = frozenset({"else_clause", "catch_clause", "finally_clause", "switch_case", "switch_default"})
_MODIFIERS = re.compile(r"\s*((?:export\s+)?(?:default\s+)?)")
_TEST = re.compile(r"(?:test|it|specify|t\.test)(?:\.\w+)*")
_EXPORTS = re.compile(r"(?:module\.)?exports\.(\w+)")


class Script(Language):
    """One of the dialects; `grammar` is tree-sitter's."""

    comment = "//"
    head = re.compile(
        r"\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?"
        r"(?:(?:async\s+)?function\b|class\s+\w|interface\s+\w|(?:const|let|var)\s+\w+\s*[=:])"
    )

    def __init__(self, name: str, suffixes: tuple[str, ...], fence: str, grammar: object) -> None:
        self.name, self.suffixes, self.fence = name, suffixes, fence
        self._pointer = grammar

    @cached_property
    def grammar(self) -> Grammar:
        """The grammar of tree-sitter."""
        return Grammar(self._pointer)

    def list_definitions(self, source: str) -> list[Definition]:
        """List functions, classes, methods and module-level variables; what a function holds belongs to it."""
        return _sort(_define(parse(self.grammar, source), ""))

    def read_answer(self, code: str) -> list[Definition]:
        """List what a piece of an answer defines; a method may stand there without its class."""
        root = parse(self.grammar, code)
        if root.has_error:
            # A method by itself is no program; on one line with the head of a class its lines stay as they are.
            wrapped = parse(self.grammar, f"class _ {{{code}\n}}")
            if not wrapped.has_error:
                body = wrapped.named_children[0].child_by_field_name("body")
                return _sort(_define(body or wrapped, "", in_class=True))
        return _sort(_define(root, ""))

    def list_imports(self, source: str) -> list[Import]:
        """List the imports at the level of the module, those by `require` too."""
        return list(_list_imports(parse(self.grammar, source)))

    def list_identifiers(self, source: str, first: int, last: int) -> set[str]:
        """Return the names, properties included, in the lines `first` to `last`."""
        nodes = walk(parse(self.grammar, source))
        return {read_text(node) for node in nodes if node.type in _IDENTIFIERS and first <= get_line(node) <= last}

    def list_statement_lines(self, source: str, first: int, last: int) -> list[int]:
        """Return the lines among `first` to `last` in which a statement, or a clause of one, begins."""
        lines = {
            get_line(node)
            for node in walk(parse(self.grammar, source))
            if (node.type.endswith(("_statement", "_declaration", "_definition")) or node.type in _CLAUSES)
        }
        return sorted(line for line in lines if first <= line <= last)

    def list_statements(self, source: str) -> set[str]:
        """Return the statements at the level of the module that define and import nothing."""
        children = parse(self.grammar, source).named_children
        left_out = _FUNCTIONS | _CLASSES | {"comment", "import_statement", "export_statement"}
        return {read_text(node) for node in children if node.type not in left_out and not list(_define(node, ""))}

    def find_test(self, source: str, test_id: str) -> Definition | None:
        """Return the call that defines the test of an id such as `file::group > name`."""
        name = test_id.rpartition("::")[2].rpartition(" > ")[2]
        for node in walk(parse(self.grammar, source)):
            function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
            if node.type != "call_expression" or function is None or arguments is None:
                continue
            first = next(iter(arguments.named_children), None)
            if first is not None and _TEST.fullmatch(read_text(function)) and read_text(first)[1:-1] == name:
                line = get_line(node)
                return Definition(name, "function", line, line, line, get_last_line(node))
        return None

    def find_fault(self, source: str) -> Fault | None:
        """Return the first syntax error."""
        return find_syntax_error(parse(self.grammar, source))

    def find_import_end(self, source: str) -> int:
        """Return the last line of the imports at the top of a file, 0 without any."""
        end = 0
        for node in parse(self.grammar, source).named_children:
            if node.type in ("comment", "hash_bang_line") or _is_directive(node):
                continue
            if node.type != "import_statement" and not list(_list_required(node)):
                break
            end = get_last_line(node)
        return end

    def is_same_code(self, old: str, new: str) -> bool:
        """Return whether two sources differ only in comments and layout."""
        left_out, whole = frozenset({"comment"}), frozenset({"template_string", "jsx_text", "regex"})
        before, after = (list_tokens(parse(self.grammar, source), left_out, whole) for source in (old, new))
        return before == after

    def is_torn(self, definition: Definition, lines: list[str]) -> bool:
        """Return whether the code that holds a definition has a syntax error."""
        code = "\n".join(lines[definition.first - 1 : definition.last])
        alone = self.find_fault(code) is not None and self.find_fault(f"class _ {{{code}\n}}") is not None
        # One of several variables is no statement by itself.
        return alone and self.find_fault("\n".join(lines)) is not None

    def keep_modifiers(self, old: str, new: str) -> str:
        """Return the first line of a new version, exported as the old one is."""
        exported, given = _MODIFIERS.match(old), _MODIFIERS.match(new)
        if exported is None or given is None or given[1] or not exported[1]:
            return new
        indent = new[: len(new) - len(new.lstrip())]
        return f"{indent}{exported[1]}{new.lstrip()}"

    def find_member_end(self, definition: Definition) -> int:
        """Return the line before the closing brace of a class."""
        return max(definition.start, definition.last - 1)

    def find_import_line(self, needed: Import, code: str) -> str:
        """Return a line that imports one name."""
        line = code.split("\n")[needed.line - 1]
        quote = '"' if '"' in line else "'"
        module = f"{quote}{needed.module}{quote}"
        end = ";" if line.rstrip().endswith(";") else ""
        if "require(" in line:
            target = needed.alias
            if needed.name:
                target = f"{{ {needed.name if needed.name == needed.alias else f'{needed.name}: {needed.alias}'} }}"
            return f"const {target} = require({module}){end}"
        if needed.name in ("", "default"):
            return f"import {f'* as {needed.alias}' if not needed.name else needed.alias} from {module}{end}"
        target = needed.name if needed.name == needed.alias else f"{needed.name} as {needed.alias}"
        return f"import {{ {target} }} from {module}{end}"


def _sort(definitions: Iterator[Definition]) -> list[Definition]:
    return sorted(definitions, key=lambda definition: (definition.first, definition.name))


def _define(root: Node, owner: str, *, in_class: bool = False) -> Iterator[Definition]:
    nodes = [root] if root.type not in ("program", "class_body") else root.named_children[::-1]
    while nodes:
        node = nodes.pop()
        name = node.child_by_field_name("name") or node.child_by_field_name("property")
        value = node.child_by_field_name("value")
        is_function_value = value is not None and value.type in _FUNCTION_VALUES
        if node.type in _FUNCTIONS and name is not None:
            yield _make(node, _find_outer(node), name, owner, "function", node)
        elif node.type in _CLASSES and name is not None and not owner and not in_class:
            body = node.child_by_field_name("body")
            yield _make(node, _find_outer(node), name, "", "class", node)
            if body is not None:
                yield from _define(body, read_text(name), in_class=True)
        elif node.type == "variable_declarator" and name is not None and name.type == "identifier":
            declaration = node.parent
            is_single = declaration is not None and declaration.named_child_count == 1
            outer = _find_outer(declaration) if declaration is not None and is_single else node
            yield _make(node, outer, name, owner, "function" if is_function_value else "variable", value)
            if not is_function_value and value is not None:
                nodes.append(value)
        elif (node.type in _FIELDS or node.type == "pair") and is_function_value:
            name = name or node.child_by_field_name("key")
            if name is not None:
                yield _make(node, node, name, owner, "function", value)
        elif node.type == "assignment_expression" and (exported := _find_exported(node)):
            outer = node.parent if node.parent is not None and node.parent.type == "expression_statement" else node
            right = node.child_by_field_name("right")
            yield _make(node, outer, exported, owner, "function", right)
        elif node.type not in _FUNCTION_VALUES:
            nodes += node.named_children[::-1]


def _find_exported(node: Node) -> str:
    """Return the name under which an assignment exports a function, as CommonJS does."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or right.type not in _FUNCTION_VALUES:
        return ""
    match = _EXPORTS.fullmatch(read_text(left))
    return match[1] if match else ""


def _find_outer(node: Node) -> Node:
    around = node.parent
    return around if around is not None and around.type == "export_statement" else node


def _make(node: Node, outer: Node, name: Node | str, owner: str, kind: str, holder: Node | None) -> Definition:
    own = name if isinstance(name, str) else read_text(name)
    body = holder.child_by_field_name("body") if holder is not None else None
    first = next((child for child in body.named_children if child.type != "comment"), None) if body else None
    return Definition(
        name=f"{owner}.{own}" if owner else own,
        kind="class" if kind == "class" else "function" if kind == "function" else "variable",
        first=get_line(outer),
        start=get_line(node),
        body=get_line(first) if first is not None else get_line(node),
        last=get_last_line(outer),
    )


def _list_imports(root: Node) -> Iterator[Import]:
    for node in root.named_children:
        if node.type != "import_statement":
            yield from _list_required(node)
            continue
        source = node.child_by_field_name("source")
        module, line = read_text(source).strip("'\"") if source is not None else "", get_line(node)
        for inner in walk(node):
            if inner.type == "import_clause":
                for child in inner.named_children:
                    if child.type == "identifier":
                        yield Import(module, "default", read_text(child), line)
            elif inner.type == "namespace_import":
                yield Import(module, "", read_text(inner.named_children[-1]), line)
            elif inner.type == "import_specifier":
                names = [read_text(child) for child in inner.named_children]
                yield Import(module, names[0], names[-1], line)


def _list_required(node: Node) -> Iterator[Import]:
    """Yield what `const … = require("…")` imports."""
    for declarator in node.named_children if node.type.endswith("_declaration") else ():
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        match = re.fullmatch(r"require\(\s*['\"]([^'\"]+)['\"]\s*\)", read_text(value)) if value is not None else None
        if match is None or name is None:
            continue
        if name.type == "identifier":
            yield Import(match[1], "", read_text(name), get_line(node))
        for item in name.named_children if name.type == "object_pattern" else ():
            names = [read_text(child) for child in item.named_children] or [read_text(item)]
            yield Import(match[1], names[0], names[-1], get_line(node))


def _is_directive(node: Node) -> bool:
    return node.type == "expression_statement" and [child.type for child in node.named_children] == ["string"]


LANGUAGES = (
    Script("JavaScript", (".js", ".jsx", ".mjs", ".cjs"), "javascript", tree_sitter_javascript.language()),
    Script("TypeScript", (".ts", ".mts", ".cts"), "typescript", tree_sitter_typescript.language_typescript()),
    Script("TypeScript", (".tsx",), "tsx", tree_sitter_typescript.language_tsx()),
)
