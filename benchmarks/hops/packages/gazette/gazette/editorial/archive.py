"""The archive of everything that was printed."""

from datetime import date

from gazette.common.layers import topmost
from gazette.editorial.article import Article


class Archive:
    """All versions of all articles, in the order in which they came in."""

    def __init__(self) -> None:
        self._kept: list[Article] = []

    def add(self, article: Article) -> None:
        """Keep one more version."""
        self._kept.append(article)

    def between(self, first: date, last: date) -> list[Article]:
        """The articles of some days as they stand now, in the order of their days."""
        standing = topmost(self._kept, lambda one: (one.slug, one.version))
        return sorted((one for one in standing if first <= one.day <= last), key=lambda one: one.day)
