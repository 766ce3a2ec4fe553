"""The tables and columns that an SQL statement names, also one in a string of another language."""

import re
from itertools import pairwise

_STATEMENT = re.compile(r"[\s(]*(?:select|insert|update|delete|create|alter|drop|with|merge|replace|truncate)\b", re.I)
_BEFORE_TABLE = frozenset({"from", "join", "into", "update", "table", "references", "on", "only", "truncate"})
_BETWEEN = frozenset({"if", "not", "exists", "only"})
_NO_TABLES = frozenset({"set", "select", "values", "delete", "update", "conflict", "duplicate", "where", "lateral"})
_WORD = re.compile(r"[\"'`\[]?([A-Za-z_][\w.]*)[\"'`\]]?|[(),;]")
_NAME = re.compile(r"[A-Za-z_]\w{2,59}")
_LONGEST = 4000
# Of one statement: tables whose columns are looked for, and words that may be columns.
_TABLES, _COLUMNS = 3, 40


def starts_statement(text: str) -> bool:
    """Return whether a text begins as an SQL statement does."""
    return _STATEMENT.match(text) is not None


def list_mentioned(text: str) -> list[str]:
    """Return the tables that a statement or a part of one names, and its words as columns of them: `users.email`."""
    words = [match[1] or match[0] for match in _WORD.finditer(text[:_LONGEST])]
    tables: dict[str, None] = {}
    for before, word in pairwise(word for word in words if word.lower() not in _BETWEEN):
        name = word.rpartition(".")[2]
        # What joins tables is a column of one.
        is_condition = before.lower() == "on" and "." in word
        if word.lower() in _NO_TABLES or is_condition:
            continue
        if before.lower() in _BEFORE_TABLE and _NAME.fullmatch(name):
            tables[name] = None
    columns = dict.fromkeys(word.rpartition(".")[2] for word in words if word.lower() not in _BEFORE_TABLE)
    names = [name for name in columns if name not in tables and re.fullmatch(r"[A-Za-z_]\w{0,59}", name)]
    return [*tables, *(f"{table}.{name}" for table in list(tables)[:_TABLES] for name in names[:_COLUMNS])]
