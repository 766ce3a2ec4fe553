"""Symbols as people write them: `total`, `Cart.total`, `shop/cart.py` or `cart.py::Cart.total`."""

from collections.abc import Iterable
from difflib import get_close_matches

from hydranet.code_graph.model import Node, NodeKind
from hydranet.errors import UsageError

_CANDIDATES = 8


def find_symbol(symbol: str, nodes: Iterable[Node]) -> Node:
    """Return the only node that `symbol` names; UsageError with the candidates when there is not one."""
    every = [node for node in nodes if node.kind is not NodeKind.BLOCK]
    file, separator, name = symbol.rpartition("::")
    if not separator and "." in symbol and (modules := _in_file(symbol, every)):
        file, name = symbol, ""
        every = modules
    matches = [node for node in _in_file(file, every) if _is_called(node, name)]
    # Somebody who writes a whole name means the one with just that name, if there is one.
    matches = [node for node in matches if name == node.name and file in ("", node.path)] or matches
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = sorted(node.id.removesuffix("::") for node in matches)
        more = f" and {len(ids) - _CANDIDATES} more" if len(ids) > _CANDIDATES else ""
        raise UsageError(f"'{symbol}' names {len(ids)} symbols: give one of {', '.join(ids[:_CANDIDATES])}{more}.")
    raise UsageError(f"There is no symbol '{symbol}' in the index{_near(symbol, name, every)}.")


def find_file(file: str, paths: Iterable[str]) -> str:
    """Return the only path that is or ends with `file`; UsageError with the candidates when there is not one."""
    every = sorted(set(paths))
    matches = [path for path in every if path == file] or [path for path in every if path.endswith(f"/{file}")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"'{file}' names {len(matches)} files: give one of {', '.join(matches[:_CANDIDATES])}.")
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
    near = [own[last_name].id for last_name in get_close_matches(last, own, _CANDIDATES // 2)]
    return f": did you mean {_either(near)}" if near else ": see `hydra ast-graph` for what is there"


def _either(names: list[str]) -> str:
    return " or ".join(names)
