"""Orders to reap a branch."""

from dataclasses import dataclass
from typing import Literal


@dataclass
class ReapOrder:
    """A branch to be reaped, and on what evidence; once that is `done`, `reaped` tells whether it came in time."""

    branch: int
    evidence: str
    cause: Literal["circled", "repeated", "hand"]
    done: bool = False
    reaped: bool = False
