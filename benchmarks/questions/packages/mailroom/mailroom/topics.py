"""Patterns of topics."""


def fits(pattern: str, topic: str) -> bool:
    """Return whether a topic such as `order.paid` fits a pattern: `*` is one word, a last `#` any number."""
    wanted, words = pattern.split("."), topic.split(".")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        if len(words) < len(wanted):
            return False
        words = words[: len(wanted)]
    if len(wanted) != len(words):
        return False
    return all(one in ("*", word) for one, word in zip(wanted, words, strict=True))
