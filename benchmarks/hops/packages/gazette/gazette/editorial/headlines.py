"""Headlines."""

SMALL = {"a", "an", "and", "at", "in", "of", "on", "the", "to"}


def headline_case(headline: str) -> str:
    """A headline with capitals where the house style wants them."""
    words = headline.split()
    return " ".join(word if at and word in SMALL else word[:1].upper() + word[1:] for at, word in enumerate(words))


def is_too_long(headline: str, limit: int = 70) -> bool:
    """Whether a headline has more letters than the front page has room for."""
    return len(headline) > limit
