import pytest

from grid.refs import BadReference, Ref, parse_ref
from grid.sheet import Sheet


@pytest.mark.parametrize("text", ["B2", "$B2", "B$2", "$B$2"])
def test_references_are_written_as_they_were_read(text):
    assert parse_ref(text).text == text


@pytest.mark.parametrize(("text", "moved"), [("B2", "C5"), ("$B2", "$B5"), ("B$2", "C$2"), ("$B$2", "$B$2")])
def test_a_sign_holds_what_follows_it(text, moved):
    assert parse_ref(text).moved(1, 3).text == moved


def test_the_fields_of_a_reference():
    assert parse_ref("$C4") == Ref(2, 3, fixed_column=True, fixed_row=False)
    assert parse_ref("C$4") == Ref(2, 3, fixed_column=False, fixed_row=True)


def test_mixed_references_in_one_formula():
    sheet = Sheet()
    sheet.set("D4", "=SUM($A1:B$2) + C3 * $B$1")
    sheet.copy("D4", "E6")
    assert sheet.text("E6") == "=SUM($A3:C$2) + D5 * $B$1"


def test_a_copy_of_a_copy():
    sheet = Sheet()
    sheet.set("C2", "=A$1+$A2")
    sheet.copy("C2", "C3")
    sheet.copy("C3", "D4")
    assert sheet.text("D4") == "=B$1+$A4"


def test_a_fixed_row_cannot_leave_the_sheet():
    assert parse_ref("B$1").moved(0, -3).text == "B$1"
    with pytest.raises(BadReference):
        parse_ref("$B1").moved(0, -1)
