"""Channels."""

from datetime import time

from courier.people.consent import Consent
from courier.people.person import Person


class Channel:
    """A way to reach people."""

    def may_send(self, person: Person, now: time) -> bool:
        """Whether something may be sent to a person."""
        return Consent(person).covers(now)
