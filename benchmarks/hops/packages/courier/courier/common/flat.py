"""Flat forms."""


def flattened(content: bytes) -> bytes:
    """A content without line ends."""
    return content.replace(b"\r", b"").replace(b"\n", b"").decode("ascii", "ignore").encode()
