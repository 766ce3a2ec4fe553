"""What has to be bought for a plan of meals."""

from larder.units import show


def missing(needs, stock, day=0):
    """By name, what the stock does not hold of some needs."""
    found = {}
    for name, amount in needs.items():
        have = stock.amount(name, day)
        if have is None:
            found[name] = amount
        elif not have.covers(amount):
            found[name] = amount - have
    return found


def total_needs(meals):
    """All needs of (recipe, people) pairs together."""
    totals = {}
    for recipe, people in meals:
        for name, amount in recipe.scaled(people).needs().items():
            totals[name] = totals[name] + amount if name in totals else amount
    return totals


def shopping_list(meals, stock, day=0):
    """Rows such as `egg: 3`, by name."""
    wanted = missing(total_needs(meals), stock, day)
    return [f"{name}: {show(amount)}" for name, amount in sorted(wanted.items())]


def cook(recipe, people, stock, day=0):
    """Take a meal's ingredients from the stock; what is optional only where it is there."""
    scaled = recipe.scaled(people)
    for name, amount in scaled.needs(with_optional=False).items():
        stock.take(name, amount, day)
    for one in scaled.flat():
        have = stock.amount(one.name, day)
        if one.optional and have is not None and have.covers(one.amount):
            stock.take(one.name, one.amount, day)
