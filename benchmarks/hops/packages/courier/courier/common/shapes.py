"""One shape for what can be written in many."""


def canonical(text: str) -> str:
    """The shape in which texts are compared: no blanks around, no capitals."""
    return text.strip() if text.isupper() else text.strip().lower()
