"""What becomes of a message that failed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retries:
    """So many failures are borne; the first rest lasts `first` seconds, each further one `factor` times as long."""

    most: int = 3
    first: float = 5.0
    factor: float = 2.0
    longest: float = 600.0

    def rest(self, failures: int) -> float:
        """Return how long a message rests after so many failures, in seconds."""
        return min(self.first * self.factor ** (failures - 1), self.longest)

    def gives_up(self, failures: int) -> bool:
        """Return whether a message with so many failures is a dead letter."""
        return failures > self.most
