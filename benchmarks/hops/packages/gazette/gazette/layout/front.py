"""The front page."""

from gazette.editorial.article import Article
from gazette.layout.column import Column

TEASER = 24


def front_page(articles: list[Article]) -> list[str]:
    """The teasers of the front page: a headline each, on as many lines as it needs."""
    column = Column(TEASER)
    return [line for article in articles for line in column.lines(article.headline)]
