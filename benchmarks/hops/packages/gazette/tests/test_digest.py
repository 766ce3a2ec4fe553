from datetime import date

from gazette.editorial.archive import Archive
from gazette.editorial.article import Article
from gazette.editorial.digest import weekly_digest


def test_a_corrected_article_is_in_the_digest_once():
    archive = Archive()
    archive.add(Article("bridge", "Bridge is closed", date(2024, 5, 2)))
    archive.add(Article("bridge", "Bridge is to be closed", date(2024, 5, 2), version=2))
    assert weekly_digest(archive, date(2024, 5, 5)) == ["Bridge is to be closed"]
