"""Formulas cut into tokens."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<ref>\$?[A-Za-z]+\$?[1-9][0-9]*)|(?P<name>[A-Za-z]+)"
    r"|(?P<text>\"[^\"]*\")|(?P<sign><=|>=|<>|[-+*/(),:<>=]))"
)


class BadFormula(ValueError):
    """A formula that cannot be read."""


@dataclass(frozen=True)
class Token:
    """A piece of a formula: its kind, its text, and the spaces before it."""

    kind: str
    text: str
    space: str = ""


def tokenize(formula: str) -> list[Token]:
    """Return the tokens of a formula without its `=`; BadFormula where it cannot be cut."""
    tokens = []
    at = 0
    rest = formula.rstrip()
    while at < len(rest):
        match = _TOKEN.match(rest, at)
        if match is None or match.lastgroup is None:
            raise BadFormula(f"{formula} cannot be read from {rest[at:]!r} on")
        start = match.start(match.lastgroup)
        tokens.append(Token(match.lastgroup, match[match.lastgroup], rest[at:start]))
        at = match.end()
    return tokens
