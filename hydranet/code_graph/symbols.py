"""Symbols as people write them: `total`, `Cart.total`, `shop/cart.py` or `cart.py::Cart.total`."""

from collections.abc import Iterable
from difflib import get_close_matches

from hydranet.code_graph.model import Node, NodeKind
from hydranet.errors import UsageError

_CANDIDATES = 8


def find_symbol(symbol: str, nodes: Iterable[Node]) -> Node:
    """The one node that `symbol` names; UsageError, naming candidates, when none or several are."""
    every = [node for node in nodes if node.kind is not NodeKind.BLOCK]
    file, separator, name = symbol.rpartition("::")
    if not separator and "." in symbol and (modules := _in_file(symbol, every)):
        file, name = symbol, ""
        every = modules
    found = [node for node in _in_file(file, every) if _is_called(node, name)]
    # Somebody who writes a whole name means the one with just that name, if there is one.
    found = [node for node in found if name == node.name and file in ("", node.path)] or found
    if len(found) == 1:
        return found[0]
    if found:
        ids = sorted(node.id.removesuffix("::") for node in found)
        more = f" and {len(ids) - _CANDIDATES} more" if len(ids) > _CANDIDATES else ""
        raise UsageError(f"'{symbol}' names {len(ids)} symbols: give one of {', '.join(ids[:_CANDIDATES])}{more}.")
    raise UsageError(f"There is no symbol '{symbol}' in the index{_near(symbol, name, every)}.")


def find_file(file: str, paths: Iterable[str]) -> str:
    """The one path that `file` is, or ends; UsageError, naming candidates, when none or several are."""
    every = sorted(set(paths))
    found = [path for path in every if path == file] or [path for path in every if path.endswith(f"/{file}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"'{file}' names {len(found)} files: give one of {', '.join(found[:_CANDIDATES])}.")
    near = get_close_matches(file, every, _CANDIDATES // 2)
    raise UsageError(f"There is no file '{file}' in the index{f': did you mean {_either(near)}?' if near else '.'}")


def _in_file(file: str, nodes: list[Node]) -> list[Node]:
    return [node for node in nodes if not file or node.path == file or node.path.endswith(f"/{file}")]


def _is_called(node: Node, name: str) -> bool:
    return node.name == name or (bool(name) and node.name.endswith(f".{name}"))


def _near(symbol: str, name: str, nodes: list[Node]) -> str:
    last = (name or symbol).rpartition(".")[2]
    # Of those that share their last name, the one with the shortest.
    named = sorted((node for node in nodes if node.name), key=lambda node: -len(node.name))
    own = {node.name.rpartition(".")[2]: node for node in named}
    near = [own[one].id for one in get_close_matches(last, own, _CANDIDATES // 2)]
    return f": did you mean {_either(near)}" if near else ": see `hydra ast-graph` for what is there"


def _either(names: list[str]) -> str:
    return " or ".join(names)
