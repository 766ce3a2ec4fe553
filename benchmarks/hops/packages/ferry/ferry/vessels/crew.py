"""Crews."""


def crew_for(passengers: int, vehicles: int) -> int:
    """How many people a crossing needs on board."""
    return 4 + passengers // 50 + vehicles // 40
