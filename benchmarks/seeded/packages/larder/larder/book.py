"""A cookbook read from text."""

import re

from larder.recipe import Ingredient, Recipe
from larder.units import UNITS, Amount

_TITLE = re.compile(r"^# (?P<title>.+?) \((?P<serves>\d+)\)$")
_FRACTIONS = {"1/2": 0.5, "1/4": 0.25, "3/4": 0.75, "1/3": 1 / 3}


def parse_number(text):
    if text in _FRACTIONS:
        return _FRACTIONS[text]
    return float(text)


def parse_ingredient(line):
    """Read `- 1/2 cup sugar` or `- 3 eggs`; a question mark in the end makes it optional."""
    text = line.lstrip("- ").strip()
    optional = text.endswith("?")
    words = text.rstrip("?").split()
    number = parse_number(words[0])
    if words[1] in UNITS and len(words) > 2:
        return Ingredient(" ".join(words[2:]), Amount(number, words[1]), optional)
    return Ingredient(" ".join(words[1:]), Amount(number), optional)


def parse_book(text):
    """By title, the recipes of a book; `+ Dough` names a part that stands before it."""
    recipes = {}
    recipe = None
    for line in text.splitlines():
        line = line.strip()
        title = _TITLE.match(line)
        if title:
            recipe = Recipe(title["title"], int(title["serves"]))
            recipes[recipe.title] = recipe
        elif line.startswith("+"):
            recipe.parts.append(recipes[line[1:].strip()])
        elif line.startswith("-"):
            recipe.ingredients.append(parse_ingredient(line))
    return recipes
