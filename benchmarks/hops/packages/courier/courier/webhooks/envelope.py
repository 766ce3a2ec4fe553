"""Envelopes."""

import json
from hashlib import sha256
from hmac import new

from courier.webhooks.wax import wax


class Envelope:
    """An event with its seal."""

    def __init__(self, secret: str, event: dict[str, str]) -> None:
        self._secret = secret.encode()
        self.body = json.dumps(event, ensure_ascii=False, sort_keys=True).encode()

    @property
    def seal(self) -> str:
        """What shows that nobody has opened the envelope."""
        return new(self._secret, wax(self.body), sha256).hexdigest()
