"""Which changes of loaded functions can be shown without importing their module again."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.sandbox.inside import loaded_functions
from activities.sandbox.inside.loaded_functions import CallLog, LoadedFunctions, Replacements

CODE = """
def used(x):
    return x + 1

START = used(0)

def unused(x):
    return x + 2

class Box:
    def open(self):
        return "open"
"""

Find = Callable[[str, str], Replacements | None]


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    """Return what a change of a text of the module, which has been imported, replaces."""
    monkeypatch.setattr(loaded_functions, "WORK", tmp_path)
    file = tmp_path / "box.py"
    file.write_text(CODE)
    spec = importlib.util.spec_from_file_location("box_of_tests", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "box_of_tests", module)
    calls = CallLog()
    calls.start()
    spec.loader.exec_module(module)
    loaded = LoadedFunctions(calls.stop())
    return lambda old, new: loaded.find_replacements({"box.py": CODE.replace(old, new)})


@pytest.mark.parametrize(("old", "new", "name"), [("x + 2", "x * 2", "unused"), ('"open"', '"shut"', "open")])
def test_the_body_of_a_function_is_replaced(find: Find, old: str, new: str, name: str) -> None:
    replacements = find(old, new)
    assert replacements is not None
    for function, code in replacements:
        function.__code__ = code
    results = [function(3) for function, _ in replacements if function.__name__ == name]
    assert results == [6 if name == "unused" else "shut"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("x + 1", "x + 3", id="ran when it was imported"),
        pytest.param("used(0)", "used(1)", id="code of the module"),
        pytest.param("def unused(x)", "def unused(x, y=0)", id="arguments"),
        pytest.param("class Box", "class Box(dict)", id="a class"),
        pytest.param("return x + 2", "return (", id="a syntax error"),
        pytest.param("return x + 2", "return x + 2\n\ndef more(x):\n    return x", id="a new function"),
    ],
)
def test_whatever_else_changes_needs_an_import(find: Find, old: str, new: str) -> None:
    assert find(old, new) is None


@pytest.mark.usefixtures("find")
def test_code_that_is_not_what_the_compiler_writes_needs_an_import() -> None:
    function = vars(sys.modules["box_of_tests"])["unused"]
    function.__code__ = function.__code__.replace(co_consts=(None, 5))
    loaded = LoadedFunctions(set())
    assert loaded.find_replacements({"box.py": CODE.replace("x + 2", "x * 2")}) is None


@pytest.mark.usefixtures("find")
def test_a_module_that_was_not_imported_is_read_with_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "box_of_tests")
    loaded = LoadedFunctions(set())
    assert loaded.find_replacements({"box.py": CODE.replace("x + 1", "x")}) == []
    assert loaded.find_replacements({"notes.txt": ""}) is None
    assert loaded.find_replacements({"box.py": None}) is None
