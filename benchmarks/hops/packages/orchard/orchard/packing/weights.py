"""Weights as the trade wants them on a label."""


def pounds(kilograms: float) -> float:
    """A weight in pounds."""
    return round(kilograms / 0.45359237, 1)


def label_weight(kilograms: float, country: str) -> str:
    """The weight of a crate as it is labelled for a country."""
    return f"{pounds(kilograms)} lb" if country == "US" else f"{kilograms:.1f} kg"
