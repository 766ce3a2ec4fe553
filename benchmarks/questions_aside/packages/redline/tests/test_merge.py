from redline.merge import merge


def text(letters):
    return "".join(letter + "\n" for letter in letters)


def test_no_changes():
    assert merge(text("abc"), text("abc"), text("abc")).text == text("abc")


def test_changes_of_both_sides():
    merged = merge(text("abcdef"), text("aBcdef"), text("abcdE"))
    assert merged.text == text("aBcdE")
    assert merged.conflicts == 0


def test_the_same_change_is_taken_once():
    assert merge(text("abc"), text("aXc"), text("aXc")).text == text("aXc")


def test_a_conflict():
    merged = merge(text("abc"), text("aXc"), text("aYc"))
    assert merged.text == "a\n<<<<<<<\nX\n=======\nY\n>>>>>>>\nc\n"
    assert merged.conflicts == 1


def test_two_insertions_at_one_place():
    assert merge(text("ab"), text("aXb"), text("aYb")).conflicts == 1


def test_a_removed_line():
    assert merge(text("abcd"), text("acd"), text("abcdE")).text == text("acdE")
