"""`hydra score`: the convergence of a history of attempts, and what the Reaper would do."""

import hashlib
import json as jsonlib
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from hydra_cli.terminal import write_json, write_line
from hydranet import patches, settings
from hydranet.bounded_models import TESTS
from hydranet.convergence import reaper
from hydranet.convergence.error_signature import ErrorSignature, extract_signature
from hydranet.convergence.readings import parse_reading, strip_line_numbers
from hydranet.convergence.score import Attempt, Command, Score, score_attempt
from hydranet.errors import PatchError, UsageError
from hydranet.invalid_values import explain_value, name_field
from hydranet.patches import Patch
from hydranet.run_settings import ConvergenceSettings


def score(
    file: Annotated[Path, typer.Argument(help="A file of attempts as JSON lines, oldest first.")],
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a history of attempts for convergence, as the Reaper does.

    `hydra log RUN --attempts` prints such a file. Weights, threshold and window are those of your settings;
    to try others, set for example HYDRA_CONVERGENCE__THRESHOLD=0.8.
    """
    judgements = list(_judge(list(_read_attempts(file)), settings.load_settings().convergence))
    if json:
        write_json([_document(judgement) for judgement in judgements], indent=2)
        return
    for judgement in judgements:
        write_line(_describe(judgement))
        if judgement.evidence:
            write_line(f"    {judgement.evidence}")


class _CommandLine(BaseModel):
    model_config = ConfigDict(strict=True)

    command: str
    result: str = ""
    workspace_changed: bool = False


class _AttemptLine(BaseModel):
    """A line of the file; other fields are ignored.

    In a line written by hand, `patch` is a unified diff and `error` is what the tests printed. `last` says that
    the branch ended with this attempt, whatever its score.
    """

    model_config = ConfigDict(strict=True)

    patch: str | Patch | None = None
    error: str | ErrorSignature | None = None
    failing_tests: list[str] | None = None
    failing_count: int = 0
    commands: list[_CommandLine] | None = None
    infrastructure: bool = False
    passed: bool | None = None
    branch: str | int = ""
    last: bool = False


class _BranchAttempt(NamedTuple):
    branch: str | int
    attempt: Attempt
    last: bool


class _Judgement(NamedTuple):
    number: int
    branch: str | int
    attempt: Attempt
    score: Score
    evidence: str | None


def _read_attempts(file: Path) -> Iterator[_BranchAttempt]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror or error}): name a file of attempts.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text: write one JSON object per line.") from None
    if not any(line.strip() for line in lines):
        raise UsageError(f"{file} holds no attempts: write one JSON object per line.")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _parse_attempt(line, f"{file}, line {number}")


def _parse_attempt(line: str, where: str) -> _BranchAttempt:
    try:
        fields = _AttemptLine.model_validate(jsonlib.loads(line))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: {_explain(error)}.") from None
    names = tuple(_shorten(name, 200) for name in fields.failing_tests or [])
    branch = _shorten(fields.branch, 200) if isinstance(fields.branch, str) else fields.branch
    signature = fields.error if isinstance(fields.error, ErrorSignature) else extract_signature(fields.error or "")
    failing = max(fields.failing_count, len(names))
    attempt = Attempt(
        patch=fields.patch if isinstance(fields.patch, Patch) else _parse_patch(fields.patch or ""),
        error=signature,
        failing_tests=names[:TESTS],
        failing_count=failing,
        commands=tuple(_shorten_command(command) for command in (fields.commands or [])[-20:]),
        infrastructure=fields.infrastructure,
        passed=_tell_passed(fields) if signature is None and not failing else False,
    )
    return _BranchAttempt(branch, attempt, fields.last)


def _tell_passed(fields: _AttemptLine) -> bool | None:
    """Tell whether tests without an error passed or never ran; None where only the patch can tell."""
    if fields.passed is not None:
        return fields.passed
    if isinstance(fields.error, str) and fields.error.strip():
        return True
    return False if fields.failing_tests is None else None


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "this is not JSON"
    where = name_field(error).removesuffix(".str")
    return f"`{where}` {explain_value(error)}" if where else "this is not a JSON object"


def _parse_patch(diff: str) -> Patch:
    # Models count the lines of their hunks wrong; what is no diff at all changes nothing.
    try:
        return patches.parse_diff(diff)
    except PatchError:
        try:
            return patches.parse_diff(patches.recount_hunks(diff))
        except PatchError:
            return Patch()


def _shorten_command(command: _CommandLine) -> Command:
    result = strip_line_numbers(command.result) if parse_reading(command.command) else command.result
    return Command(
        command=_shorten(command.command, 300),
        result=_shorten(result, 300),
        workspace_changed=command.workspace_changed,
    )


def _shorten(text: str, length: int) -> str:
    # Texts that differ only beyond the limit stay different.
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= length:
        return text
    return f"{text[: length - 17]} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _judge(attempts: list[_BranchAttempt], chosen: ConvergenceSettings) -> Iterator[_Judgement]:
    # In the order of the file. A branch is dead once it ended, or once the Reaper would have ended it.
    branches: dict[str | int, list[tuple[int, Attempt]]] = {}
    dead: set[str | int] = set()
    for number, (name, attempt, last) in enumerate(attempts, 1):
        branch = branches.setdefault(name, [])
        branch.append((number, attempt))
        earlier = sorted((pair for other in dead - {name} for pair in branches[other]), key=itemgetter(0))
        facts = [fact for _, fact in branch]
        result = score_attempt(facts, chosen, [fact for _, fact in earlier])
        if result.nearest is not None:
            numbered = earlier if result.novelty else branch
            result = result.model_copy(update={"nearest": numbered[result.nearest - 1][0]})
        evidence = reaper.judge(facts, result, chosen)
        if evidence or last:
            dead.add(name)
        yield _Judgement(number, name, attempt, result, evidence)


def _document(judgement: _Judgement) -> dict[str, Any]:
    return {
        "attempt": judgement.number,
        "branch": judgement.branch,
        "infrastructure": judgement.attempt.infrastructure,
        "score": judgement.score.value,
        "terms": judgement.score.terms.model_dump(),
        "nearest": judgement.score.nearest,
        "novelty": judgement.score.novelty,
        "dead": judgement.evidence is not None,
        "evidence": judgement.evidence,
    }


def _describe(judgement: _Judgement) -> str:
    score = judgement.score
    branch = f" of {judgement.branch}" if judgement.branch != "" else ""
    name = f"attempt {judgement.number}{branch}"
    if judgement.attempt.infrastructure:
        return f"{name}: not an attempt (infrastructure)"
    values = {
        "patch": score.terms.patch_similarity,
        "commands": score.terms.command_repetition,
        "error": score.terms.error_match,
    }
    terms = ", ".join(f"{label} {'-' if value is None else format(value, '.2f')}" for label, value in values.items())
    nearest = f", nearest to attempt {score.nearest}" if score.nearest else ""
    return f"{name}: {'dead ' if judgement.evidence else 'alive'} {score.value:.2f} ({terms}){nearest}"
