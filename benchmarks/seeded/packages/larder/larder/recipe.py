"""Recipes: what goes in, and how many it serves."""

from dataclasses import dataclass, field

from larder.names import normal


@dataclass
class Ingredient:
    name: str
    amount: object
    optional: bool = False

    def __post_init__(self):
        self.name = normal(self.name)


@dataclass
class Recipe:
    """A dish for `serves` people; `parts` are recipes made on the way, such as a dough."""

    title: str
    serves: int
    ingredients: list = field(default_factory=list)
    parts: list = field(default_factory=list)

    def scaled(self, people):
        """The recipe for so many people."""
        factor = people / self.serves
        return Recipe(
            self.title,
            people,
            [Ingredient(one.name, one.amount * factor, one.optional) for one in self.ingredients],
            [part.scaled(part.serves * factor) for part in self.parts],
        )

    def flat(self):
        """All ingredients, those of the parts too."""
        found = list(self.ingredients)
        for part in self.parts:
            found.extend(part.flat())
        return found

    def needs(self, with_optional=True):
        """By name, how much of each ingredient goes in."""
        totals = {}
        for one in self.flat():
            if one.optional and not with_optional:
                continue
            totals[one.name] = totals[one.name] + one.amount if one.name in totals else one.amount
        return totals
