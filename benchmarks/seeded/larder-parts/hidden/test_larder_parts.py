from larder.recipe import Ingredient, Recipe
from larder.units import Amount


def test_parts_of_parts_are_scaled_too():
    base = Recipe("base", 2, [Ingredient("salt", Amount(2, "g"))])
    middle = Recipe("middle", 4, [Ingredient("flour", Amount(100, "g"))], [base])
    top = Recipe("top", 4, [Ingredient("egg", Amount(1))], [middle])
    needs = top.scaled(8).needs()
    assert needs["salt"] == Amount(4, "g")
    assert needs["flour"] == Amount(200, "g")
    assert top.needs()["salt"] == Amount(2, "g")


def test_a_part_for_fewer_than_the_dish():
    sauce = Recipe("sauce", 2, [Ingredient("cream", Amount(100, "ml"))])
    dish = Recipe("dish", 4, [], [sauce])
    assert dish.scaled(2).needs()["cream"] == Amount(50, "ml")
