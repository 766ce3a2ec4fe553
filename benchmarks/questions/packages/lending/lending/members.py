"""Those who borrow."""

from dataclasses import dataclass

LIMITS = {"adult": 10, "child": 4, "school": 40}


@dataclass
class Member:
    """A member; `owes` is in cents."""

    number: int
    name: str
    group: str = "adult"
    owes: int = 0

    @property
    def limit(self) -> int:
        """How many copies the member may have at once."""
        return LIMITS[self.group]
