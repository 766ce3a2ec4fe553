"""Investigation: what a model asks to see before it writes code, as a command line of the sandbox.

A model names a tool and what it is about, in one line:
`read_file PATH [FIRST [LAST]]`, `list_dir [PATH]`, `search TEXT [PATH]`, `run COMMAND`.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import Line

LIMIT = 4
"""How many commands an attempt may ask for at most, whatever the settings say."""

Asked = Annotated[tuple[Line, ...], Field(max_length=LIMIT)]
"""What one attempt asks to see, each as a model wrote it."""

_LINES = 60
_ENTRIES = 60
_MATCHES = 30


def parse_command(asked: str) -> str:
    """The command line of what a model asked for; anything but a tool is taken as a command itself."""
    tool, _, rest = asked.strip().partition(" ")
    if tool == "run":
        return rest.strip()
    try:
        return _TOOLS[tool](shlex.split(rest)) if tool in _TOOLS else asked.strip()
    except (ValueError, IndexError):
        # For the guard, which refuses what cannot be read.
        return asked.strip()


def _read_file(words: Sequence[str]) -> str:
    path, first, last = words[0], _number(words, 1, 1), _number(words, 2, 0)
    last = min(last or first + _LINES - 1, first + _LINES - 1)
    return f"cat -n -- {shlex.quote(path)} | sed -n {first},{last}p"


def _list_dir(words: Sequence[str]) -> str:
    return f"ls -1Ap -- {shlex.quote(words[0] if words else '.')} | head -n {_ENTRIES}"


def _search(words: Sequence[str]) -> str:
    text, path = words[0], shlex.quote(words[1] if len(words) > 1 else ".")
    # What grep is given may be a text that looks like a path; ls shows the guard, and the model, the one that is.
    return f"ls -d -- {path} > /dev/null && grep -rnIF -e {shlex.quote(text)} -- {path} | head -n {_MATCHES}"


def _number(words: Sequence[str], place: int, default: int) -> int:
    return int(words[place]) if len(words) > place and words[place].isdecimal() else default


_TOOLS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "read_file": _read_file,
    "list_dir": _list_dir,
    "search": _search,
}
