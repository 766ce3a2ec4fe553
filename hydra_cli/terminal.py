"""Writing to standard output, which is a terminal, a pipe or a file."""

import sys

from rich.console import Console

from hydranet.text.escaping import escape_controls

_PIPE_COLUMNS = 200
"""The width of a pipe or a file, where lines folded at 80 columns would be hard to read."""


def make_console() -> Console:
    """Return a console for standard output."""
    return Console() if sys.stdout.isatty() else Console(width=_PIPE_COLUMNS)


def print_plain(console: Console, text: str, style: str = "") -> None:
    """Print what a model, a repository or a server wrote: neither the terminal nor Rich obeys it."""
    console.print(escape_controls(text), style=style, markup=False, highlight=False, soft_wrap=True)
