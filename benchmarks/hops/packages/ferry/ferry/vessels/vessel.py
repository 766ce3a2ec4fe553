"""Vessels."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Vessel:
    """A boat with its lanes for vehicles and what it may carry, in tonnes."""

    name: str
    lanes: int
    tonnes: float
