"""The bonus at the end of the season."""


def season_bonus(weeks: int, pence: int) -> int:
    """What a picker gets who has stayed for so many weeks."""
    return pence // 20 if weeks >= 8 else 0


def crew_bonus(crates: list[int]) -> int:
    """The bonus of a crew whose pickers have all picked at least fifty crates."""
    return 2500 if crates and min(crates) >= 50 else 0
