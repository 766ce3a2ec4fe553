"""Frames of tracebacks: the calls that led to an error."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PYTHON_FRAME = re.compile(r'(?P<indent>\s*)File "(?P<path>[^"]+)", line (?P<line>\d{1,7})(?:,? in (?P<function>.+))?$')
_PYTEST_FRAME = re.compile(r"\s*(?P<path>[^\s:][^:]{0,500}\.py):(?P<line>\d{1,7}):(?: in (?P<function>\S+))?")
# As Node prints a call, with a function or without; Vitest marks it with an arrow.
_NODE_FRAME = re.compile(
    r"\s*(?:at|\u276f) (?:async )?(?:(?:new )?(?P<function>[^()\s]{1,200})(?: \[as [^\]\s]{1,200}\])? \(?)?"
    r"(?P<path>(?:file://)?[^\s()]{1,500}\.[cm]?[jt]sx?):(?P<line>\d{1,7})(?::\d{1,7})?\)?$"
)
# What pytest puts before the lines of an error, and Markdown before those of a quotation.
_PREFIX = re.compile(r"(?:E|>)\s+")
_LIBRARY = re.compile(
    r"^<|^node:|^internal/|^\.\./|^/usr/|(?:^|/)(?:site-packages|dist-packages|node_modules)/"
    r"|/lib/python\d|/pkg/mod/"
)
ROOT = "/work/"
"""Where a sandbox has the repository."""
_LONGEST = 1_000


class Frame(NamedTuple):
    """One call: its file, function, line of code and line number (from 1), empty or 0 where none was printed."""

    path: str
    function: str = ""
    source: str = ""
    line: int = 0


def find_frames(text: str) -> Iterator[Frame]:
    """Yield the frames of tracebacks in `text` as Python, pytest and Node print them, the deepest call last."""
    stack: list[Frame] = []
    for printed in text.splitlines():
        line = printed[:_LONGEST].rstrip()
        line = _PREFIX.sub("", line, count=1) if line[:1] in ("E", ">") else line
        if match := _NODE_FRAME.match(line):
            function = (match["function"] or "").rpartition(".")[2]
            stack.append(Frame(match["path"].removeprefix("file://"), function, line=int(match["line"])))
            continue
        # Node prints the deepest call first.
        yield from reversed(stack)
        stack = []
        if (match := PYTHON_FRAME.match(line)) or (match := _PYTEST_FRAME.match(line)):
            yield Frame(match["path"], match["function"] or "", line=int(match["line"]))
    yield from reversed(stack)


def find_deepest_frame(frames: Iterable[Frame]) -> Frame:
    """Return the deepest frame inside the repository, its path relative to it; an empty frame without any.

    Where no frame is known to be inside, the deepest one outside of any library counts by its file's name.
    """
    foreign = Frame("")
    inside = Frame("")
    for frame in frames:
        path = frame.path.removeprefix("file://")
        if _LIBRARY.search(path):
            continue
        if path.startswith("/") and not path.startswith(ROOT):
            foreign = frame._replace(path=path.rpartition("/")[2])
        else:
            inside = frame._replace(path=path.removeprefix(ROOT).removeprefix("./"))
    return inside if inside.path else foreign
