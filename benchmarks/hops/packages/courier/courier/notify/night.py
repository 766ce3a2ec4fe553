"""The night report of the operations desk."""


def night_report(sent: dict[int, int]) -> str:
    """How many text messages were sent in each hour of the night, by hour."""
    hours = [*range(22, 24), *range(6)]
    return ", ".join(f"{hour:02d}h: {sent.get(hour, 0)}" for hour in hours)
