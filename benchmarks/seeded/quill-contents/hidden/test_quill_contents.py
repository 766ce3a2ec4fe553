from quill.toc import nested


def test_levels_may_be_left_out():
    rows = [(1, "A", "a"), (3, "B", "b"), (2, "C", "c"), (3, "D", "d"), (1, "E", "e")]
    assert nested(rows) == [("A", "a", [("B", "b", []), ("C", "c", [("D", "d", [])])]), ("E", "e", [])]


def test_a_text_may_begin_deep():
    assert nested([(3, "A", "a"), (2, "B", "b"), (2, "C", "c")]) == [("A", "a", []), ("B", "b", []), ("C", "c", [])]
