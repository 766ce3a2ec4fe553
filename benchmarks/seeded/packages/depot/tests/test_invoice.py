import pytest

from depot.catalogue import Catalogue, parse_article
from depot.invoice import Invoice, hint, line_total, render


@pytest.fixture
def catalogue():
    return Catalogue(
        [
            parse_article("L1;ladder;1:40.0;5:35.0;20:30.0"),
            parse_article("B1;bucket;1:3.0;10:2.5"),
        ]
    )


@pytest.fixture
def invoice():
    return Invoice("Ada")


def test_some_ladders(catalogue, invoice):
    invoice.add(catalogue.find("L1"), 3)
    assert invoice.net() == 121.5


def test_many_buckets(catalogue, invoice):
    invoice.add(catalogue.find("B1"), 12)
    assert invoice.net() == 33.0


def test_few_buckets_cost_a_surcharge(catalogue, invoice):
    invoice.add(catalogue.find("B1"), 2)
    assert invoice.net() == 9.5


def test_the_same_article_twice_is_one_line(catalogue, invoice):
    invoice.add(catalogue.find("B1"), 4)
    invoice.add(catalogue.find("B1"), 4)
    assert len(invoice.lines) == 1
    assert invoice.net() == 25.5


def test_gross_adds_the_tax(catalogue, invoice):
    invoice.add(catalogue.find("L1"), 2)
    assert invoice.gross() == 97.8


def test_a_single_ladder(catalogue, invoice):
    invoice.add(catalogue.find("L1"), 1)
    assert invoice.net() == 41.5


def test_three_ladders_print(catalogue, invoice):
    invoice.add(catalogue.find("L1"), 3)
    assert render(invoice).splitlines()[-1].endswith("145.80")


def test_a_single_bucket_prints(catalogue, invoice):
    invoice.add(catalogue.find("B1"), 1)
    assert render(invoice).splitlines()[-1].endswith("7.80")


def test_the_next_price_begins_at_its_minimum(catalogue, invoice):
    assert line_total(invoice.add(catalogue.find("L1"), 5)) == 176.5


def test_the_hint_counts_what_is_missing(catalogue, invoice):
    assert hint(invoice.add(catalogue.find("L1"), 4)) == "1 more for the next price"
    assert hint(invoice.add(catalogue.find("B1"), 11)) == ""


def test_no_pieces_are_no_order(catalogue, invoice):
    with pytest.raises(ValueError, match="at least one piece"):
        invoice.add(catalogue.find("L1"), 0)
