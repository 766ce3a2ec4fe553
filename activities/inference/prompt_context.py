"""What a prompt shows of the bug: issue, failing tests and code as it stands at the checkpoint."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from activities.artifacts.store import get_model, get_text
from activities.code.language import Definition
from activities.code.languages import find_language
from activities.code.mentions import find_test_file
from activities.code.test_files import is_test_file
from activities.code.test_regions import holds_program
from activities.inference.packing import Snippet, cut_snippet, list_definitions, pack_places
from activities.inference.prompt_values import describe_suspects
from activities.localisation.places import list_places
from hydranet.contracts import Checkpoint, FailingTest, Place, RetrievedContext, Work
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_ends, keep_first_lines

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.localisation.localiser import Localiser
    from activities.localisation.ranking import Suspect

CODE_CHARACTERS = 3600
"""How much other code a prompt shows where there is room."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many characters of the issue, of `tests` failing tests' messages and code, and of other code a prompt shows.

    Without room for other code nothing is said of it either. A function that is to be changed is shown whatever its
    length.
    """

    issue: int = 1200
    failing: int = 800
    code: int = CODE_CHARACTERS
    tests: int = 2
    test_code: int = 0


DEFAULT_ROOM = Room()

LEAST_ROOM = Room(400, 400, 0)
"""What a prompt shows when nothing else fits; it has no function in it."""

_NAMED = 8
_WORD = re.compile(r"[A-Za-z_]\w{3,}")
# A word of the issue in a line tells less than any difference in coverage.
_NAMED_WORD = 0.02
_FAILING_LINE = re.compile(r"\.(?:py|[cm]?[jt]sx?):(\d+):")
_HINTED = 3
_PLACES = 60
# Each file costs two calls of git.
_PLACES_READ = 40


@dataclass
class PromptContext:
    """The issue, the bug's context, the repository's paths, the sources read so far, and what localisation suspects.

    `places` are those that a prompt may show, best first; `shown` names those that the last prompt has in it, as
    "path:symbol".
    """

    issue: str
    context: RetrievedContext
    paths: frozenset[str]
    places: tuple[Place, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    suspects: tuple[Suspect, ...] = ()
    shown: tuple[str, ...] = ()
    line_scores: Mapping[str, Mapping[int, float]] = field(default_factory=dict)

    @property
    def tests(self) -> frozenset[str]:
        """The files of the failing tests, which a patch may not touch, without those that hold the program too."""
        return frozenset(
            path for path in self._test_files if is_test_file(path) or not holds_program(self.sources.get(path, ""))
        )

    @cached_property
    def _test_files(self) -> frozenset[str]:
        files = (find_test_file(test.id, self.paths) for test in self.context.failing)
        return frozenset(filter(None, files))

    def is_test(self, path: str) -> bool:
        """Return whether a file holds tests and nothing else, so that no strategy may aim at it."""
        return path in self.tests or is_test_file(path)

    def definitions(self, path: str) -> list[Definition]:
        """Return the definitions of a file that has been read."""
        return list_definitions(path, self.sources.get(path, ""))

    def holding(self, path: str, name: str) -> str | None:
        """Return the definition of a file that is called `name`, or else the first whose code has that name in it."""
        source, language = self.sources.get(path, ""), find_language(path)
        if language is None:
            return None
        definitions = language.list_definitions(source)
        for definition in definitions:
            if name in (definition.name, definition.own_name):
                return definition.name
        among = [definition for definition in definitions if definition.kind == "function"]
        return next(
            (item.name for item in among if name in language.list_identifiers(source, item.first, item.last)), None
        )

    def focus(self, files: Collection[str], symbols: Collection[str]) -> list[Snippet]:
        """Return the definitions that a strategy aims at."""
        snippets: list[Snippet] = []
        for path in files:
            definitions = self.definitions(path)
            for definition in definitions:
                if definition.name in symbols:
                    place = Place(file=path, symbol=definition.name[:200], first_line=definition.first)
                    snippets += filter(None, [cut_snippet(place, self.sources[path], definitions)])
        return snippets

    def score_lines(self, place: Place) -> dict[int, float]:
        """Return how suspicious the lines of a place are: by what the tests execute, else by the names in the issue."""
        scores = self.line_scores.get(place.file, {})
        lines = self.sources[place.file].split("\n")
        issue_words = set(_WORD.findall(f"{self.issue}\n{''.join(test.message for test in self.context.failing)}"))
        numbers = range(place.first_line, place.last_line + 1)
        words = {number: len(issue_words & set(_WORD.findall(lines[number - 1]))) for number in numbers}
        return {number: scores.get(number, 0.0) + _NAMED_WORD * words[number] for number in numbers}

    def values(self, focus: Iterable[Snippet], room: Room) -> dict[str, str]:
        """Return the values of the prompt "context", the same for all prompts of a branch.

        Whole functions, best first, as far as there is room; those in focus always, in their ranks.
        """
        focused = {_key(snippet.place): snippet for snippet in focus}
        others = [place for place in self.places if _key(place) not in focused]
        left = room.code - sum(len(snippet.code) for snippet in focused.values())
        packed = {_key(snippet.place): snippet for snippet in pack_places(others, self.sources, left)} | focused
        ranked = dict.fromkeys([*(_key(place) for place in self.places), *packed])
        snippets = [packed[key] for key in ranked if key in packed]
        left_out = [place for place in others if place.symbol and _key(place) not in packed]
        self.shown = tuple(f"{snippet.place.file}:{snippet.place.symbol}"[-200:] for snippet in snippets[:12])
        return {
            "issue": fence(keep_first_lines(self.issue.strip(), room.issue)),
            "failing": "\n\n".join(self._list_failing(room)),
            "code": "\n\n".join([*map(_render, snippets), *(_name_left_out(left_out) if room.code else ())]),
            "suspicious": describe_suspects(self.suspects) if room.code else "",
        }

    def _list_failing(self, room: Room) -> Iterable[str]:
        for test in self.context.failing[: room.tests]:
            parts = [keep_first_lines(test.id, 200)]
            if code := self._quote_test(test, room.test_code):
                parts.append(fence(code, _name_fence(find_test_file(test.id, self.paths) or "")))
            if test.message:
                parts.append(fence(_quote_message(test.message.strip(), room.failing // room.tests)))
            yield "\n".join(parts)
        if self.context.failing_count > room.tests:
            yield f"and {self.context.failing_count - min(len(self.context.failing), room.tests)} more"

    def _quote_test(self, test: FailingTest, characters: int) -> str:
        """Return the code of a test up to the line that fails, as much of its end as fits."""
        path = find_test_file(test.id, self.paths) or ""
        language = find_language(path)
        own = language.find_test(self.sources.get(path, ""), test.id) if language else None
        if own is None or not characters:
            return ""
        inside = [int(line) for line in _FAILING_LINE.findall(test.message) if own.start <= int(line) <= own.last]
        lines = self.sources[path].split("\n")[own.start - 1 : (inside[-1] if inside else own.last)]
        while len(lines) > 1 and sum(map(len, lines)) > characters:
            del lines[1]
        return "\n".join(lines)


def _key(place: Place) -> tuple[str, str]:
    return place.file, place.symbol


async def load_prompt_context(
    work: Work, artifacts: ArtifactStore, objects: GitObjects, localiser: Localiser
) -> PromptContext:
    """Return a run's context with its places, the likeliest first, and their sources at the checkpoint."""
    context = await get_model(artifacts, work.context, RetrievedContext)
    issue = await get_text(artifacts, context.issue)
    paths = await objects.files(work.snapshot, work.checkpoint)
    view = PromptContext(issue, context, frozenset(paths))
    base = work.base or Checkpoint(commit=work.snapshot.commit)
    localisation = await localiser.localise(work.model_copy(update={"checkpoint": base}))
    if work.spectrum is not None:
        view.suspects = tuple(localisation.suspects[:_HINTED])
        view.line_scores = _score_lines(localisation.suspects)
    view.places = _add_tests(list_places(localisation, _PLACES), context)
    await read_files(view, [place.file for place in view.places[:_PLACES_READ]], work, objects)
    return view


