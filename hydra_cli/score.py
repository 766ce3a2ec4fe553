"""`hydra score`: how the Reaper would judge a history of attempts."""

import hashlib
import json as jsonlib
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from hydranet import patches, settings
from hydranet.bounded_models import TESTS
from hydranet.convergence import reaper
from hydranet.convergence.error_signature import ErrorSignature, extract_signature
from hydranet.convergence.score import Attempt, Command, Score, score_attempt
from hydranet.errors import PatchError, UsageError
from hydranet.patches import Patch
from hydranet.run_settings import ConvergenceSettings


def score(
    file: Annotated[Path, typer.Argument(help="Attempts as JSON lines, oldest first.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Score a history of attempts for convergence, as the Reaper does.

    `hydra log RUN --attempts` writes such a file. Weights, threshold and window are those of your settings,
    so HYDRA_CONVERGENCE__THRESHOLD=0.8 and the like try others out.
    """
    judged = list(_judge(list(_read(file)), settings.load_settings().convergence))
    if json:
        typer.echo(jsonlib.dumps([_object(one) for one in judged], indent=2))
        return
    for one in judged:
        typer.echo(_line(one))
        if one.evidence:
            typer.echo(f"    {one.evidence}")


class _CommandLine(BaseModel):
    model_config = ConfigDict(strict=True)

    command: str
    result: str = ""
    workspace_changed: bool = False


class _AttemptLine(BaseModel):
    """One line of the file; fields that are not named here are left alone.

    Written by hand, `patch` is a unified diff and `error` what the tests printed. `last` says that the
    branch ended with this attempt, whatever its score.
    """

    model_config = ConfigDict(strict=True)

    patch: str | Patch | None = None
    error: str | ErrorSignature | None = None
    failing_tests: list[str] | None = None
    failing_count: int = 0
    commands: list[_CommandLine] | None = None
    infrastructure: bool = False
    branch: str | int = ""
    last: bool = False


class _Given(NamedTuple):
    branch: str | int
    attempt: Attempt
    last: bool


class _Judged(NamedTuple):
    number: int
    branch: str | int
    attempt: Attempt
    score: Score
    evidence: str | None


def _read(file: Path) -> Iterator[_Given]:
    """The attempts. Raises UsageError for a file or a line that is not as it should be."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text; expected one JSON object per line.") from None
    if not any(line.strip() for line in lines):
        raise UsageError(f"{file} holds no attempts; expected one JSON object per line.")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _attempt(line, f"{file}, line {number}")


def _attempt(line: str, where: str) -> _Given:
    try:
        given = _AttemptLine.model_validate(jsonlib.loads(line))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: {_complaint(error)}.") from None
    names = tuple(_bounded(name, 200) for name in given.failing_tests or [])
    branch = _bounded(given.branch, 200) if isinstance(given.branch, str) else given.branch
    attempt = Attempt(
        patch=given.patch if isinstance(given.patch, Patch) else _patch(given.patch or ""),
        error=given.error if isinstance(given.error, ErrorSignature) else extract_signature(given.error or ""),
        failing_tests=names[:TESTS],
        failing_count=max(given.failing_count, len(names)),
        commands=tuple(_command(command) for command in (given.commands or [])[-20:]),
        infrastructure=given.infrastructure,
    )
    return _Given(branch, attempt, given.last)


def _complaint(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "this is not JSON"
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "str")
    return f"`{where}`: {first['msg']}" if where else "this is not a JSON object"


def _patch(diff: str) -> Patch:
    """The edits of a diff, its line counts made right when they are not; no edits when it is no diff."""
    try:
        return patches.parse_diff(diff)
    except PatchError:
        try:
            return patches.parse_diff(patches.recount_hunks(diff))
        except PatchError:
            return Patch()


def _command(command: _CommandLine) -> Command:
    return Command(
        command=_bounded(command.command, 300),
        result=_bounded(command.result, 300),
        workspace_changed=command.workspace_changed,
    )


def _bounded(text: str, length: int) -> str:
    """Text of at most `length` characters, different for different texts."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= length:
        return text
    return f"{text[: length - 17]} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _judge(attempts: list[_Given], chosen: ConvergenceSettings) -> Iterator[_Judged]:
    """Score attempts in the order of the file; a branch is dead once it ended or the Reaper would have ended it."""
    branches: dict[str | int, list[tuple[int, Attempt]]] = {}
    dead: set[str | int] = set()
    for number, (name, attempt, last) in enumerate(attempts, 1):
        branch = branches.setdefault(name, [])
        branch.append((number, attempt))
        tried = sorted((one for other in dead - {name} for one in branches[other]), key=itemgetter(0))
        facts = [fact for _, fact in branch]
        result = score_attempt(facts, chosen, [fact for _, fact in tried])
        if result.nearest is not None:
            numbered = tried if result.novelty else branch
            result = result.model_copy(update={"nearest": numbered[result.nearest - 1][0]})
        evidence = reaper.judge(facts, result, chosen)
        if evidence or last:
            dead.add(name)
        yield _Judged(number, name, attempt, result, evidence)


def _object(one: _Judged) -> dict[str, Any]:
    return {
        "attempt": one.number,
        "branch": one.branch,
        "infrastructure": one.attempt.infrastructure,
        "score": one.score.value,
        "terms": one.score.terms.model_dump(),
        "nearest": one.score.nearest,
        "novelty": one.score.novelty,
        "dead": one.evidence is not None,
        "evidence": one.evidence,
    }


def _line(one: _Judged) -> str:
    branch = f" of {one.branch}" if one.branch != "" else ""
    name = f"attempt {one.number}{branch}"
    if one.attempt.infrastructure:
        return f"{name}: not an attempt (infrastructure)"
    terms = one.score.terms
    shown = ", ".join(
        f"{label} {'-' if value is None else format(value, '.2f')}"
        for label, value in (
            ("patch", terms.patch_similarity),
            ("commands", terms.command_repetition),
            ("error", terms.error_match),
        )
    )
    nearest = f", nearest to attempt {one.score.nearest}" if one.score.nearest else ""
    return f"{name}: {'dead ' if one.evidence else 'alive'} {one.score.value:.2f} ({shown}){nearest}"
