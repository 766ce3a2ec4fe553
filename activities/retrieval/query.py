"""A query: what an issue and tracebacks say, and the places of an index that they name.

Nothing here guesses: a place is named by a path, by a dotted name, by a frame, or by an identifier that it bears.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from activities.code import mentions, test_files
from activities.retrieval.index import Index
from activities.retrieval.tokens import number_terms, split_terms
from hydranet.code_graph.model import NodeKind
from hydranet.convergence.frames import find_frames
from hydranet.text.code_names import find_named_symbols

# What a term weighs by where it stands, and how soon more of the same adds nothing.
_TITLE = 3.0
_CODE = 0.5
_SATURATION = 2.0

# How surely a place is meant that an attempt has changed, or one frame above another, beside one that the issue names.
_OUTER = 0.4
_TOUCHED = 0.5

# An identifier that more definitions bear names none of them.
_HOMONYMS = 40
_ASKED = 8
_QUERY_CHARACTERS = 60_000

_FENCED = re.compile(r"^(```|~~~).*?^\1|^( {4}|\t|>>>|\.\.\. ).*$", re.MULTILINE | re.DOTALL)
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_CAPITALISED = re.compile(r"\b[A-Z][a-z]\w{2,80}\b")


@dataclass(frozen=True)
class Query:
    """What is searched for: an issue, tracebacks, the ids of failing tests.

    `names` are those that somebody asks to see, `touched` the places, as "path:line", that were changed before.
    """

    text: str
    traceback: str = ""
    tests: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()

    @cached_property
    def terms(self) -> Mapping[int, float]:
        """The numbers of the terms and what each weighs: the title's more, those in code less."""
        title, _, rest = self.text[:_QUERY_CHARACTERS].strip().partition("\n")
        prose = _FENCED.sub(" ", rest)
        code = " ".join(match.group() for match in _FENCED.finditer(rest))
        terms: Counter[str] = Counter()
        for weight, text in ((_TITLE, title), (1.0, prose), (_CODE, f"{code} {self.traceback[-4000:]}")):
            for term, times in Counter(split_terms(text)).items():
                terms[term] += weight * times  # type: ignore[assignment]
        return {
            number_terms(term): weight * (1 + _SATURATION) / (weight + _SATURATION) for term, weight in terms.items()
        }

    @property
    def all(self) -> str:
        """The whole text that is read."""
        return f"{self.text}\n{self.traceback}"[:_QUERY_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Named:
    """A node that a query names: how surely, usually 0 to 1, and how it says so."""

    node: int
    share: float
    why: str


def find_framed(query: Query, index: Index) -> list[Named]:
    """Find the functions that tracebacks go through; the deepest is the surest, each one above it less so.

    A frame's function is looked up by its name first: the line may be another version's.
    """
    matches: dict[int, Named] = {}
    deepest_first = list(reversed([*_functions_of_frames(query.all, index), *_lines_of_frames(query, index)]))
    depth: Counter[bool] = Counter()
    for node, path, line in deepest_first:
        if node not in matches:
            is_test = test_files.is_test_file(path)
            matches[node] = Named(node, _OUTER ** depth[is_test], f"traceback {path}:{line}")
            depth[is_test] += 1
    return list(matches.values())


def find_asked(query: Query, index: Index) -> list[Named]:
    """Find the definitions that somebody asks to see; a name that too many have asks for none."""
    matches = [(name, _bearing(index, name)) for name in query.names]
    return [Named(item, 1.0, f"{name} was asked for") for name, them in matches if len(them) <= _ASKED for item in them]


def find_test_functions(query: Query, index: Index) -> list[Named]:
    """Find the functions of the failing tests."""
    matches: list[Named] = []
    for test in dict.fromkeys(query.tests):
        path, name = mentions.find_test_file(test, index.of_path), mentions.name_test_function(test)
        nodes = [node for node in index.named.get(name.rpartition(".")[2], []) if index.nodes[node].path == path]
        nodes = [node for node in nodes if index.nodes[node].name == name] or nodes
        if not nodes and path is not None and not path.endswith(".py"):
            nodes = _find_titled(test, index.of_path[path], index)
        matches += [Named(node, 1.0, f"the failing test {name}") for node in nodes[:1]]
    return matches


def _find_titled(test: str, nodes: Sequence[int], index: Index) -> list[int]:
    """Return the test whose title ends a test id, the longest; else what stands outside of functions in its file."""
    title = test_files.name_script_test(test.partition("::")[2])
    titled = [node for node in nodes if title.endswith(index.nodes[node].name.partition("#")[0] or "\n")]
    blocks = [node for node in nodes if index.nodes[node].kind is NodeKind.BLOCK]
    return sorted(titled, key=lambda node: -len(index.nodes[node].name)) or blocks


def find_filed(query: Query, index: Index) -> dict[str, float]:
    """Find the files that an issue names by their path or as a dotted module, and how surely."""
    known = set(index.paths)
    text = query.text[:_QUERY_CHARACTERS]
    matches = dict.fromkeys(mentions.find_named_files(text, known), 1.0)
    for dotted in _DOTTED.findall(text):
        parts = dotted.split(".")
        for end in range(len(parts), 1, -1):
            if path := _module("/".join(parts[:end]), known):
                matches.setdefault(path, 0.7)
                break
    return matches


def find_named(query: Query, index: Index) -> list[Named]:
    """Find the definitions whose names an issue gives, the rarer a name the surer."""
    matches: dict[int, Named] = {}

    def add(nodes: Iterable[int], share: float, why: str) -> None:
        nodes = list(nodes)
        for node in nodes if len(nodes) <= _HOMONYMS else ():
            each = share / math.sqrt(len(nodes))
            if node not in matches or matches[node].share < each:
                matches[node] = Named(node, each, why)

    text = query.text[:_QUERY_CHARACTERS]
    title = text.partition("\n")[0]
    for place in query.touched:
        path, _, line = place.rpartition(":")
        if line.isdigit() and (node := index.at(path, int(line))) is not None:
            add([node], _TOUCHED, f"{place} was changed before")
    for file, number in mentions.find_named_lines(text, index.of_path):
        if (node := index.at(file, number)) is not None:
            add([node], 1.0, f"the issue names {file}:{number}")
    for dotted in dict.fromkeys(_DOTTED.findall(text)):
        last, owner = dotted.rpartition(".")[2], dotted.split(".")[-2]
        nodes = index.named.get(last, [])
        within = [node for node in nodes if _is_within(index, node, owner)]
        add(within, 1.0, f"the issue names {dotted}")
        add(nodes, 0.4, f"the issue names {last}")
    shaped = find_named_symbols(text)
    for name in shaped:
        add(index.named.get(name, []), 1.0 if name in title else 0.7, f"the issue names {name}")
    for name in set(_CAPITALISED.findall(text)) - shaped:
        classes = [node for node in index.named.get(name, []) if index.nodes[node].kind is NodeKind.CLASS]
        add(classes, 0.6 if name in title else 0.3, f"the issue names {name}")
    return list(matches.values())


def _bearing(index: Index, name: str) -> list[int]:
    """Return the nodes with a name, which may be qualified, or be an id or a path."""
    if name in index.by_id:
        return [index.by_id[name]]
    if name in index.of_path:
        return index.of_path[name]
    nodes = index.named.get(name.rpartition(".")[2], [])
    exact = [node for node in nodes if index.nodes[node].name == name]
    return exact or [node for node in nodes if "." not in name or _is_within(index, node, name.split(".")[-2])]


def _is_within(index: Index, node: int, owner: str) -> bool:
    inner = index.nodes[node]
    return owner in inner.name.split(".")[:-1] or owner in re.split(r"[/.]", inner.path)[:-1]


def _functions_of_frames(text: str, index: Index) -> Iterable[tuple[int, str, int]]:
    for frame in find_frames(text):
        path = mentions.resolve_path(frame.path, index.of_path) or _installed(frame.path, index)
        nodes = [node for node in index.named.get(frame.function, []) if index.nodes[node].path == path]
        if path is not None and nodes:
            distances = {node: abs(index.nodes[node].first - frame.line) for node in nodes}
            yield min(nodes, key=distances.__getitem__), path, frame.line


def _lines_of_frames(query: Query, index: Index) -> Iterable[tuple[int, str, int]]:
    for frame in mentions.resolve_frames(query.traceback, index.of_path):
        if (node := index.at(frame.path, frame.line)) is not None:
            yield node, frame.path, frame.line


def _installed(name: str, index: Index) -> str | None:
    tail = re.split(r"(?:site|dist)-packages/", name)[-1]
    return next((path for path in (tail, f"src/{tail}", f"lib/{tail}") if path in index.of_path), None)


def _module(stem: str, known: set[str]) -> str | None:
    return next(
        (
            path
            for root in ("", "src/", "lib/")
            for path in (f"{root}{stem}.py", f"{root}{stem}/__init__.py")
            if path in known
        ),
        None,
    )
