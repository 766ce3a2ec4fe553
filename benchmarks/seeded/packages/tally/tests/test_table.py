import pytest

from tally.bins import Bins
from tally.measures import median
from tally.paper import text
from tally.table import NoSuchColumn, Table, read_csv, write_csv


def test_csv_there_and_back():
    source = "name,age\nann,33\nbob,\n"
    table = read_csv(source)
    assert table.column("age") == [33, None]
    assert write_csv(table) == source


def test_unknown_columns():
    with pytest.raises(NoSuchColumn):
        Table(["a"], [{"b": 1}])


def test_sorting_puts_nothing_last():
    table = read_csv("n\n3\n1\n\n2\n")
    assert table.sorted("n").column("n") == [1, 2, 3, None]


def test_medians():
    assert median([3, 1, None, 2]) == 2
    assert median([4, 1]) == 2.5


def test_classes():
    assert Bins([18, 40]).labels() == ["under 18", "18 to 39", "40 and over"]


def test_text():
    table = Table(["town", "mean"], [{"town": "Aven", "mean": 2.25}, {"town": "Birk"}])
    assert text(table).splitlines() == ["town  mean", "Aven   2.2", "Birk     -"]
