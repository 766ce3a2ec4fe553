"""The one writer for terminals, pipes and files: all that a command prints goes through here.

What a model, a repository, a tool or a server wrote is shown and never obeyed. The only escape sequences that come
out are styles and movements of the cursor that HydraNet asks for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

from hydranet.text.escaping import escape_controls, escape_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_PIPE_COLUMNS = 200
"""The width of a pipe or a file, where lines folded at 80 columns would be hard to read."""


def write_line(text: str = "", *, error: bool = False) -> None:
    """Write a line, or several, to standard output, or to standard error."""
    _write(f"{escape_controls(text)}\n", sys.stderr if error else sys.stdout)


def read_line(prompt: str) -> str:
    """Ask for a line at the terminal; empty where it is closed."""
    try:
        return input(prompt)
    except EOFError:
        return ""


def write_json(document: Any, indent: int | None = None) -> None:
    """Write a document as JSON, with escapes for what would steer a terminal."""
    import json

    write_json_text(json.dumps(document, ensure_ascii=False, indent=indent))


def write_json_text(text: str) -> None:
    """Write what is JSON already, with escapes for what would steer a terminal."""
    _write(f"{escape_json(text)}\n", sys.stdout)


def write_failure(error: BaseException) -> None:
    """Write the traceback of an error that nobody foresaw."""
    import traceback

    write_line("".join(traceback.format_exception(error)).rstrip("\n"), error=True)


def plain(text: str, style: str = "") -> Text:
    """Return a text for a table or a tree, as wide as it will be on the screen."""
    from rich.text import Text

    return Text(escape_controls(text), style)


def choose_diff_style(line: str) -> str:
    """Return the style of a line of a unified diff, in the usual colours."""
    if line.startswith(("diff ", "--- ", "+++ ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def is_interactive() -> bool:
    """Return whether a person is at a terminal, who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def make_console(*, error: bool = False) -> Console:
    """Return a console of Rich for standard output, or for standard error."""
    from hydra_cli.console import SafeConsole

    stream = sys.stderr if error else sys.stdout
    return SafeConsole(stderr=error) if stream.isatty() else SafeConsole(stderr=error, width=_PIPE_COLUMNS)


def print_plain(console: Console, text: str, style: str = "") -> None:
    """Print a text as it is, whatever of it looks like the markup of Rich."""
    console.print(escape_controls(text), style=style, markup=False, highlight=False, soft_wrap=True)


def guard_streams() -> None:
    """Let standard output and standard error take what they cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        # The other error handlers write a lone surrogate as the byte that it stands for, or raise.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def guard_logs() -> None:
    """Let what a library logs go through the writer."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write_line(self.format(record), error=True)

    logging.lastResort = Handler(logging.WARNING)


def _write(text: str, stream: TextIO) -> None:
    stream.write(text)
    stream.flush()
