import pytest

from redline.hunks import side
from redline.patch import apply
from redline.unified import diff

OLD = "a\nb\nc\nd\n"


def head(old, new, context):
    return diff(old, new, context).splitlines()[0]


def test_a_removed_file():
    assert diff("a\nb\n", "") == "@@ -1,2 +0,0 @@\n-a\n-b\n"


def test_lines_that_are_inserted_without_context():
    assert head(OLD, "a\nb\nX\nY\nc\nd\n", 0) == "@@ -2,0 +3,2 @@"
    assert head(OLD, OLD + "X\n", 0) == "@@ -4,0 +5 @@"
    assert head(OLD, "X\n" + OLD, 0) == "@@ -0,0 +1 @@"


def test_lines_that_are_removed_without_context():
    assert head(OLD, "a\nd\n", 0) == "@@ -2,2 +1,0 @@"
    assert head(OLD, "b\nc\nd\n", 0) == "@@ -1 +0,0 @@"


def test_sides_with_lines():
    assert [side(0, 1), side(0, 4), side(6, 7), side(6, 8)] == ["1", "1,4", "7", "7,2"]


@pytest.mark.parametrize("new", ["", "X\n" + OLD, "a\nb\nX\nc\nd\n", "a\nd\n", OLD + "X\nY\n"])
@pytest.mark.parametrize("context", [0, 1, 3])
def test_diffs_apply(new, context):
    assert apply(OLD, diff(OLD, new, context)) == new
    assert apply(new, diff(new, OLD, context)) == OLD
