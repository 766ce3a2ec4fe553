"""Patches: unified diffs parsed once into edits, checked, compared and applied."""

import difflib
import hashlib
import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from io import StringIO
from itertools import groupby, pairwise
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import PATH_CHARACTERS, BoundedModel, FilePath, Line, Name
from hydranet.diff_reader import DEV_NULL, FileDiff, list_changes, read_diff
from hydranet.errors import PatchError

MAX_BYTES = 65_536
MAX_FILES = 30

# What one patch may weigh, in bytes, when it crosses a task queue as edits.
_EDITS_BYTES = 4_000
_NO_NEWLINE = "\\ No newline at end of file\n"
_FILE_MODES = (None, "100644", "100755")
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$")


class Edit(BoundedModel):
    """One run of changed lines: `removed` at line `start` (1-based) of the old file becomes `added`.

    Without lines on either side the file changed otherwise: made or removed empty, moved, binary.
    """

    file: FilePath
    start: int
    removed: Annotated[tuple[Line, ...], Field(max_length=400)] = ()
    added: Annotated[tuple[Line, ...], Field(max_length=400)] = ()


class Patch(BoundedModel):
    """The edits of one unified diff; empty for a no-op.

    `digest` is set when edits had to be left out: it tells two patches with the same head apart.
    """

    edits: Annotated[tuple[Edit, ...], Field(max_length=200)] = ()
    digest: Name = ""


def parse_diff(diff: str) -> Patch:
    """Return the edits of a unified diff, at most about 4,000 bytes of them; empty text is an empty patch.

    Edits past that size are left out whole, except that the first one is cut. Raises PatchError for
    text that is no well-formed unified diff.
    """
    if not diff.strip():
        return Patch()
    edits = [edit for file in read_diff(diff) for edit in _edits(file)]
    kept: list[Edit] = []
    room, whole = _EDITS_BYTES, True
    for file, start, removed, added in edits[:200]:
        size = _weight(file) + sum(map(_weight, removed)) + sum(map(_weight, added))
        whole = size <= room and max(len(removed), len(added)) <= 400
        if not whole and kept:
            break
        if not whole:
            removed = _head(removed, room // 2)
            added = _head(added, room - sum(map(_weight, removed)))
        kept.append(Edit(file=file, start=start, removed=tuple(removed), added=tuple(added)))
        room -= size
        if not whole:
            break
    complete = len(kept) == len(edits) and whole
    return Patch(edits=tuple(kept), digest="" if complete else _digest(edits))


def check_diff(diff: str, protected: Collection[str] = (), submodules: Collection[str] = ()) -> None:
    """Refuse a diff that may not be applied, with a PatchError that says why.

    It may hold at most 64 KB and 30 files, touch regular files inside the repository only, neither
    rename nor change modes, and leave every path in `protected` and all below `submodules` alone.
    """
    if len(diff.encode("utf-8", "replace")) > MAX_BYTES:
        raise PatchError(f"The patch is larger than {MAX_BYTES // 1024} KB.")
    files = read_diff(diff) if diff.strip() else []
    if len(files) > MAX_FILES:
        raise PatchError(f"The patch changes {len(files)} files; {MAX_FILES} are allowed.")
    guarded = {posixpath.normpath(path) for path in protected}
    for file in files:
        _check_file(file)
        if file.path in guarded:
            raise PatchError(f"The patch changes {file.path}, which is protected.")
        path = PurePosixPath(file.path)
        if submodule := next((name for name in submodules if path.is_relative_to(name)), None):
            raise PatchError(f"The patch changes {path} in the submodule {submodule}, which is another repository.")


def apply_diff(diff: str, read: Callable[[str], str | None]) -> dict[str, str | None]:
    """Return the new text of every file that `diff` changes, None for a file it deletes.

    `read` gives the old text of a path, None where there is no such file; neither side translates line
    ends. Context and removed lines must stand exactly where the diff says, else PatchError.
    """
    result: dict[str, str | None] = {}
    for file in read_diff(diff) if diff.strip() else []:
        _check_file(file)
        if file.path in result:
            raise PatchError(f"The patch changes {file.path} twice.")
        old = read(file.path)
        if not file.old and old is not None:
            raise PatchError(f"The patch creates {file.path}, which is there already.")
        if file.old and old is None:
            raise PatchError(f"The patch changes {file.path}, which is not there.")
        new = _patched(file, old or "")
        if not file.new and new:
            raise PatchError(f"The patch deletes {file.path} but not all of its lines.")
        result[file.path] = new if file.new else None
    return result


def make_diff(path: str, old: str | None, new: str | None) -> str:
    """Return the unified diff from `old` to `new` at `path`, empty when they are equal; None is no file."""
    if old == new:
        return ""
    mode = "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
    # Readers take the first " b/" of this line for the second name; only an empty file needs the line.
    head = f"diff --git a/{path} b/{path}\n{mode}" if " b/" not in path or not (old or new) else ""
    lines = difflib.unified_diff(
        _lines(old or ""),
        _lines(new or ""),
        DEV_NULL if old is None else f"a/{path}",
        DEV_NULL if new is None else f"b/{path}",
    )
    return head + "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def recount_hunks(diff: str) -> str:
    """Correct the line counts in the hunk headers of a diff, as `git apply --recount` does.

    Models and people get the counts wrong more often than the lines.
    """
    lines = diff.split("\n")
    heads = [number for number, line in enumerate(lines) if _HUNK.match(line)]
    for head, following in pairwise([*heads, len(lines)]):
        body = _body(lines[head + 1 : following])
        old = sum(line[:1] in ("", " ", "-") for line in body)
        new = sum(line[:1] in ("", " ", "+") for line in body)
        match = _HUNK.match(lines[head])
        if match is not None:
            lines[head] = f"@@ -{match[1]},{old} +{match[2]},{new} @@{match[3]}"
    return "\n".join(lines)


def _body(lines: list[str]) -> list[str]:
    body: list[str] = []
    for line, following in pairwise([*lines, ""]):
        header = line.startswith("--- ") and following.startswith("+++ ")
        if header or line[:1] not in ("", " ", "+", "-", "\\"):
            break
        body.append(line)
    while body and not body[-1].strip():
        body.pop()
    return body


def _check_file(file: FileDiff) -> None:
    source = file.source
    for path in (file.old, file.new):
        _check_path(path)
    if file.path in ("", "."):
        raise PatchError("The patch has a part that names no file.")
    if source.is_binary_file:
        raise PatchError(f"The patch changes {file.path} as a binary file.")
    info = [str(line) for line in source.patch_info or ()]
    moved = any(line.startswith(("rename ", "copy ")) for line in info)
    if moved or (file.old and file.new and file.old != file.new):
        raise PatchError(f"The patch renames or copies {file.path}; write it as a deletion and a new file.")
    modes = (source.source_mode, source.target_mode)
    if not set(modes) <= set(_FILE_MODES):
        raise PatchError(f"The patch makes {file.path} something other than a regular file.")
    if any(line.startswith(("old mode", "new mode")) for line in info):
        raise PatchError(f"The patch changes the mode of {file.path}.")
    if file.old and file.new and not source.added + source.removed:
        raise PatchError(f"The patch names {file.path} but changes nothing in it.")


def is_git_name(name: str) -> bool:
    """Return whether some file system opens .git under this name, as those of macOS and Windows do."""
    plain = name.translate(_IGNORED_BY_HFS).lower().partition(":")[0]
    return plain.rstrip(" .") in (".git", "git~1")


def _check_path(path: str) -> None:
    if len(path) > PATH_CHARACTERS:
        raise PatchError("The patch names a file by more than 1,000 characters.")
    if "\\" in path or any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in path):
        raise PatchError("The patch names a file with a backslash or an invisible character.")
    if posixpath.isabs(path) or re.match(r"[A-Za-z]:", path):
        raise PatchError(f"The patch changes {path}, an absolute path.")
    parts = path.split("/")
    if ".." in parts:
        raise PatchError(f"The patch changes {path}, outside the repository.")
    if any(map(is_git_name, parts)):
        raise PatchError(f"The patch changes {path}, which belongs to git.")


