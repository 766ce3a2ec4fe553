"""Messages."""

import math
from dataclasses import dataclass, field, replace


@dataclass
class Message:
    """A message; `failures` counts how often it was taken for nothing, `not_before` is when a rest is over."""

    topic: str
    body: str
    priority: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    number: int = 0
    failures: int = 0
    not_before: float = -math.inf

    def copy(self) -> "Message":
        """Return a message of its own with the same content, the headers included."""
        return replace(self, headers=dict(self.headers))
