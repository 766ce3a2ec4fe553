"""The list of photographers that is printed on the last page."""


def credits_line(photographers: list[str]) -> str:
    """The credit of all photographers of an edition, each once."""
    return "Photos: " + ", ".join(sorted(set(photographers)))
