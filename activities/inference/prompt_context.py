"""What a prompt shows of the bug: issue, failing tests and code as it stands at the checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from activities.artifacts.store import get_model
from activities.code import python_syntax
from activities.code.mentions import find_test_file
from activities.code.python_syntax import Definition
from activities.code.test_files import is_test_file
from activities.inference.hint import describe_suspects
from hydranet.contracts import Checkpoint, RetrievedContext, ShownCode, Snippet, Work
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_ends, keep_first_lines

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore
    from activities.git.objects import GitObjects
    from activities.localisation.localisation import Suspect
    from activities.localisation.localiser import Localiser

CODE_CHARACTERS = 3600
"""How much code a prompt shows; a function that is to be changed is shown whatever its length."""

_ISSUE_CHARACTERS = 1200
_MESSAGE_CHARACTERS = 800
_FAILING_TESTS = 2
_NAMED = 8
_HINTED = 3


@dataclass
class PromptContext:
    """The bug's context, the repository's paths, the sources read so far, and what localisation suspects.

    `told` names the code that the last prompt has in it, as "path:symbol".
    """

    context: RetrievedContext
    paths: frozenset[str]
    snippets: tuple[Snippet, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    suspects: tuple[Suspect, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def tests(self) -> frozenset[str]:
        """The files of the failing tests, which a patch may not touch."""
        return frozenset(filter(None, (find_test_file(test.id, self.paths) for test in self.context.failing)))

    def is_test(self, path: str) -> bool:
        """Whether a file holds tests, so that no strategy may aim at it."""
        return path in self.tests or is_test_file(path)

    def definitions(self, path: str) -> list[Definition]:
        """The definitions of a file that has been read."""
        return python_syntax.list_definitions(python_syntax.parse_python(self.sources.get(path, "")))

    @property
    def shown(self) -> list[ShownCode]:
        """What the snippets show, best first."""
        return [snippet.shown for snippet in self.snippets]

    def holding(self, path: str, name: str) -> str | None:
        """The definition of a file that is called `name`, or else the first whose code has that name in it."""
        tree = python_syntax.parse_python(self.sources.get(path, ""))
        among = [one for one in python_syntax.list_definitions(tree) if one.kind == "function"]
        for one in python_syntax.list_definitions(tree):
            if name in (one.name, one.own_name):
                return one.name
        return next(
            (one.name for one in among if name in python_syntax.list_identifiers(tree, one.first, one.last)), None
        )

    def focus(self, files: Collection[str], symbols: Collection[str]) -> list[Snippet]:
        """The definitions that a strategy aims at."""
        return [
            _snippet(path, one, self.sources[path], self.definitions(path))
            for path in files
            if path in self.sources
            for one in self.definitions(path)
            if one.name in symbols
        ]

    def values(self, focus: Iterable[Snippet], characters: int) -> dict[str, str]:
        """The values of the prompt "context", the same for all prompts of a branch.

        Whole snippets, best first, as far as `characters` go; those in focus always.
        """
        focus = list(focus)
        aimed = {(one.shown.file, one.shown.symbol) for one in focus}
        others = [one for one in self.snippets if (one.shown.file, one.shown.symbol) not in aimed]
        room = characters - sum(len(one.code) for one in focus)
        kept = set()
        for one in others:
            if len(one.code) <= room:
                room -= len(one.code)
                kept.add(one.shown)
        shown = [one for one in self.snippets if one.shown in kept or (one.shown.file, one.shown.symbol) in aimed]
        left_out = [one.shown for one in others if one.shown not in kept and one.shown.symbol]
        present = {(one.shown.file, one.shown.symbol) for one in shown}
        shown += [one for one in focus if (one.shown.file, one.shown.symbol) not in present]
        self.told = tuple(f"{one.shown.file}:{one.shown.symbol}"[-200:] for one in shown[:12])
        return {
            "issue": fence(keep_first_lines(self.context.issue.strip(), min(_ISSUE_CHARACTERS, characters))),
            "failing": "\n\n".join(_failing(self.context, min(_MESSAGE_CHARACTERS, characters))),
            "code": "\n\n".join([*map(_shown, shown), *_not_shown(left_out)]),
            "suspicious": describe_suspects(self.suspects) if characters else "",
        }


async def load_prompt_context(
    work: Work, artifacts: ArtifactStore, objects: GitObjects, localiser: Localiser
) -> PromptContext:
    """The view of a run's context, its snippets brought up to the checkpoint, the suspects' code before the others'."""
    context = await get_model(artifacts, work.context, RetrievedContext)
    view = PromptContext(context, frozenset(await objects.files(work.snapshot, work.checkpoint)))
    snippets = list(context.snippets)
    if work.spectrum is not None:
        base = work.model_copy(update={"checkpoint": Checkpoint(commit=work.snapshot.commit)})
        view.suspects = tuple((await localiser.find(base)).suspects[:_HINTED])
        snippets = _suspects_first(snippets, view.suspects)
    await read_files(view, [one.shown.file for one in snippets], work, objects)
    view.snippets = tuple(filter(None, (_current(one, view) for one in snippets)))
    return view


