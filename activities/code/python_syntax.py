r"""The syntax of a Python file, by tree-sitter: definitions, imports, names, errors.

A file with syntax errors still yields what can be read of it. Lines are 1-based and inclusive; they
end at "\n" alone, as in tree-sitter and git, so that a form feed in a source is not a line break.
"""

import ast
from collections.abc import Iterable, Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from activities.code.language import Definition, Fault, Import, read_text
from activities.code.python_source import ignore_warnings

_LANGUAGE = Language(tree_sitter_python.language())
_IMPORTS = Query(_LANGUAGE, "[(import_statement) (import_from_statement)] @import")
_IDENTIFIERS = Query(_LANGUAGE, "(identifier) @name")

# What a definition may stand below and still be reachable by its name; expressions are never entered.
_BLOCKS = frozenset(
    {"module", "block", "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause"}
    | {"finally_clause", "with_statement", "for_statement", "while_statement", "ERROR"}
)


def parse_python(source: str) -> Tree:
    """Return the syntax tree of `source`."""
    return Parser(_LANGUAGE).parse(source.encode("utf-8", "replace"))


def list_definitions(tree: Tree) -> list[Definition]:
    """List functions, classes, methods and module-level variables in the order of the file.

    What is defined inside a function belongs to that function and is left out.
    """
    return sorted(_walk(tree.root_node), key=lambda definition: (definition.first, definition.name))


def list_imports(tree: Tree) -> list[Import]:
    """List the imports of a file, wherever they stand."""
    nodes = QueryCursor(_IMPORTS).captures(tree.root_node).get("import", [])
    return [imported for node in sorted(nodes, key=lambda node: node.start_byte) for imported in _imported(node)]


def list_identifiers(tree: Tree, first: int, last: int) -> set[str]:
    """Return the names, attributes included, in the lines `first` to `last`."""
    cursor = QueryCursor(_IDENTIFIERS)
    cursor.set_point_range((first - 1, 0), (last, 0))
    nodes = cursor.captures(tree.root_node).get("name", [])
    return {read_text(node) for node in nodes if first <= _line(node) <= last}


def list_statement_lines(tree: Tree, first: int, last: int) -> list[int]:
    """Return the lines among `first` to `last` in which a statement, or a clause of one, begins."""
    rows: set[int] = set()
    nodes = [tree.root_node]
    while nodes:
        for node in nodes.pop().named_children:
            if node.type.endswith(("_statement", "_definition", "_clause", "decorator")):
                rows.add(node.start_point.row + 1)
            if node.start_point.row < last and node.end_point.row + 1 >= first:
                nodes.append(node)
    return sorted(row for row in rows if first <= row <= last)


def find_fault(source: str) -> Fault | None:
    """Return the first syntax error by this interpreter's grammar, which is stricter than tree-sitter's."""
    try:
        with ignore_warnings():
            ast.parse(source)
    except SyntaxError as error:
        return Fault(error.lineno or 1, error.msg)
    except (RecursionError, MemoryError, ValueError) as error:
        return Fault(1, str(error) or "too deeply nested")
    return None


def find_fault_leniently(source: str) -> Fault | None:
    """Return the first syntax error by tree-sitter, which reads the grammar of every Python version."""
    node = parse_python(source).root_node
    if not node.has_error:
        return None
    while inner := next((child for child in node.children if child.has_error or child.is_missing), None):
        node = inner
    what = f"{node.type} is missing" if node.is_missing else "invalid syntax"
    return Fault(_line(node), what)


def find_new_fault(old: str, new: str) -> Fault | None:
    """Return the syntax error that `new` has and `old` has not.

    A source for another Python version than this interpreter's is judged by tree-sitter alone.
    """
    for judge in (find_fault, find_fault_leniently):
        if judge(old) is None:
            return judge(new)
    return None


def is_same_code(old: str, new: str) -> bool:
    """Return whether two sources differ only in comments, layout, and docstrings that nothing reads."""
    docs = "__doc__" in old or "__doc__" in new
    return _tokens(old, docs) == _tokens(new, docs)


