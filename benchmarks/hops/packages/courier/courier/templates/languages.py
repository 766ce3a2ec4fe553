"""Languages."""


def language_of(country: str) -> str:
    """The language in which people of a country get their messages."""
    return {"AT": "de", "DE": "de", "FR": "fr"}.get(country, "en")
