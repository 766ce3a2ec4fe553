"""The corrections column."""

from gazette.editorial.article import Article


def corrected(article: Article, headline: str) -> Article:
    """The corrected version of an article."""
    return Article(article.slug, headline, article.day, article.version + 1, article.body)


def correction_notice(article: Article) -> str:
    """What the corrections column says of a corrected article."""
    return f'The article "{article.headline}" of {article.day:%d %B} has been corrected.'
