"""The names of files and symbols in a text that somebody wrote."""

import re

PATH = re.compile(r"[\w./@-]{1,300}\.(?:py|[cm]?[jt]sx?|sql)\b")
"""The path of a file with code."""

PLACE = re.compile(rf"(?P<path>{PATH.pattern}):(?P<line>\d{{1,7}})(?!\d)")
"""A line of such a file, as in `auth.ts:47`."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,80}")


def find_named_symbols(text: str) -> set[str]:
    """Return the words of a text that look like code: quoted, called, with an underscore or an inner capital."""
    quoted = " ".join(re.findall(r"`([^`\n]{1,200})`", text))
    called = re.findall(r"([A-Za-z_]\w{1,80})\(", text)
    shaped = [word for word in _NAME.findall(text) if "_" in word.strip("_") or re.search(r"[a-z][A-Z]", word)]
    return {*_NAME.findall(quoted), *called, *shaped}


def names_code(text: str) -> bool:
    """Return whether a text names a file with code, or a word that looks like code."""
    return bool(PATH.search(text) or find_named_symbols(text))
