"""Mail addresses."""


def is_address(text: str) -> bool:
    """Whether a text looks like a mail address."""
    name, _, host = text.partition("@")
    return bool(name) and "." in host


def hidden_address(address: str) -> str:
    """An address as it is shown to strangers."""
    name, _, host = address.partition("@")
    return f"{name[:1]}***@{host}"
