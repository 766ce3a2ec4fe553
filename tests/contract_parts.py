"""The parts of the contract between nodes with a digest of each, which `workers/contract.json` keeps with its version.

`make contract` writes that file, with the next version where a part has changed.
"""

import hashlib
import inspect
import json
import pkgutil
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from temporalio.workflow import _Definition as WorkflowDefinition

import activities
from hydranet import contracts
from hydranet.names import ROLES_BY_QUEUE
from workers.roles import WORKFLOWS

FILE = Path(__file__).parents[1] / "workers" / "contract.json"
# What a schema says to people alone.
_PROSE = ("title", "description")


def digest_parts() -> dict[str, str]:
    """Return a digest of each activity, workflow, message and contract model, by name."""
    return {name: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:12] for name, part in _parts()}


def read_committed() -> dict[str, Any]:
    """Return the committed version and parts."""
    committed: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {"version": 0, "parts": {}}
    return committed


def _parts() -> Iterator[tuple[str, Any]]:
    yield "queues", list(ROLES_BY_QUEUE)
    for name in contracts.__all__:
        model = getattr(contracts, name)
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield name, _describe_type(model)
    for name, function in sorted(find_activities()):
        yield f"activity {name}", _describe_signature(function)
    for workflow in WORKFLOWS:
        definition = WorkflowDefinition.must_from_class(workflow)
        assert definition.name is not None
        yield definition.name, _describe_signature(definition.run_fn)
        messages: dict[str | None, Any] = {**definition.signals, **definition.queries, **definition.updates}
        for message_name, message in messages.items():
            yield f"{definition.name} {message_name}", _describe_signature(message.fn)


def find_activities() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each activity by its name."""
    for module in pkgutil.walk_packages(activities.__path__, "activities."):
        if module.name.startswith("activities.sandbox.inside"):
            continue  # for the interpreter of a sandbox
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name:
                for _, function in inspect.getmembers(kind, inspect.isfunction):
                    if definition := getattr(function, "__temporal_activity_definition", None):
                        yield definition.name, function


def _describe_signature(function: Callable[..., Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(function, include_extras=True)
    return {name: _describe_type(hint) for name, hint in hints.items()}


def _describe_type(hint: Any) -> Any:
    return None if hint is type(None) else _drop_prose(TypeAdapter(hint).json_schema())


def _drop_prose(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_drop_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _drop_prose(item) for key, item in value.items()}
        if name in ("properties", "$defs")
        else _drop_prose(value)
        for name, value in schema.items()
        if name not in _PROSE
    }


if __name__ == "__main__":
    committed, parts = read_committed(), digest_parts()
    version = committed["version"] + (parts != committed["parts"])
    FILE.write_text(json.dumps({"version": version, "parts": parts}, indent=1, sort_keys=True) + "\n")
