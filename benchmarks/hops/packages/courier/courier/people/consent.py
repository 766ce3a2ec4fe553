"""Consent."""

from datetime import time

from courier.common.arcs import lies_on
from courier.people.person import Person


class Consent:
    """What a person has agreed to."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def covers(self, moment: time) -> bool:
        """Whether the consent covers a moment."""
        return self._person.quiet is None or not lies_on(self._person.quiet, moment)
