import pytest

from redline.patch import DoesNotApply, apply
from redline.unified import diff, summary

OLD = "".join(f"{number}\n" for number in range(1, 13))


def test_the_same_text():
    assert diff(OLD, OLD) == ""


def test_a_changed_line():
    assert diff("a\nb\nc\n", "a\nB\nc\n") == "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"


def test_a_text_of_one_line():
    assert diff("a\n", "b\n") == "@@ -1 +1 @@\n-a\n+b\n"


def test_changes_far_from_each_other():
    new = OLD.replace("2\n", "two\n", 1).replace("11\n", "eleven\n")
    assert [row for row in diff(OLD, new).splitlines() if row[0] == "@"] == ["@@ -1,5 +1,5 @@", "@@ -8,5 +8,5 @@"]


def test_summaries():
    assert summary("a\nb\n", "b\nc\nd\n") == "+2 -1"


def test_a_patch_applies():
    new = OLD.replace("6\n", "six\nand a half\n")
    assert apply(OLD, diff(OLD, new)) == new


def test_a_patch_applies_further_down():
    new = OLD.replace("6\n", "six\n")
    assert apply("0\n0\n" + OLD, diff(OLD, new)) == "0\n0\n" + new


def test_a_patch_that_does_not_apply():
    with pytest.raises(DoesNotApply):
        apply("x\n", diff("a\n", "b\n"))
