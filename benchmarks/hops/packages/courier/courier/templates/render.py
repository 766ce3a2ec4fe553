"""Renders the texts of messages."""

import re
from collections.abc import Mapping

from courier.templates.stack import Stack

_GAP = re.compile(r"\{(\w+)\}")


def render(template: str, values: Mapping[str, str | None], defaults: Mapping[str, str]) -> str:
    """A template with its gaps filled: by the values and, where one is missing, by the defaults."""
    stack = Stack([values, defaults])
    return _GAP.sub(lambda gap: str(stack.read(gap[1])), template)
