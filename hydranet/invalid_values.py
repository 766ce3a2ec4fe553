"""What is wrong with a value that does not fit its model, in words for the person who wrote it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_LIMIT = 200

# By pydantic's names for what may be wrong; what stands in braces is in the error's context.
_SENTENCES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "json_invalid": "is no JSON",
    "json_type": "is no JSON",
    "none_required": "must be null",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "may have {max_length} characters at most",
    "string_pattern_mismatch": "has characters or a form that it may not have",
    "too_short": "needs at least {min_length} entries",
    "too_long": "may have {max_length} entries at most",
    "value_error": "is refused: {error}",
    "assertion_error": "is refused: {error}",
}

_KINDS: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "a text",
    "bytes": "a text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen": "a list",
    "dict": "an object",
    "mapping": "an object",
    "model": "an object",
    "path": "a path",
    "datetime": "a date with a time",
}


def name_field(error: ValidationError) -> str:
    """Return the field of the first thing that is wrong, as in `budget.seconds`; empty for the value as a whole."""
    # A union's alternatives stand in the place as well, such as "str" or "function-after[...]".
    parts = [str(part) for part in error.errors(include_url=False)[0]["loc"]]
    return ".".join(part for part in parts if "[" not in part)[:_LIMIT]


def explain_value(error: ValidationError) -> str:
    """Return what the first wrong field has to be, as in "must be a whole number"; it does not repeat the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    kind: str = first["type"]
    if sentence := _SENTENCES.get(kind):
        return sentence.format_map(_Context(first.get("ctx", {})))[:_LIMIT]
    return f"must be {_KINDS.get(kind.partition('_')[0], 'of another kind')}"


def explain_field(error: ValidationError) -> str:
    """Return the first field that is wrong and what it has to be."""
    name = name_field(error)
    return f"'{name}' {explain_value(error)}" if name else f"it {explain_value(error)}"


class _Context(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "what it should"