def find_import_end(source: str) -> int:
    """Return the last line of the docstring and the imports at the top of a file, 0 without any."""
    end = 0
    for node in parse_python(source).root_node.named_children:
        kind = node.type
        if kind == "expression_statement":
            kind = node.named_children[0].type
        if kind not in (
            "string",
            "import_statement",
            "import_from_statement",
            "future_import_statement",
            "comment",
        ):
            break
        if kind != "comment" or end == 0:
            end = node.end_point.row + 1
    return end


def excerpt(source: str, definition: Definition, among: Iterable[Definition]) -> str:
    """Return the whole text of a definition, below the head of the class it is in."""
    lines = source.split("\n")
    owner = next((other for other in among if other.name == definition.owner), None)
    head = [] if owner is None else lines[owner.start - 1 : max(owner.start, owner.body - 1)]
    return "\n".join([*head[:4], *lines[definition.first - 1 : definition.last]])


def _tokens(source: str, docs: bool) -> list[tuple[int, str]]:
    tokens: list[tuple[int, str]] = []
    waiting = [(0, parse_python(source).root_node)]
    while waiting:
        depth, node = waiting.pop()
        if node.type == "comment" or (_is_string(node) and not docs):
            continue
        # A text has only its escapes as children.
        if not node.children or node.type == "string_content":
            tokens.append((depth, read_text(node)))
            continue
        waiting += [(depth + 1, child) for child in reversed(node.children)]
    return tokens


def _walk(root: Node) -> Iterator[Definition]:
    stack = [(root, "")]
    while stack:
        node, owner = stack.pop()
        for child in node.children:
            inner = child
            if child.type == "decorated_definition":
                inner = child.child_by_field_name("definition") or child
            if inner.type in ("function_definition", "class_definition"):
                definition = _definition(child, inner, owner)
                if definition is None:
                    continue
                yield definition
                body = inner.child_by_field_name("body")
                if definition.kind == "class" and body is not None:
                    stack.append((body, definition.name))
            elif child.type in _BLOCKS:
                stack.append((child, owner))
            elif child.type == "expression_statement" and not owner:
                yield from _variables(child)


def _definition(outer: Node, node: Node, owner: str) -> Definition | None:
    name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
    if name is None or body is None:
        return None
    first = next((child for child in body.named_children if child.type != "comment"), None)
    if first is None:
        return None
    return Definition(
        name=f"{owner}.{read_text(name)}" if owner else read_text(name),
        kind="class" if node.type == "class_definition" else "function",
        first=_line(outer),
        start=_line(node),
        body=_line(first),
        last=_last_line(node),
        docstring=(_line(first), _last_line(first)) if _is_string(first) else None,
    )


def _variables(statement: Node) -> Iterator[Definition]:
    for assignment in statement.children:
        target = assignment.child_by_field_name("left") if assignment.type == "assignment" else None
        if target is not None and target.type == "identifier":
            line = _line(statement)
            yield Definition(read_text(target), "variable", line, line, line, _last_line(statement))


def _imported(node: Node) -> Iterator[Import]:
    line = _line(node)
    source = node.child_by_field_name("module_name")
    module = "" if source is None else read_text(source).replace(" ", "")
    if any(child.type == "wildcard_import" for child in node.children):
        yield Import(module, "*", "*", line)
    for child in node.children_by_field_name("name"):
        name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
        dotted = read_text(name or child)
        bound = read_text(alias) if alias is not None else dotted
        yield Import(module, dotted, bound, line) if source is not None else Import(dotted, "", bound, line)


def _is_string(statement: Node) -> bool:
    return statement.type == "expression_statement" and [child.type for child in statement.named_children] == ["string"]


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _last_line(node: Node) -> int:
    # A node that ends at the start of a line does not reach into it.
    return node.end_point.row + (1 if node.end_point.column else 0)
