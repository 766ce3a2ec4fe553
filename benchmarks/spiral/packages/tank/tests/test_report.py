from tank.book import Book
from tank.report import consumption, distance, lines, litres

MARCH = ["2024-03-01;48.2;612", "2024-03-19;51.9;668", "# a comment", "", "2024-04-02;40;500"]


def test_the_litres_of_a_month():
    assert litres(Book(MARCH), "2024-03") == 100.1


def test_the_consumption_of_a_month():
    assert consumption(Book(MARCH), "2024-03") == 7.8


def test_a_line_per_month():
    assert lines(Book(MARCH)) == ["2024-03    100.1 l    7.8", "2024-04     40.0 l    8.0"]


def test_whole_litres():
    assert litres(Book(MARCH), "2024-04") == 40.0


def test_the_distance_of_a_month():
    assert distance(Book(MARCH), "2024-03") == 1280


def test_a_month_without_fills():
    assert consumption(Book(MARCH), "2024-05") == 0.0