async def read_files(view: PromptContext, paths: Iterable[str], work: Work, objects: GitObjects) -> None:
    """Read more files of the checkpoint into the view; what is no text file stays out."""
    for path in paths:
        if path in view.paths and path not in view.sources:
            source = await objects.read(work.snapshot, work.checkpoint, path)
            if source is not None:
                view.sources[path] = source


def _suspects_first(snippets: list[Snippet], suspects: Iterable[Suspect]) -> list[Snippet]:
    known = {(one.shown.file, one.shown.symbol): one for one in snippets}
    places = [(one.region.source.path, one.region.symbol) for one in suspects if one.region.function is not None]
    first = [known.get(place) or _unread(*place) for place in places]
    return [*first, *(one for place, one in known.items() if place not in places)]


def _unread(file: str, symbol: str) -> Snippet:
    """A definition whose code is read with that of all others."""
    return Snippet(shown=ShownCode(file=file, symbol=symbol, why="suspicious"), code="")


def _current(snippet: Snippet, view: PromptContext) -> Snippet | None:
    source = view.sources.get(snippet.shown.file)
    if source is None or not snippet.shown.symbol:
        return None if source is None else snippet
    among = view.definitions(snippet.shown.file)
    one = next((one for one in among if one.name == snippet.shown.symbol), None)
    return None if one is None else _snippet(snippet.shown.file, one, source, among, snippet.shown.why)


def _snippet(path: str, one: Definition, source: str, among: list[Definition], why: str = "") -> Snippet:
    shown = ShownCode(file=path, symbol=one.name[:200], first_line=one.first, last_line=one.last, why=why)
    return Snippet(shown=shown, code=keep_first_lines(python_syntax.excerpt(source, one, among), 39_000))


def _shown(snippet: Snippet) -> str:
    why = f" ({snippet.shown.why})" if snippet.shown.why else ""
    return f"{snippet.shown.file}{why}:\n{fence(snippet.code, 'python')}"


def _not_shown(shown: list[ShownCode]) -> Iterable[str]:
    if shown:
        names = ", ".join(f"`{one.symbol}` in {one.file}" for one in shown[:_NAMED])
        yield f"Also there, not shown: {names}."


def _failing(context: RetrievedContext, characters: int) -> Iterable[str]:
    for test in context.failing[:_FAILING_TESTS]:
        message = f"\n{fence(keep_ends(test.message.strip(), characters // _FAILING_TESTS))}" if test.message else ""
        yield f"{keep_first_lines(test.id, 200)}{message}"
    if context.failing_count > _FAILING_TESTS:
        yield f"and {context.failing_count - min(len(context.failing), _FAILING_TESTS)} more"
