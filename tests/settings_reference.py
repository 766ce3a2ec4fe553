"""The reference of all settings and `hydra.config.json.example`, written from the settings' own definitions.

`make settings` writes both files.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from hydranet.settings import CONFIG_NAME, REPOSITORY_KEYS, REPOSITORY_LIMITS, Settings

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "settings.md"
EXAMPLE = ROOT / f"{CONFIG_NAME}.example"
HEAD = "| setting | default | what it is |\n| --- | --- | --- |\n"


def render_reference() -> str:
    """Return the reference with its table, the last thing on the page, written anew."""
    prose, _, _ = REFERENCE.read_text().partition(HEAD)
    return prose + HEAD + "\n".join(_list_rows(Settings, read_defaults())) + "\n"


def render_example() -> str:
    """Return a settings file that holds every setting with its default."""
    return json.dumps(read_defaults(), indent=2) + "\n"


def read_defaults() -> dict[str, Any]:
    """Return the default of every setting, whatever the environment says."""
    defaults: dict[str, Any] = json.loads(Settings.model_construct().model_dump_json())
    return defaults | {"data_dir": "~/.local/share/hydranet"}


def _list_rows(model: type[BaseModel], defaults: dict[str, Any], parent: str = "") -> Iterator[str]:
    sentences = read_sentences(model)
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _list_rows(field.annotation, defaults[name], f"{name}.")
        else:
            key = parent + name
            mark = "\\* " if key in REPOSITORY_KEYS else "↓ " if key in REPOSITORY_LIMITS else ""
            yield f"| `{parent}{name}` | `{json.dumps(defaults[name])}` | {mark}{sentences[name]} |"


def read_sentences(model: type[BaseModel]) -> dict[str, str]:
    """Return the strings under the fields of a model and of those it extends, whose own it may replace."""
    sentences = {}
    for part in reversed(model.__mro__):
        if not part.__module__.startswith("hydranet."):
            continue
        definition = ast.parse(inspect.getsource(part)).body[0]
        assert isinstance(definition, ast.ClassDef)
        for pair in pairwise(definition.body):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(sentence))):
                    sentences[name] = " ".join(sentence.split())
    return sentences


if __name__ == "__main__":
    REFERENCE.write_text(render_reference())
    EXAMPLE.write_text(render_example())
