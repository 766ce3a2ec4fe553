"""Every activity is registered with the worker of its role: else its step would wait for ever."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def list_activities() -> Iterator[str]:
    """Yield the names of the methods that are defined as activities."""
    for path in [*sorted((ROOT / "activities").rglob("activities.py")), ROOT / "activities/artifacts/records.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and any(
                ast.unparse(decorator).startswith("activity.defn") for decorator in node.decorator_list
            ):
                yield node.name


def test_every_activity_is_registered() -> None:
    registered = set(re.findall(r"\.(\w+),?\n", (ROOT / "workers" / "roles.py").read_text()))
    registered |= set(re.findall(r"\)\.(\w+),", (ROOT / "workers" / "roles.py").read_text()))
    names = set(list_activities())
    assert len(names) > 20
    assert names - registered == set()
