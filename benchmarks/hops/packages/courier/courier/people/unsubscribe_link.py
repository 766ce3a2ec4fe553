"""The link to unsubscribe at the end of a newsletter."""

from urllib.parse import quote


def unsubscribe_link(address: str) -> str:
    """The link by which an address is unsubscribed."""
    return f"https://courier.example/unsubscribe?address={quote(address)}"


def unsubscribe_footer(address: str) -> str:
    """The last lines of a newsletter."""
    return f"You no longer want this newsletter? Unsubscribe: {unsubscribe_link(address)}"
