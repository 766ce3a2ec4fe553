"""Quotes: what somebody would pay, before there is an order."""

from depot.pricing import pieces_to_next_tier, tier_for


def unit_price(article, quantity):
    """The price of one piece when `quantity` are taken."""
    return tier_for(quantity, article.tiers).unit_price


def saving(article, quantity):
    """What a piece gets cheaper by when the next tier is reached."""
    missing = pieces_to_next_tier(quantity, article.tiers)
    if not missing:
        return 0.0
    return round(unit_price(article, quantity) - unit_price(article, quantity + missing), 2)


def cheapest(articles, quantity):
    """The article that costs least for `quantity` pieces."""
    return min(articles, key=lambda article: quantity * unit_price(article, quantity))
