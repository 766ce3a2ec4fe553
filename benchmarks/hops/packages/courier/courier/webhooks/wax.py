"""What is pressed on an envelope."""

from courier.common.flat import flattened


def wax(content: bytes) -> bytes:
    """The content in the form that is sealed."""
    return flattened(content)
