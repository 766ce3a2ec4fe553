from depot.catalogue import parse_article
from depot.quote import cheapest, saving, unit_price

LADDER = parse_article("L1;ladder;1:40.0;5:35.0;20:30.0")
STEPS = parse_article("S1;steps;2:38.0;5:36.0")


def test_the_price_between_two_tiers():
    assert unit_price(LADDER, 7) == 35.0


def test_the_price_of_a_single_piece():
    assert unit_price(LADDER, 1) == 40.0


def test_what_the_next_tier_saves():
    assert saving(LADDER, 3) == 5.0
    assert saving(LADDER, 25) == 0.0


def test_the_cheapest_article():
    assert cheapest([LADDER, STEPS], 3) is STEPS
    assert cheapest([LADDER, STEPS], 6) is LADDER
