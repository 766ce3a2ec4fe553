"""The options by which commands are given a bug: its repository, its issue and its tests."""

from pathlib import Path
from typing import Annotated

import typer

from hydranet.bounded_models import ISSUE_CHARACTERS
from hydranet.errors import UsageError
from hydranet.text.escaping import clean_text

ProjectOption = Annotated[Path, typer.Option(help="The Git repository, or the folder of a project in it.")]
IssueOption = Annotated[str, typer.Option(help="The issue: what is wrong, in words.")]
IssueFileOption = Annotated[Path | None, typer.Option(help="A text file with the issue.")]
TestOption = Annotated[
    str | None, typer.Option(help="The command that runs the tests; by default `python -m pytest -q`.")
]

_ISSUE_BYTES = 4 * ISSUE_CHARACTERS


def read_issue(text: str, file: Path | None) -> str:
    """Return the issue that a command was given; UsageError when it is missing, too long or cannot be read."""
    if bool(text) == bool(file):
        raise UsageError("Say what is wrong with either --issue TEXT or --issue-file FILE.")
    if file is not None:
        try:
            with file.open("rb") as stream:  # which may never end
                data = stream.read(_ISSUE_BYTES + 1)
            if len(data) > _ISSUE_BYTES:
                raise UsageError(f"The issue file {file} is too large: shorten it to {ISSUE_CHARACTERS:,} characters.")
            text = clean_text(data.decode("utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"The issue file {file} cannot be read ({error}): name a UTF-8 text file.") from None
    if not text.strip():
        raise UsageError("The issue is empty: say what is wrong.")
    if len(text) > ISSUE_CHARACTERS:
        raise UsageError(f"The issue has {len(text):,} characters: shorten it to {ISSUE_CHARACTERS:,}.")
    return text.strip()
