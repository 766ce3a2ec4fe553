"""Articles."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Article:
    """One version of an article; a correction has the same slug and a later version."""

    slug: str
    headline: str
    day: date
    version: int = 1
    body: str = ""
