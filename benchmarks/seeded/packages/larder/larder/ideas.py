"""What could be cooked from what is there."""

from larder.shopping import missing


def possible(recipes, stock, people, day=0):
    """The recipes for which nothing has to be bought."""
    return [
        recipe.title
        for recipe in recipes
        if not missing(recipe.scaled(people).needs(with_optional=False), stock, day)
    ]


def suggestions(recipes, stock, day, count=3):
    """The recipes that use most of what is about to expire; those that use none are left out."""
    expiring = stock.expiring(day)
    rated = []
    for recipe in recipes:
        used = [name for name in expiring if name in recipe.needs()]
        if used:
            rated.append((-len(used), recipe.title))
    return [title for _, title in sorted(rated)][:count]
