"""The measure: what fits into so much room."""


def measured(text: str, room: int) -> list[str]:
    """Pieces of a text that fit into the room; what stands together stays together where it can."""
    pieces, left = [], text.strip()
    while len(left) > room:
        at = left.find(" ", room - 4, room + 1)
        at = at if at > 0 else room
        pieces.append(left[:at])
        left = left[at:].strip()
    return [*pieces, left] if left else pieces
