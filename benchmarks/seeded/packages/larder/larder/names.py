"""What ingredients are called."""

_PLURALS = {"tomatoes": "tomato", "potatoes": "potato", "leaves": "leaf", "berries": "berry"}


def singular(word):
    """One of something: `eggs` becomes `egg`."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def normal(name):
    """The name under which an ingredient is kept."""
    words = name.lower().replace("-", " ").split()
    if not words:
        raise ValueError("an ingredient without a name")
    return " ".join([*words[:-1], singular(words[-1])])
