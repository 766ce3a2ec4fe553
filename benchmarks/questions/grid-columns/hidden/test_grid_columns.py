import pytest

from grid.formula import Formula
from grid.paper import table
from grid.refs import column_letters, column_number, parse_ref
from grid.sheet import Sheet


@pytest.mark.parametrize(
    ("column", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (700, "ZY"), (701, "ZZ")]
)
def test_one_and_two_letters(column, letters):
    assert column_letters(column) == letters


@pytest.mark.parametrize(
    ("column", "letters"), [(702, "AAA"), (703, "AAB"), (1377, "AZZ"), (1378, "BAA"), (18278, "AAAA")]
)
def test_three_letters_and_more(column, letters):
    assert column_letters(column) == letters


def test_there_and_back():
    assert all(column_number(column_letters(column)) == column for column in range(0, 20000, 7))


def test_cells_far_to_the_right():
    assert parse_ref("$AZ$3").moved(1, 1).text == "$AZ$3"
    assert parse_ref("AZ3").moved(1, 0).text == "BA3"
    assert Formula("=ZZ1+Y1").moved(1, 0) == "=AAA1+Z1"


def test_values_and_names_of_columns():
    sheet = Sheet()
    sheet.set("BB2", "7")
    sheet.set("A1", "=SUM(AZ2:BC2)")
    assert sheet.value("A1") == 7
    assert table(sheet, 54, 1)[0][50:] == ["AY", "AZ", "BA", "BB"]
