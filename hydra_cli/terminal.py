"""The terminal, or what stands in for one: a pipe or a file gets lines that are not folded at 80 columns."""

import sys

from rich.console import Console

_WIDE = 200


def make_console() -> Console:
    """A console for standard output."""
    return Console() if sys.stdout.isatty() else Console(width=_WIDE)