async def read_files(view: PromptContext, paths: Iterable[str], work: Work, objects: GitObjects) -> None:
    """Read more files of the checkpoint into the view; what is no text file stays out."""
    for path in paths:
        if path in view.paths and path not in view.sources:
            source = await objects.read(work.snapshot, work.checkpoint, path)
            if source is not None:
                view.sources[path] = source


def _add_tests(places: tuple[Place, ...], context: RetrievedContext) -> tuple[Place, ...]:
    # A prompt shows the failing test if it is short, but not in the place of the likeliest functions.
    tests = (place for place in context.places if is_test_file(place.file))
    return (*places[:_HINTED], *tests, *places[_HINTED:])


def _score_lines(suspects: Iterable[Suspect]) -> dict[str, dict[int, float]]:
    scores: dict[str, dict[int, float]] = {}
    for suspect in suspects:
        own = scores.setdefault(suspect.region.source.path, {})
        for statement, score in suspect.statements.items():
            if statement.node is not suspect.region.node:
                own[statement.first_line] = max(score, own.get(statement.first_line, 0.0))
    return scores


def _render(snippet: Snippet) -> str:
    strongest = snippet.place.why.partition("; ")[0]
    why = f" ({strongest})" if strongest else ""
    return f"{snippet.place.file}{why}:\n{fence(snippet.code, _name_fence(snippet.place.file))}"


def _name_fence(path: str) -> str:
    language = find_language(path)
    return language.fence if language else ""


def _name_left_out(places: list[Place]) -> Iterable[str]:
    if places:
        names = ", ".join(f"`{place.symbol}` in {place.file}" for place in places[:_NAMED])
        yield f"Also there, not shown: {names}."


def _quote_message(message: str, characters: int) -> str:
    """Return the lines in which pytest says what is wrong where the message is too long to be shown."""
    errors = [line for line in message.split("\n") if line.startswith("E ")]
    if len(message) > characters and errors:
        return keep_first_lines("\n".join(errors), characters)
    return keep_ends(message, characters)
