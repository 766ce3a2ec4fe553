from cachet.library import Library


def test_all_levels_count():
    library = Library({"a": "{{b}}", "b": "{{c}}{{d}}", "c": "{{e}}", "d": "{{e}}", "e": "x", "f": "y"})
    assert library.depends("a") == {"a", "b", "c", "d", "e"}
    assert library.depends("d") == {"d", "e"}
    assert library.depends("f") == {"f"}


def test_circles_end():
    library = Library({"a": "{{b}}", "b": "{{a}}"})
    assert library.depends("a") == {"a", "b"}
