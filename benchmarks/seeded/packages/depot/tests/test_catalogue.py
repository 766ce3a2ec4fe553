from depot.catalogue import Catalogue, Tier, parse_article


def test_tiers_are_sorted():
    article = parse_article("X;rope;10:1.5;1:2.0")
    assert article.tiers == [Tier(1, 2.0), Tier(10, 1.5)]


def test_articles_are_found():
    catalogue = Catalogue([parse_article("X;rope;1:2.0")])
    assert len(catalogue) == 1
    assert catalogue.find("X").name == "rope"