def _patched(file: FileDiff, old: str) -> str:
    lines, result, position = _lines(old), list[str](), 0
    for hunk in file.source:
        start = hunk.source_start - (hunk.source_length > 0)
        if not position <= start <= len(lines):
            raise PatchError(f"The patch does not apply: {file.path} has no line {hunk.source_start} there.")
        result += lines[position:start]
        position = start
        for kind, text in list_changes(hunk):
            if kind == "+":
                result.append(text)
                continue
            if lines[position : position + 1] != [text]:
                raise PatchError(f"The patch does not apply: line {position + 1} of {file.path} is not what it says.")
            position += 1
            if kind == " ":
                result.append(text)
    result += lines[position:]
    if any(not line.endswith("\n") for line in result[:-1]):
        raise PatchError(f"The patch ends {file.path} without a newline, but not in its last line.")
    return "".join(result)


def _edits(file: FileDiff) -> Iterator[tuple[str, int, list[str], list[str]]]:
    path = re.sub(r"[\x00-\x1f\x7f]", "?", file.path)
    if not file.source:
        yield path, 0, [], []
    for hunk in file.source:
        # A hunk without old lines names the line it follows.
        position = hunk.source_start + (hunk.source_length == 0)
        for changed, group in groupby(list_changes(hunk), lambda change: change[0] != " "):
            run = list(group)
            removed = [_text(text) for kind, text in run if kind == "-"]
            if changed:
                yield path, position, removed, [_text(text) for kind, text in run if kind == "+"]
            position += len(removed) if changed else len(run)


def _text(line: str) -> str:
    return line.rstrip("\r\n")


def _weight(text: str) -> int:
    return len(text[:300].encode()) + 4


def _head(lines: list[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in lines[:400]:
        room -= _weight(line)
        if room < 0:
            break
        kept.append(line)
    return kept


def _digest(edits: list[tuple[str, int, list[str], list[str]]]) -> str:
    text = repr([(file, removed, added) for file, _, removed, added in edits])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lines(text: str) -> list[str]:
    return list(StringIO(text, newline="\n"))
