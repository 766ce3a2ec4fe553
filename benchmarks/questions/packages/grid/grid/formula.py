"""Formulas: what they use, and what they come to."""

from collections.abc import Callable

from grid.functions import FUNCTIONS, Value
from grid.refs import Ref, cells_between, parse_ref
from grid.tokens import BadFormula, Token, tokenize

Lookup = Callable[[str], Value]


class Formula:
    """A formula, read once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text.removeprefix("="))
        self.uses = self._used()

    def _used(self) -> set[str]:
        used: set[str] = set()
        for at, token in enumerate(self.tokens):
            if token.kind != "ref":
                continue
            used.add(parse_ref(token.text).cell)
            if at >= 2 and self.tokens[at - 1].text == ":":
                used.update(cells_between(parse_ref(self.tokens[at - 2].text), parse_ref(token.text)))
        return used

    def value(self, lookup: Lookup) -> Value:
        """Return what the formula comes to, the values of cells given."""
        reader = _Reader(self.tokens, lookup)
        result = reader.sum()
        if reader.rest:
            raise BadFormula(f"{self.text} goes on after its end")
        return result

    def moved(self, columns: int, rows: int) -> str:
        """Return the formula as it is after it was copied so many columns to the right and rows down."""
        parts = []
        for token in self.tokens:
            text = token.text
            if token.kind == "ref":
                text = parse_ref(text).moved(columns, rows).text
            parts.append(token.space + text)
        return "=" + "".join(parts)


class _Reader:
    """Works a formula out while it is read."""

    def __init__(self, tokens: list[Token], lookup: Lookup) -> None:
        self.rest = list(tokens)
        self._lookup = lookup

    def _next(self, *texts: str) -> str | None:
        if self.rest and self.rest[0].text in texts:
            return self.rest.pop(0).text
        return None

    def sum(self) -> Value:
        value = self._product()
        while sign := self._next("+", "-"):
            other = _number(self._product())
            value = _number(value) + other if sign == "+" else _number(value) - other
        return value

    def _product(self) -> Value:
        value = self._single()
        while sign := self._next("*", "/"):
            other = _number(self._single())
            value = _number(value) * other if sign == "*" else _number(value) / other
        return value

    def _single(self) -> Value:
        if self._next("-"):
            return -_number(self._single())
        if self._next("("):
            value = self.sum()
            self._close()
            return value
        if not self.rest:
            raise BadFormula("a formula ends too early")
        token = self.rest.pop(0)
        if token.kind == "number":
            return float(token.text)
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "ref":
            return self._lookup(parse_ref(token.text).cell)
        if token.text.upper() in FUNCTIONS and self._next("("):
            return FUNCTIONS[token.text.upper()](self._arguments())
        raise BadFormula(f"{token.text} is not known")

    def _arguments(self) -> list[Value]:
        values: list[Value] = []
        while True:
            if len(self.rest) > 2 and self.rest[0].kind == "ref" and self.rest[1].text == ":":
                first, last = self._corner(), self._corner()
                values += [self._lookup(cell) for cell in cells_between(first, last)]
            else:
                values.append(self.sum())
            if not self._next(","):
                break
        self._close()
        return values

    def _corner(self) -> Ref:
        ref = parse_ref(self.rest.pop(0).text)
        self._next(":")
        return ref

    def _close(self) -> None:
        if not self._next(")"):
            raise BadFormula("a bracket is not closed")


def _number(value: Value) -> float:
    if value is None:
        return 0
    if isinstance(value, str):
        raise BadFormula(f"{value!r} is not a number")
    return value
