"""The languages whose files a model is shown and may change: a module each, and one line here."""

from posixpath import splitext

from activities.code.language import Definition, Fault, Import, Language
from activities.code.languages import javascript, python, sql

__all__ = ["LANGUAGES", "Definition", "Fault", "Import", "Language", "find_language"]

LANGUAGES: tuple[Language, ...] = (
    *python.LANGUAGES,
    *javascript.LANGUAGES,
    *sql.LANGUAGES,
)

_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def find_language(path: str) -> Language | None:
    """Return the language of a file by the ending of its name; None for any other."""
    return _BY_SUFFIX.get(splitext(path)[1])
