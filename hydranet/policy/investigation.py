"""Investigation: what a model asks to see before it writes code, as a command line for the sandbox.

A model names a tool and its arguments in one line:
`read_file PATH [FIRST [LAST]]`, `list_dir [PATH]`, `search TEXT [PATH]`, `run COMMAND`.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import Line

LIMIT = 4
"""The most commands that an attempt may ask for, whatever the settings say."""

Asked = Annotated[tuple[Line, ...], Field(max_length=LIMIT)]
"""The commands of one attempt as a model wrote them."""

_LINES = 60
_ENTRIES = 60
_MATCHES = 30


def parse_command(line: str) -> str:
    """Return the command line of a model's line, which may call a tool or be a command itself."""
    tool, _, rest = line.strip().partition(" ")
    if tool == "run":
        return rest.strip()
    try:
        return _TOOLS[tool](shlex.split(rest)) if tool in _TOOLS else line.strip()
    except (ValueError, IndexError):
        # The guard refuses what cannot be read.
        return line.strip()


def _read_file(words: Sequence[str]) -> str:
    path, first, last = words[0], _parse_number(words, 1, 1), _parse_number(words, 2, 0)
    last = min(last or first + _LINES - 1, first + _LINES - 1)
    return f"cat -n -- {shlex.quote(path)} | sed -n {first},{last}p"


def _list_dir(words: Sequence[str]) -> str:
    return f"ls -1Ap -- {shlex.quote(words[0] if words else '.')} | head -n {_ENTRIES}"


def _search(words: Sequence[str]) -> str:
    text, path = words[0], shlex.quote(words[1] if len(words) > 1 else ".")
    # A text to search for may look like a path. With ls the guard sees the path, and the model whether it exists.
    return f"ls -d -- {path} > /dev/null && grep -rnIF -e {shlex.quote(text)} -- {path} | head -n {_MATCHES}"


def _parse_number(words: Sequence[str], place: int, default: int) -> int:
    return int(words[place]) if len(words) > place and words[place].isdecimal() else default


_TOOLS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "read_file": _read_file,
    "list_dir": _list_dir,
    "search": _search,
}
