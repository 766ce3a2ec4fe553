"""Python sources of anybody's, as trees of this interpreter's grammar: what cannot be read is no error."""

import ast
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# The filters of warnings belong to the process, and sources are read in several threads.
_filters = threading.Lock()


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Keep what Python warns of in a source, such as an invalid escape, from being told or raised."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parse_source(text: str) -> ast.Module | None:
    """Return the syntax tree of a source, or None when it cannot be parsed for whatever reason."""
    with ignore_warnings():
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
