import pytest

from grid.links import Links
from grid.sheet import Circular, Sheet


def filled(**cells):
    sheet = Sheet()
    for name, text in cells.items():
        sheet.set(name, text)
    return sheet


def test_a_formula_in_place_of_a_formula():
    sheet = filled(A1="=B1+C1", C1="4")
    sheet.set("A1", "=C1")
    sheet.set("B1", "=A1")
    assert sheet.value("B1") == 4


def test_a_cell_that_was_cleared():
    sheet = filled(A1="=B1", A2="=A1")
    sheet.set("A1", "")
    sheet.set("B1", "=A2")
    assert sheet.value("B1") is None


def test_circles_are_still_refused():
    sheet = filled(A1="=B1", B1="=C1")
    with pytest.raises(Circular):
        sheet.set("C1", "=A1")
    with pytest.raises(Circular):
        sheet.set("B1", "=SUM(A1:A3)")
    assert sheet.text("C1") == ""
    assert sheet.text("B1") == "=C1"


def test_what_is_used_again_counts_again():
    sheet = filled(A1="=B1")
    sheet.set("A1", "1")
    sheet.set("A1", "=B1")
    with pytest.raises(Circular):
        sheet.set("B1", "=A1")
    sheet.set("B1", "5")
    assert sheet.value("A1") == 5


def test_users_and_affected_cells():
    links = Links()
    links.replace("A1", ["B1", "C1"])
    links.replace("D1", ["A1"])
    links.replace("A1", ["C1"])
    assert links.users("B1") == links.affected("B1") == set()
    assert links.users("C1") == {"A1"}
    assert links.affected("C1") == {"A1", "D1"}


def test_others_that_use_the_same_cell_stay():
    links = Links()
    links.replace("A1", ["B1"])
    links.replace("A2", ["B1"])
    links.replace("A1", [])
    assert links.users("B1") == {"A2"}
