"""Posts events to the programs of customers."""

from courier.webhooks.envelope import Envelope


def webhook(secret: str, event: dict[str, str]) -> tuple[bytes, str]:
    """The body of a webhook and the signature of its header, which is over the body as it is sent."""
    envelope = Envelope(secret, event)
    return envelope.body, envelope.seal
