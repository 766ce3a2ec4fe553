"""Where Python names things by strings: registries, tables, routes and requests of HTTP."""

from posixpath import basename

from tree_sitter import Node

from activities.retrieval.file_facts import Request
from activities.retrieval.languages.building import Draft
from activities.retrieval.languages.python.expressions import chain, string_content, text
from activities.retrieval.languages.python.frame import ReaderFrame
from activities.retrieval.languages.routes import METHODS, normalise_route, parse_request
from activities.retrieval.languages.scopes import Reading
from activities.retrieval.languages.sql_strings import list_mentioned, starts_statement

_ROUTERS = frozenset({"path", "add_url_rule", "add_api_route", "add_route", "Route", "url"})
_TABLE_NAMES = frozenset({"__tablename__", "db_table", "name"})
_LONGEST_KEY = 60
_LONGEST_QUERY = 4000
_MOST = 2000


def decorated(frame: ReaderFrame, draft: Draft, decorators: list[Node]) -> None:
    """Note a definition that its decorators serve at a route, or register under a string."""
    for decorator in decorators:
        children = decorator.named_children
        if decorator.type != "call" or len(children) != 2 or not children[1].named_child_count:
            continue
        name = chain(children[0])[1].rpartition(".")[2]
        literal = string_content(children[1].named_children[0])
        if literal is None:
            continue
        this: Reading = (draft.name, "")
        if name.upper() in METHODS or name in ("route", "websocket", "api_route"):
            for method in _methods(name, children[1]):
                frame.builder.routes.append((frame.builder.module, normalise_route(literal), method, this))
        elif is_key(literal):
            frame.builder.keys.append((frame.builder.module, literal, this))


def called(frame: ReaderFrame, node: Node, reading: Reading, given: list[Node]) -> None:
    """Note what a call asks for, serves or looks up by its first argument."""
    literal = _literal(given[0])
    if literal is None:
        return
    name = f".{reading[0]}{reading[1]}".rpartition(".")[2]
    if name in _ROUTERS and len(given) > 1:
        _serve(frame, literal, given)
    elif name == "request" and literal.upper() in METHODS and len(given) > 1:
        _ask(frame, node, literal.upper(), _literal(given[1]))
    elif name == "request" or name.upper() in METHODS:
        _ask(frame, node, "" if name == "request" else name.upper(), literal)
    keyed(frame, given[0])


def keyed(frame: ReaderFrame, node: Node) -> None:
    """Note a string that may be the key of something."""
    literal = string_content(node)
    literal = basename(literal) if literal is not None and literal.endswith(".sql") else literal
    if literal is not None and is_key(literal):
        _mention(frame, literal, node)


def queried(frame: ReaderFrame, node: Node) -> None:
    """Note the tables that an SQL statement in a string names."""
    if node.end_byte - node.start_byte > _LONGEST_QUERY:
        return
    if not starts_statement(text(node).lstrip("rbfRBF\"'")):
        return
    for name in list_mentioned(string_content(node) or ""):
        _mention(frame, name, node)


def assigned(frame: ReaderFrame, left: Node, right: Node) -> None:
    """Note `__all__`, the table of a class, and what a display at the level of the module registers."""
    name = text(left)
    if name == "__all__" and not frame.in_class:
        stack, matches = [right], frame.builder.exports or []
        while stack:
            value = stack.pop()
            literal = string_content(value)
            if literal is None:
                stack.extend(value.named_children[::-1])
            else:
                matches.append(literal)
        frame.builder.exports = matches
    elif frame.in_class and name in _TABLE_NAMES and (literal := string_content(right)) and is_key(literal):
        owner = frame.builder.drafts[frame.klass]
        of_meta = owner.name.endswith(".Meta")
        this = owner.name.removesuffix(".Meta") if of_meta else owner.name
        frame.builder.keys.append((frame.builder.module, literal, (this, "")))
    elif right.type == "dictionary" and not frame.in_class:
        for pair in right.named_children[:_MOST]:
            children = pair.named_children
            literal = string_content(children[0]) if pair.type == "pair" and len(children) == 2 else None
            if literal and is_key(literal) and children[1].type in ("identifier", "attribute"):
                frame.builder.keys.append((frame.scope, literal, chain(children[1])))


def is_key(literal: str) -> bool:
    """Return whether a string looks like the name of something."""
    return (
        2 < len(literal) <= _LONGEST_KEY and literal.replace("-", "").replace(".", "").replace(":", "").isidentifier()
    )


def _serve(frame: ReaderFrame, literal: str, given: list[Node]) -> None:
    handlers = [item for item in given[1:] if item.type in ("identifier", "attribute", "call")]
    for item in given[1:]:
        if item.type == "keyword_argument" and len(item.named_children) == 2:
            name, value = item.named_children
            if text(name) in ("view_func", "endpoint", "view"):
                handlers.insert(0, value)
            elif text(name) == "name" and handlers and (key := string_content(value)):
                frame.builder.keys.append((frame.scope, key, _handler(handlers[0])))
    if handlers and text(handlers[0]).partition("(")[0] != "include":
        frame.builder.routes.append((frame.scope, normalise_route(literal), "", _handler(handlers[0])))


def _handler(node: Node) -> Reading:
    """Return what serves a route; of `CartView.as_view()` the class."""
    head, rest = chain(node)
    return head, rest.removesuffix(".as_view()")


def _methods(name: str, arguments: Node) -> list[str]:
    if name.upper() in METHODS:
        return [name.upper()]
    for item in arguments.named_children:
        if (
            item.type == "keyword_argument"
            and len(item.named_children) == 2
            and text(item.named_children[0]) == "methods"
        ):
            methods = [string_content(each) for each in item.named_children[1].named_children]
            return [each.upper() for each in methods if each] or [""]
    return [""]


def _ask(frame: ReaderFrame, node: Node, method: str, literal: str | None) -> None:
    path = parse_request(literal) if literal else None
    if path is not None and len(frame.builder.requests) < _MOST:
        frame.builder.requests.append(Request(frame.scope.owner, path, method, node.start_point[0] + 1))


def _literal(node: Node) -> str | None:
    children = node.named_children if node.type == "binary_operator" else []
    return string_content(children[-1] if len(children) == 2 else node)


def _mention(frame: ReaderFrame, literal: str, node: Node) -> None:
    if len(frame.builder.literals) < _MOST:
        frame.builder.literals.setdefault((frame.scope.owner, literal), node.start_point[0] + 1)
