"""Jobs."""

from dataclasses import dataclass


@dataclass
class Job:
    """One delivery and how often it has failed."""

    name: str
    failures: int = 0
