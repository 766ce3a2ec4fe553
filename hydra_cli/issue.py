"""The options by which commands are given a bug: its repository, its issue and its tests."""

import asyncio
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from activities.code.expectations import read_expectation
from hydra_cli.terminal import write_line
from hydranet.bounded_models import ISSUE_CHARACTERS, NAME_CHARACTERS
from hydranet.contracts.expectations import CODE_CHARACTERS, EXPECTATIONS, Expectation, ExpectationKind
from hydranet.contracts.sandbox import TEST_PATTERNS
from hydranet.errors import UsageError
from hydranet.text.escaping import clean_text
from hydranet.text.truncation import keep_start

ProjectOption = Annotated[Path, typer.Option(help="The Git repository, or the folder of a project in it.")]
IssueOption = Annotated[str, typer.Option(help="The issue: what is wrong, in words.")]
IssueFileOption = Annotated[Path | None, typer.Option(help="A text file with the issue; - is standard input.")]
IssueUrlOption = Annotated[
    str, typer.Option(help="The address of the issue on GitHub, GitLab, Gitea or Forgejo; read with its comments.")
]
TestOption = Annotated[
    str | None, typer.Option(help="The command that runs the tests; by default `python -m pytest -q`.")
]

ExpectOption = Annotated[
    list[str] | None, typer.Option(help='An expression that is to be true, as in "total([1]) == 1"; several of them.')
]
RaisesOption = Annotated[
    list[str] | None, typer.Option(help="An exception and what is to raise it, as in \"ValueError: parse('')\".")
]
NoRaiseOption = Annotated[list[str] | None, typer.Option(help="An expression that is to raise nothing.")]
ScriptOption = Annotated[list[Path] | None, typer.Option(help="A Python script that is to exit with 0.")]
TargetOption = Annotated[
    list[str] | None,
    typer.Option(help="A failing test to mend, by its id, its beginning or a pattern; several of them."),
]

_SHOWN = 80


class GivenIssue(NamedTuple):
    """The text of an issue, and its address where it came from a forge."""

    text: str
    url: str = ""


def read_target(patterns: list[str] | None) -> tuple[str, ...]:
    """Return the names of tests that a command was given; UsageError when they are too many or too long."""
    names = tuple(pattern.strip() for pattern in patterns or ())
    if len(names) > TEST_PATTERNS or not all(0 < len(name) <= NAME_CHARACTERS for name in names):
        raise UsageError(f"--target takes at most {TEST_PATTERNS} names of 1 to {NAME_CHARACTERS} characters.")
    return names


def read_expectations(
    holds: list[str] | None, raises: list[str] | None, runs: list[str] | None, scripts: list[Path] | None
) -> tuple[Expectation, ...]:
    """Return what is expected by the options of a command; UsageError for what is no Python."""
    texts = [
        *((ExpectationKind.HOLDS, text, "--expect") for text in holds or ()),
        *((ExpectationKind.RAISES, text, "--raises") for text in raises or ()),
        *((ExpectationKind.RUNS, text, "--no-raise") for text in runs or ()),
    ]
    kept = [
        read_expectation(kind, text, f'{option} "{keep_start(text.strip(), _SHOWN)}"') for kind, text, option in texts
    ]
    kept += [
        read_expectation(ExpectationKind.SCRIPT, _read_text(file, "script", CODE_CHARACTERS), f"--script {file}")
        for file in scripts or ()
    ]
    if len(kept) > EXPECTATIONS:
        raise UsageError(f"A run takes at most {EXPECTATIONS} expectations: leave some out.")
    return tuple(kept)


def read_issue(text: str, file: Path | None, url: str = "") -> GivenIssue:
    """Return the issue that a command was given; UsageError when it is missing, too long or cannot be read."""
    if [bool(text), bool(file), bool(url)].count(True) != 1:
        raise UsageError("Say what is wrong with one of --issue TEXT, --issue-file FILE and --issue-url URL.")
    if file is not None:
        text = _read_text(file, "issue file", ISSUE_CHARACTERS)
    issue = _fetch(url) if url else GivenIssue(text.strip())
    if not issue.text:
        raise UsageError("The issue is empty: say what is wrong.")
    if len(issue.text) > ISSUE_CHARACTERS:
        raise UsageError(f"The issue has {len(text):,} characters: shorten it to {ISSUE_CHARACTERS:,}.")
    return issue


def _fetch(url: str) -> GivenIssue:
    # Imported here, for the commands that ask no server.
    from activities.forges.addresses import read_issue_url
    from activities.forges.issues import read_issue_at

    address = read_issue_url(url)
    text, left_out = asyncio.run(read_issue_at(address, partial(write_line, error=True)))
    if left_out:
        write_line(f"Note     {left_out}", error=True)
    return GivenIssue(text, address.url)


def _read_text(file: Path, what: str, most: int) -> str:
    try:
        # It may never end.
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as stream:
            data = stream.read(4 * most + 1)
        text = clean_text(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The {what} {file} cannot be read ({error}): name a UTF-8 text file.") from None
    if len(data) > 4 * most or (len(text) > most and what != "issue file"):
        raise UsageError(f"The {what} {file} is too large: shorten it to {most:,} characters.")
    return text
