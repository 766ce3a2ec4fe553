"""What a tree bears."""

from orchard.forecast.curve import Curve


class TreeModel(Curve):
    """Kilograms by the age of a tree in years."""

    def per_tree(self, age: float) -> float:
        """What one tree of an age bears."""
        return self.at(age)

    def crop(self, age: float, trees: int) -> float:
        """What so many trees bear."""
        return trees * self.per_tree(age)
