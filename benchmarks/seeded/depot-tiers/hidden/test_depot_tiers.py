from depot.catalogue import Tier, parse_article
from depot.pricing import tier_for
from depot.quote import saving, unit_price

TIERS = [Tier(1, 9.5), Tier(10, 8.0), Tier(50, 7.0)]


def test_a_tier_begins_at_its_minimum():
    assert [tier_for(quantity, TIERS).unit_price for quantity in (1, 9, 10, 49, 50, 51)] == [9.5, 9.5, 8.0, 8.0, 7.0, 7.0]


def test_too_few_pieces_have_no_tier():
    assert tier_for(9, TIERS[1:]) is None


def test_quotes_use_it():
    article = parse_article("b7;bolt;1:2.0;100:1.5")
    assert unit_price(article, 100) == 1.5
    assert saving(article, 99) == 0.5
