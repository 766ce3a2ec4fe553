"""The languages of the code graph: a module each, and one line here."""

from collections.abc import Callable
from pathlib import PurePosixPath

from activities.retrieval.file_facts import FileFacts
from activities.retrieval.languages import python, sql, typescript

_LANGUAGES: dict[str, Callable[[bytes], FileFacts]] = {
    ".py": python.parse,
    ".pyi": python.parse,
    ".ts": typescript.parse,
    ".mts": typescript.parse,
    ".cts": typescript.parse,
    ".tsx": typescript.parse_jsx,
    ".sql": sql.parse_sql,
    # The grammar with JSX takes JavaScript too.
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), typescript.parse_jsx),
}

SUFFIXES = frozenset(_LANGUAGES)
"""The endings of the files that some language takes."""


def parse_file(path: str, source: bytes) -> FileFacts | None:
    """Return the facts of a file by the language that its name says; None when no language takes it.

    Any bytes are taken: what is no syntax of the language is passed over.
    """
    language = _LANGUAGES.get(PurePosixPath(path).suffix)
    return language(source) if language else None
