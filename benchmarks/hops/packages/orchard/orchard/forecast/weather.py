"""The weather forecast that the farm gets by mail."""


def rain_of(forecast: str) -> float:
    """The millimetres of rain that a line such as "Mon 12C 3.5mm" promises."""
    word = forecast.split()[-1]
    return float(word.removesuffix("mm"))
