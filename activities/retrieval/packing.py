"""Packs what was found into a budget: whole functions, below the head of their class, with what is around them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from activities.code import python_syntax
from activities.code.python_syntax import Definition
from activities.retrieval.search import Hit
from hydranet.code_graph.model import Node, NodeKind
from hydranet.contracts import ShownCode, Snippet

CHARACTERS = 8000
"""The budget of code in a context, about four characters to a token; a first function that is sure may exceed it."""

HITS = 60
"""The hits that a context is packed of: those behind do not find room."""

_AGAIN = 0.25
"""How much further back each hit of a file that was had already comes, in parts of its place: chosen on the mined fixes
of eight projects (`benchmarks/retrieval_weights.py`), by the files and functions that a context shows."""

_AROUND = 800
_LEAST = 30
_LONG = 3000
_LONGEST = 12_000
_SNIPPETS = 40
_WHY = 300
_NAME = 200


def pack_hits(hits: Iterable[Hit], sources: Mapping[str, str], characters: int = CHARACTERS) -> list[Snippet]:
    """Snippets of the hits that fit, in their order but with files by turns; `sources` are the texts by path.

    Of what overlaps the better one is taken. Once for each file comes what stands around its definitions, such as
    imports and constants.
    """
    chosen: list[Snippet] = []
    taken: list[Node] = []
    read: dict[str, list[Definition]] = {}
    for hit in _by_turns(hits):
        if taken and (characters < _LEAST or len(chosen) >= _SNIPPETS):
            break
        path = hit.node.path
        source = sources.get(path)
        if source is None or _is_there(hit.node, taken, chosen):
            continue
        if path not in read:
            read[path] = python_syntax.list_definitions(python_syntax.parse_python(source))
        definitions = read[path]
        snippet = _snippet(hit, source, definitions)
        limit = _LONGEST if hit.sure and not taken else min(characters, _LONG)
        if snippet is None or len(snippet.code) > limit:
            continue
        first_of_file = all(other.path != path for other in taken)
        chosen.append(snippet)
        taken.append(hit.node)
        characters -= len(snippet.code)
        around = _around(path, source, definitions) if first_of_file and snippet.shown.symbol else None
        if around is not None and len(around.code) <= characters:
            chosen.append(around)
            characters -= len(around.code)
    return chosen[:_SNIPPETS]


def _by_turns(hits: Iterable[Hit]) -> list[Hit]:
    """The hits with those put back whose file has had others before."""
    had: Counter[str] = Counter()
    places: list[tuple[float, Hit]] = []
    for place, hit in enumerate(hits, 1):
        places.append((place * (1 + _AGAIN * had[hit.node.path]), hit))
        had[hit.node.path] += 1
    return [hit for _, hit in sorted(places, key=lambda one: one[0])]


def _snippet(hit: Hit, source: str, definitions: list[Definition]) -> Snippet | None:
    node = hit.node
    if node.kind is NodeKind.BLOCK:
        around = _around(node.path, source, definitions)
        return None if around is None else Snippet(shown=_shown(node.path, "", 1, node.last, hit.why), code=around.code)
    one = next((one for one in definitions if one.name == node.name and one.first == node.first), None)
    lines = source.split("\n")[node.first - 1 : node.last]
    code = "\n".join(lines) if one is None else python_syntax.excerpt(source, one, definitions)
    if max(len(node.path), len(node.name)) > _NAME or len(code) > _LONGEST:
        return None
    return Snippet(shown=_shown(node.path, node.name, node.first, node.last, hit.why), code=code)


def _around(path: str, source: str, definitions: list[Definition]) -> Snippet | None:
    """What stands around the definitions of a file."""
    lines = source.split("\n")
    for one in definitions:
        if one.kind != "variable":
            lines[one.first - 1 : one.last] = [""] * (one.last - one.first + 1)
    code = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not code or len(code) > _AROUND:
        return None
    return Snippet(shown=_shown(path, "", 1, len(lines), "the rest of the file"), code=code)


def _shown(path: str, symbol: str, first: int, last: int, why: str) -> ShownCode:
    return ShownCode(file=path, symbol=symbol, first_line=first, last_line=last, why=why[:_WHY])


def _is_there(node: Node, taken: Iterable[Node], chosen: Iterable[Snippet]) -> bool:
    """Whether some of a node is among what was chosen; a block may be there as what is around other definitions."""
    if node.kind is NodeKind.BLOCK and any((one.shown.file, one.shown.symbol) == (node.path, "") for one in chosen):
        return True
    return any(_overlap(node, other) for other in taken)


def _overlap(one: Node, other: Node) -> bool:
    """Whether a node lies in, or around, another; what stands around definitions overlaps none of them."""
    apart = NodeKind.BLOCK in (one.kind, other.kind) and one.kind != other.kind
    return one.path == other.path and not apart and one.first <= other.last and other.first <= one.last
