"""Greetings."""


def greeting(name: str, hour: int) -> str:
    """How a message to a person begins; without a name it is more general."""
    day = "Good morning" if hour < 12 else "Good evening" if hour >= 18 else "Hello"
    return f"{day}, {name}" if name else day
