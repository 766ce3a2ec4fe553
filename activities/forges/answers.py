"""What the answers of forges hold, whatever else a server writes in its place."""

from __future__ import annotations

from typing import Any, NamedTuple

from hydranet.errors import UsageError


class Comment(NamedTuple):
    """A comment on an issue."""

    author: str
    body: str


class ForgeIssue(NamedTuple):
    """An issue without its comments; `comments` counts them, where the server does."""

    title: str
    body: str
    comments: Any = None


def read_text(holder: dict[str, Any], *names: str) -> str:
    """Return the text that lies below these names, empty where none does."""
    value: Any = holder
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def read_object(value: Any) -> dict[str, Any]:
    """Return a JSON object; UsageError for anything else."""
    if not isinstance(value, dict):
        raise UsageError("The forge sent an answer of another form than its kind does: check which server answers.")
    return value


def read_objects(value: Any) -> list[dict[str, Any]]:
    """Return a JSON list of objects; UsageError for anything else."""
    if not isinstance(value, list):
        raise UsageError("The forge sent an answer of another form than its kind does: check which server answers.")
    return [read_object(item) for item in value]
