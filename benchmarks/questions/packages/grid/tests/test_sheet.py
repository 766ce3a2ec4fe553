import pytest

from grid.paper import csv, table
from grid.sheet import Circular, Sheet
from grid.tokens import BadFormula


def filled(**cells):
    sheet = Sheet()
    for name, text in cells.items():
        sheet.set(name, text)
    return sheet


def test_sums_and_products():
    sheet = filled(A1="2", A2="3", A3="=A1+A2*4-(A1-1)/2")
    assert sheet.value("A3") == 13.5


def test_ranges_and_functions():
    sheet = filled(A1="1", A2="5", B1="3", C1="=SUM(A1:B2)", C2="=AVG(A1:B2)", C3="=COUNT(A1:B2, 7)")
    assert [sheet.value(cell) for cell in ("C1", "C2", "C3")] == [9, 3, 4]


def test_a_change_reaches_what_depends_on_it():
    sheet = filled(A1="1", A2="=A1*2", A3="=A2+1")
    assert sheet.value("A3") == 3
    sheet.set("A1", "10")
    assert sheet.value("A3") == 21


def test_values_are_worked_out_once():
    sheet = filled(A1="1", A2="=A1*2", A3="=A2+A2")
    sheet.value("A3")
    sheet.value("A3")
    assert sheet.worked_out == 2


def test_a_cell_cannot_use_itself():
    sheet = filled(A1="1")
    with pytest.raises(Circular):
        sheet.set("A1", "=A1+1")
    assert sheet.value("A1") == 1


def test_copies_move():
    sheet = filled(A1="=B1+C2", A3="word")
    sheet.copy("A1", "B3")
    sheet.copy("A3", "C3")
    assert sheet.text("B3") == "=C3+D4"
    assert sheet.text("C3") == "word"


def test_fixed_references_stay():
    sheet = filled(B2="=$A$1*B1")
    sheet.copy("B2", "C4")
    assert sheet.text("C4") == "=$A$1*C3"


def test_what_cannot_be_read():
    with pytest.raises(BadFormula):
        filled(A1="=2 ? 3")
    with pytest.raises(BadFormula):
        filled(A1="=(2").value("A1")


def test_printing():
    sheet = filled(A1="1.5", B1="2", A2="x")
    assert table(sheet, 2, 2) == [["A", "B"], ["1.5", "2"], ["x", ""]]
    assert csv(sheet, 2, 2) == "1.5,2\nx,\n"
