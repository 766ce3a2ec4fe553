"""Finds articles that were filed twice by two reporters."""

from gazette.editorial.article import Article


def likely_duplicates(articles: list[Article]) -> list[tuple[str, str]]:
    """Pairs of slugs whose headlines share most of their words."""
    pairs = []
    for number, one in enumerate(articles):
        for other in articles[number + 1 :]:
            mine, theirs = set(one.headline.lower().split()), set(other.headline.lower().split())
            if one.slug != other.slug and len(mine & theirs) * 2 > len(mine | theirs):
                pairs.append((one.slug, other.slug))
    return pairs
