"""Finds values that are missing before a template is used."""

import re
from collections.abc import Mapping


def missing_values(template: str, values: Mapping[str, str]) -> list[str]:
    """The names in a template for which there is no value."""
    return [name for name in re.findall(r"\{(\w+)\}", template) if name not in values]


def default_name(language: str) -> str:
    """What a message says in place of a name that is missing."""
    return {"de": "Kundin oder Kunde", "fr": "Madame, Monsieur"}.get(language, "customer")
