"""The forecast of a harvest."""

from orchard.forecast.apple import AppleModel
from orchard.forecast.pear import PearModel

MODELS = {"apple": AppleModel(), "pear": PearModel()}


def harvest_forecast(variety: str, age: float, trees: int) -> int:
    """The harvest that is to be expected, in kilograms."""
    return round(MODELS[variety].crop(age, trees))
