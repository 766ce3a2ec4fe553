from redline.changes import changes
from redline.merge import merge
from redline.regions import Region, rebuild

START, MIDDLE, END = "<" * 7, "=" * 7, ">" * 7


def text(letters):
    return "".join(letter + "\n" for letter in letters)


def merged(base, ours, theirs):
    return merge(text(base), text(ours), text(theirs)).text.split()


def test_lines_after_the_change():
    assert merged("abcde", "aXcde", "aVWYe") == ["a", START, *"Xcd", MIDDLE, *"VWY", END, "e"]


def test_lines_on_both_sides_of_the_change():
    assert merged("abcde", "abXde", "aVWYe") == ["a", START, *"bXd", MIDDLE, *"VWY", END, "e"]


def test_lines_between_two_changes():
    assert merged("abcde", "aXcYe", "aUVWe") == ["a", START, *"XcY", MIDDLE, *"UVW", END, "e"]


def test_lines_of_their_side():
    assert merged("abcde", "aUVWe", "aXcYe") == ["a", START, *"UVW", MIDDLE, *"XcY", END, "e"]


def test_lines_that_were_removed():
    assert merged("abcde", "abde", "aUVWe") == ["a", START, *"bd", MIDDLE, *"UVW", END, "e"]


def test_one_region_for_changes_that_overlap():
    base, ours, theirs = "abcdef", "aXYdef", "abUVWf"
    assert merged(base, ours, theirs) == ["a", START, *"XYde", MIDDLE, *"bUVW", END, "f"]


def test_a_region_of_more_lines_than_its_changes():
    own = changes("abcdef", "abXdef")
    assert rebuild(list("abcdef"), Region(1, 5), own) == list("bXde")
    assert rebuild(list("abcdef"), Region(1, 5), []) == list("bcde")
