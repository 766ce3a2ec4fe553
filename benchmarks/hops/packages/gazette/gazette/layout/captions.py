"""Rules for captions."""

LONGEST = 120


def caption_problems(caption: str) -> list[str]:
    """What the picture desk would say of a caption."""
    found = []
    if len(caption) > LONGEST:
        found.append("The caption is too long.")
    if not caption.endswith("."):
        found.append("The caption has no full stop.")
    return found
