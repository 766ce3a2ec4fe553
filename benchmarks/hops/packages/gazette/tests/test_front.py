from datetime import date

from gazette.editorial.article import Article
from gazette.layout.front import front_page


def test_no_headline_is_cut_within_a_word():
    article = Article("a", "Council approves reconstruction of harbour", date(2024, 5, 2))
    assert front_page([article]) == ["Council approves", "reconstruction of", "harbour"]
