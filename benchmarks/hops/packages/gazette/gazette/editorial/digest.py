"""The weekly digest that is sent to readers by mail."""

from datetime import date, timedelta

from gazette.editorial.archive import Archive


def weekly_digest(archive: Archive, last: date) -> list[str]:
    """The headlines of the week that ends on a day, each article once."""
    return [article.headline for article in archive.between(last - timedelta(days=6), last)]
