"""Letters to subscribers in arrears."""

from gazette.delivery.reader import Reader


def arrears_letter(reader: Reader, pence: int) -> str:
    """What a subscriber who is in arrears is written before the paper stops coming."""
    return f"Dear {reader.name}, your subscription is in arrears by {pence / 100:.2f}."


def stop_notice(reader: Reader) -> str:
    """What the carrier is told when the delivery to a subscriber stops."""
    return f"No paper for {reader.name}, {reader.street}."
