"""Apples."""

from orchard.forecast.trees import TreeModel


class AppleModel(TreeModel):
    """Apple trees bear early; every second year is poor."""

    points = ((2.0, 0.0), (6.0, 30.0), (12.0, 45.0))

    def per_tree(self, age: float) -> float:
        """What one tree bears in a year between a good and a poor one."""
        return 0.8 * super().per_tree(age)
