"""The commands by name. Each is loaded when it is asked for, since what the others import would delay it."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup

_MODULES = {
    "fix": "fix",
    "runs": "runs",
    "show": "runs",
    "report": "report",
    "log": "log",
    "models": "models",
    "pause": "control",
    "resume": "control",
    "abort": "control",
    "override": "control",
    "reap": "control",
    "approve": "control",
    "reject": "control",
    "index": "index",
    "index-status": "index_status",
    "retrieve": "retrieve",
    "ast-graph": "graph",
    "path": "graph",
    "up": "stack",
    "down": "stack",
    "setup-temporal": "setup_temporal",
    "score": "score",
    "bench": "bench.runner",
}
"""The module of `hydra_cli` that has the function of a command's name."""


class Commands(TyperGroup):
    """A group of all commands."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = cast(MutableMapping[str, Any], _Commands())


class _Commands(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        module = import_module(f"hydra_cli.{_MODULES[name]}")
        command = typer.Typer(add_completion=False)
        command.command()(getattr(module, name.replace("-", "_")))
        return typer.main.get_command(command)

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)
