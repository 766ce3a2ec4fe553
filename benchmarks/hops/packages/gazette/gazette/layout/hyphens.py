"""Hyphenation: where a word may be cut at the end of a line."""

VOWELS = set("aeiouy")


def cuts(word: str) -> list[int]:
    """The places in a word where a hyphen may cut it, after a vowel and before a consonant."""
    return [
        at
        for at in range(2, len(word) - 2)
        if word[at - 1] in VOWELS and word[at] not in VOWELS and word[at + 1] in VOWELS
    ]


def hyphenated(word: str, room: int) -> tuple[str, str]:
    """A word cut in two so that its first half with a hyphen fits."""
    fitting = [at for at in cuts(word) if at < room]
    return (word[: fitting[-1]] + "-", word[fitting[-1] :]) if fitting else (word, "")
