"""Text messages."""

from datetime import time

from courier.notify.channel import Channel
from courier.people.person import Person


class Sms(Channel):
    """Sends text messages, one for 160 letters."""

    LENGTH = 160

    def send(self, person: Person, text: str, now: time) -> list[str]:
        """The text messages that go out now: none while the person has quiet hours."""
        if not self.may_send(person, now):
            return []
        return [text[start : start + self.LENGTH] for start in range(0, len(text), self.LENGTH)]
