"""Which functions of a module a change changes."""

import types

import pytest

from activities.sandbox.inside.code_units import are_alike, list_changed, list_units, observe_units

BEFORE = '''
LIMIT = 3

def outer(x):
    """Twice the value."""
    def inner(y):
        return y + 1
    return [inner(x) for _ in range(2)]

class Box:
    size = 1

    @property
    def width(self):
        return self.size

    @width.setter
    def width(self, value):
        self.size = value
'''


def build(source: str) -> types.CodeType:
    return compile(source, "box.py", "exec")


def test_the_units_are_the_outermost_functions() -> None:
    assert list(list_units(build(BEFORE))) == ["outer#0", "Box.width#0", "Box.width#1"]


@pytest.mark.parametrize(
    ("old", "new", "changed", "other"),
    [
        ("y + 1", "y + 2", ["outer#0"], False),
        ("range(2)", "range(3)", ["outer#0"], False),
        ("self.size = value", "self.size = -value", ["Box.width#1"], False),
        ("LIMIT = 3", "LIMIT = 4", [], True),
        ("size = 1", "size = 2", [], True),
        ("def outer", "def more():\n    pass\n\ndef outer", [], True),
        ("def outer", "\n\n# Moved down.\ndef outer", [], False),
    ],
)
def test_what_a_change_changes(old: str, new: str, changed: list[str], other: bool) -> None:
    assert list_changed(build(BEFORE), build(BEFORE.replace(old, new, 1))) == (changed, other)


def test_an_observed_unit_calls_the_hook_first_and_is_told_as_before() -> None:
    told: list[int] = []
    units = observe_units(BEFORE, "box.py", "told", {"outer#0": 7})
    outer = types.FunctionType(units["outer#0"], {"told": told.append, "range": range})
    assert (outer(1), told) == ([2, 2], [7])
    assert list(units) == ["outer#0"]
    assert units["outer#0"].co_firstlineno == list_units(build(BEFORE))["outer#0"].co_firstlineno


@pytest.mark.parametrize(
    ("before", "after", "alike"),
    [
        ("def f(x, *y):\n    return x", "def f(x, *y):\n    return y", True),
        ("def f(x):\n    return x", "def f(y):\n    return y", False),
        ("def f(x):\n    return x", "def f(*x):\n    return x", False),
        ("class C:\n    def f(s):\n        return 1", "class C:\n    def f(s):\n        return super().f()", False),
    ],
)
def test_code_takes_the_place_of_code_with_the_same_arguments_and_closure(before: str, after: str, alike: bool) -> None:
    (old,), (new,) = (list_units(build(source)).values() for source in (before, after))
    assert are_alike(old, new) is alike
