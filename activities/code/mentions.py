"""What an issue or a traceback mentions: files, symbols, lines."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_PATH = re.compile(r"[\w./-]{1,300}\.py\b")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,80}")


def find_named_files(issue: str, paths: Collection[str]) -> list[str]:
    """The files of the repository that an issue names, each once, in its order."""
    found = (resolve_path(name, paths) for name in _PATH.findall(issue))
    return list(dict.fromkeys(path for path in found if path is not None))


def find_named_symbols(issue: str) -> set[str]:
    """The words of an issue that look like code: quoted, called, with an underscore or an inner capital."""
    quoted = " ".join(re.findall(r"`([^`\n]{1,200})`", issue))
    called = re.findall(r"([A-Za-z_]\w{1,80})\(", issue)
    shaped = [word for word in _NAME.findall(issue) if "_" in word.strip("_") or re.search(r"[a-z][A-Z]", word)]
    return {*_NAME.findall(quoted), *called, *shaped}


# A frame as plain tracebacks, and as pytest, print it.
_FRAMES = re.compile(
    r'^\s*File "(?P<file>[^"\n]{1,500})", line (?P<line>\d{1,7})|'
    r"^(?P<short>[^\s:][^:\n]{0,500}\.py):(?P<number>\d{1,7}):",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class MentionedLine:
    """A line of a repository's file that a traceback goes through."""

    file: str
    line: int


def parse_frames(text: str, paths: Collection[str]) -> list[MentionedLine]:
    """The frames of a traceback that are inside the repository, the deepest last."""
    found = []
    for match in _FRAMES.finditer(text):
        path = resolve_path(match["file"] or match["short"], paths)
        if path is not None:
            found.append(MentionedLine(path, int(match["line"] or match["number"])))
    return found


def resolve_path(name: str, paths: Collection[str]) -> str | None:
    """The path of the repository that `name` means, which may have folders before it that are not ours."""
    parts = PurePosixPath(name.removeprefix("./")).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return None
    return next((tail for tail in _tails(parts) if tail in paths), None)


def _tails(parts: tuple[str, ...]) -> Iterator[str]:
    clean = [part for part in parts if part not in ("/", ".")]
    for start in range(len(clean)):
        yield "/".join(clean[start:])
