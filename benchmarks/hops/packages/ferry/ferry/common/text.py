"""Text of fixed width."""


def fitted(text: str, width: int) -> str:
    """A text cut or filled up to a width."""
    return text[:width].ljust(width)


def listed(words: list[str]) -> str:
    """Words as a sentence lists them."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
