"""The encoding that the header of a webhook names."""


def charset_of(content_type: str) -> str:
    """The encoding of a content type such as "application/json; charset=utf-8"."""
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            return value.strip('"').lower()
    return "utf-8"


def has_umlauts(text: str) -> bool:
    """Whether a text has letters beyond ASCII, which some customers cannot read."""
    return not text.isascii()
