"""Code packed for a prompt: whole functions below the head of their class, within a number of characters."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from activities.code.language import Definition
from activities.code.languages import find_language
from activities.code.python_syntax import excerpt
from activities.code.test_files import is_test_file
from hydranet.contracts import Place
from hydranet.text.truncation import keep_first_lines

# How much further back each later place of a file comes, in parts of its rank: chosen on the mined fixes of eight
# projects (`benchmarks/retrieval_weights.py`) by the files and functions that a prompt shows.
_SAME_FILE_PENALTY = 0.25

# Sizes in characters, about four to a token.
_LONGEST = 3_000
_LONGEST_TEST = 2_000
_LONGEST_SURROUNDINGS = 800
_LONGEST_IN_FOCUS = 39_000
_LEAST_ROOM = 30


@dataclass(frozen=True, slots=True)
class Snippet:
    """A place and its code as it stands in the repository."""

    place: Place
    code: str


def pack_places(places: Iterable[Place], sources: Mapping[str, str], characters: int) -> list[Snippet]:
    """Return the code of the places that fit into `characters`, in their order but with files by turns.

    `sources` are the texts by path. Of places that overlap the better one is taken. With the first function of a file
    comes what stands around its definitions, such as imports and constants.
    """
    snippets: list[Snippet] = []
    read: dict[str, list[Definition]] = {}
    for place in _take_turns(places):
        if characters < _LEAST_ROOM:
            break
        source = sources.get(place.file)
        if source is None:
            continue
        if place.file not in read:
            read[place.file] = list_definitions(place.file, source)
        definitions = read[place.file]
        snippet = cut_snippet(place, source, definitions)
        longest = _LONGEST_TEST if is_test_file(place.file) else _LONGEST
        if snippet is None or len(snippet.code) > min(characters, longest) or _is_shown(snippet.place, snippets):
            continue
        is_first = bool(place.symbol and definitions) and all(other.place.file != place.file for other in snippets)
        snippets.append(snippet)
        characters -= len(snippet.code)
        around = _cut_surroundings(place.file, source, definitions) if is_first else None
        if around is not None and len(around.code) <= characters:
            snippets.append(around)
            characters -= len(around.code)
    return snippets


def list_definitions(path: str, source: str) -> list[Definition]:
    """Return the definitions of a file; none of one in a language that is not known."""
    language = find_language(path)
    return language.list_definitions(source) if language else []


def cut_snippet(place: Place, source: str, definitions: list[Definition]) -> Snippet | None:
    """Return the code of a place as `source` has it now; None when it is gone."""
    if not place.symbol:
        return _cut_surroundings(place.file, source, definitions)
    if find_language(place.file) is None:
        code = "\n".join(source.split("\n")[place.first_line - 1 : place.last_line])
        return Snippet(place, code) if code.strip() else None
    same_name = [definition for definition in definitions if definition.name == place.symbol]
    if not same_name:
        return None
    definition = min(same_name, key=lambda other: abs(other.first - place.first_line))
    code = excerpt(source, definition, definitions)
    now = place.model_copy(update={"first_line": definition.first, "last_line": definition.last})
    return Snippet(now, keep_first_lines(code, _LONGEST_IN_FOCUS))


def _take_turns(places: Iterable[Place]) -> list[Place]:
    earlier: Counter[str] = Counter()
    ranked: list[tuple[float, Place]] = []
    for rank, place in enumerate(places, 1):
        ranked.append((rank * (1 + _SAME_FILE_PENALTY * earlier[place.file]), place))
        earlier[place.file] += 1
    return [place for _, place in sorted(ranked, key=lambda pair: pair[0])]


def _cut_surroundings(path: str, source: str, definitions: list[Definition]) -> Snippet | None:
    lines = source.split("\n")
    for definition in definitions:
        if definition.kind != "variable":
            lines[definition.first - 1 : definition.last] = [""] * (definition.last - definition.first + 1)
    code = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not code or len(code) > _LONGEST_SURROUNDINGS:
        return None
    return Snippet(Place(file=path, last_line=len(lines), why="the rest of the file"), code)


def _is_shown(place: Place, snippets: Iterable[Snippet]) -> bool:
    # What stands around the definitions of a file overlaps none of them.
    return any(
        snippet.place.file == place.file
        and bool(snippet.place.symbol) == bool(place.symbol)
        and snippet.place.first_line <= place.last_line
        and place.first_line <= snippet.place.last_line
        for snippet in snippets
    )
