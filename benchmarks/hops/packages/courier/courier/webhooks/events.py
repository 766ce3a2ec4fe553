"""Events."""


def parcel_event(number: str, step: str, city: str) -> dict[str, str]:
    """What a customer's program is told of a parcel."""
    return {"parcel": number, "step": step, "city": city}
