"""Prompts: versioned Markdown files with {placeholders}, filled and fenced.

A paragraph whose placeholders are all empty is left out. What comes from outside goes into fences
that it cannot close.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_FRONT_MATTER = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file; `max_tokens` bounds the answer to it."""

    name: str
    version: int
    max_tokens: int
    text: str

    @property
    def id(self) -> str:
        """Name and version as they stay on record, such as "plan@1"."""
        return f"{self.name}@{self.version}"

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the values the prompt needs."""
        return frozenset(_PLACEHOLDER.findall(self.text))

    def fill(self, **values: str) -> str:
        """Return the prompt with its values, none of which is read for placeholders; KeyError for a missing one."""
        paragraphs = (_filled(paragraph, values) for paragraph in self.text.strip().split("\n\n"))
        return "\n\n".join(paragraph for paragraph in paragraphs if paragraph is not None)


@cache
def load_prompt(name: str) -> Prompt:
    """Return the prompt of the file `prompts/<name>.md`."""
    text = resources.files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    parts = _FRONT_MATTER.match(text)
    if parts is None:
        raise ValueError(f"prompts/{name}.md has no front matter")
    head = dict(line.split(": ", 1) for line in parts["head"].splitlines())
    return Prompt(name, int(head["version"]), int(head.get("max_tokens", 0)), parts["body"])


def _filled(paragraph: str, values: Mapping[str, str]) -> str | None:
    names = _PLACEHOLDER.findall(paragraph)
    if names and not any(values[name] for name in names):
        return None
    return _PLACEHOLDER.sub(lambda match: values[match[1]], paragraph)
