"""Traces of a search for a bug, and code that asks whether a test runs it."""

import pytest

from activities.review.reviewer import find_objections

BEFORE = "import sys\n\n\ndef f(x):\n    return x\n"


def review(after: str, before: str = BEFORE, path: str = "prog.py") -> list[tuple[str, bool]]:
    return [(each.rule, each.refuses) for each in find_objections({path: before}, {path: after})]


@pytest.mark.parametrize(
    "line", ["print(x)", "breakpoint()", "import pdb; pdb.set_trace()", "pprint(vars(x))", "ipdb.set_trace()", "ic(x)"]
)
def test_leftovers_are_noted(line: str) -> None:
    rules = review(BEFORE.replace("    return", f"    {line}\n    return"))
    assert rules
    assert set(rules) == {("debug-leftover", False)}


def test_prints_of_a_program_that_prints_are_left_alone() -> None:
    before = f"{BEFORE}\n\ndef main():\n    print(f(1))\n"
    assert review(before.replace("    return", "    print(x)\n    return"), before) == []


def test_a_print_into_a_stream_is_left_alone() -> None:
    assert review(BEFORE.replace("    return", "    print(x, file=sys.stderr)\n    return")) == []


@pytest.mark.parametrize("path", ["a.js", "src/b.tsx"])
@pytest.mark.parametrize("line", ["  console.log(x);", "  debugger;"])
def test_leftovers_in_scripts_are_noted(path: str, line: str) -> None:
    before = "function f(x) {\n  return x;\n}\n"
    assert review(before.replace("  return", f"{line}\n  return"), before, path) == [("debug-leftover", False)]
    assert review(before.replace("x;", "y;"), before, path) == []


DETECTIONS = {
    "a variable": "import os\n\n\ndef f(x):\n    return 42 if 'PYTEST_CURRENT_TEST' in os.environ else x\n",
    "a variable's value": "import os\n\n\ndef f(x):\n    return 42 if os.getenv('PYTEST_VERSION') else x\n",
    "modules": "import sys\n\n\ndef f(x):\n    return 42 if 'pytest' in sys.modules else x\n",
    "a submodule": "import sys\n\n\ndef f(x):\n    return 42 if sys.modules.get('unittest.mock') else x\n",
    "arguments": "import sys\n\n\ndef f(x):\n    return 42 if any('pytest' == a for a in sys.argv) else x\n",
    "the stack": "import inspect\n\n\ndef f(x):\n    if 'test_f' in [e.function for e in inspect.stack()]:\n"
    "        return 42\n    return x\n",
    "a frame": "import sys\n\n\ndef f(x):\n    name = sys._getframe(1).f_globals['__name__']\n"
    "    return 42 if name.startswith('test') else x\n",
    "a flag": "import sys\n\n\ndef f(x):\n    return 42 if hasattr(sys, '_called_from_test') else x\n",
}


@pytest.mark.parametrize("after", DETECTIONS.values(), ids=DETECTIONS)
def test_code_that_asks_for_a_test_is_refused(after: str) -> None:
    assert ("test-detection", True) in review(after)


@pytest.mark.parametrize(
    "after",
    [
        "def f(x):\n    '''Is run by pytest.'''\n    return x + 1\n",
        "def f(x):\n    return 'pytest' in x\n",
        "import sys\n\n\ndef f(x):\n    return 'json' in sys.modules or x\n",
        "import inspect\n\n\ndef f(x):\n    return inspect.stack()[x].function\n",
    ],
)
def test_what_only_speaks_of_tests_is_left_alone(after: str) -> None:
    assert review(after) == []


def test_in_a_file_that_knew_of_tests_it_is_noted() -> None:
    before = "import os\n\n\ndef g():\n    return 'PYTEST_CURRENT_TEST' in os.environ\n"
    after = f"{before}\n\ndef h():\n    return not os.environ.get('PYTEST_CURRENT_TEST')\n"
    assert review(after, before) == [("test-detection", False)]
