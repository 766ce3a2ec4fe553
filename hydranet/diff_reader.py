"""Reading unified diffs: their files and hunks, with the names as they are in the repository."""

import ast
import posixpath
import re
from collections.abc import Iterator
from io import StringIO
from typing import NamedTuple

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from hydranet.errors import PatchError

DEV_NULL = "/dev/null"
# Headers that unidiff matches with patterns which are slow on very long lines.
_LONG_HEADER = re.compile(r"^(?:diff --git|Binary files?) .{2000}", re.MULTILINE)


class FileDiff(NamedTuple):
    """One file of a diff; `old` or `new` is empty where the file does not exist on that side."""

    source: PatchedFile
    old: str
    new: str

    @property
    def path(self) -> str:
        """Its name, after the change where it has one."""
        return self.new or self.old


def read_diff(diff: str) -> list[FileDiff]:
    """Return the files of a unified diff. Raises PatchError for text that is none."""
    if _LONG_HEADER.search(diff):
        raise PatchError("The patch has a header line of more than 2,000 characters.")
    if re.search(r"[\0\ud800-\udfff]", diff):
        raise PatchError("The patch holds characters that no text file holds.")
    try:
        # Iterating a StringIO splits at \n only, where str.splitlines() also splits inside lines.
        files = PatchSet(StringIO(diff if diff.endswith("\n") else diff + "\n"))
    except (UnidiffParseError, ValueError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise PatchError(f"The patch is no well-formed unified diff: {reason}") from None
    if not files:
        raise PatchError("The patch is no unified diff: no file header was found.")
    _check_ends(files, diff.split("\n"))
    return [_file_diff(file) for file in files]


def list_changes(hunk: Hunk) -> Iterator[tuple[str, str]]:
    """Yield the lines of a hunk: a space, "-" or "+", and the text with its newline, if it has one."""
    lines = [line for line in hunk if line.line_type]
    marks = [line.line_type == "\\" for line in lines]
    for line, marked in zip(lines, [*marks[1:], False], strict=False):
        if line.line_type != "\\":
            yield line.line_type, line.value.removesuffix("\n") if marked else line.value


def _check_ends(files: PatchSet, lines: list[str]) -> None:
    """Refuse changed lines past the end of their hunk, which unidiff leaves out without a word."""
    for hunk in (hunk for file in files for hunk in file):
        end = max((line.diff_line_no or 0 for line in hunk), default=0)
        following = next((line for line in lines[end : end + 2] if not line.startswith("\\")), "")
        if following.startswith(("+", "-", " ")) and not following.startswith(("--- ", "-- ")):
            raise PatchError("The patch is no well-formed unified diff: Hunk is longer than expected")


def _file_diff(file: PatchedFile) -> FileDiff:
    old, new = _unquoted(file.source_file), _unquoted(file.target_file)
    prefixed = old.startswith(("a/", DEV_NULL)) and new.startswith(("b/", DEV_NULL))
    return FileDiff(file, _path(old, prefixed), _path(new, prefixed))


def _path(name: str, prefixed: bool) -> str:
    if not name or name == DEV_NULL:
        return ""
    return posixpath.normpath(name[2:] if prefixed else name)


def _unquoted(path: str) -> str:
    """Undo git's C-style quotes, which it puts around names that are not plain ASCII."""
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', path):
        return path
    try:
        name: bytes = ast.literal_eval("b" + path)
        return name.decode()
    except (SyntaxError, ValueError):
        raise PatchError("The patch names a file in a way that cannot be read.") from None
