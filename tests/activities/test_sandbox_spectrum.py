"""Which lines each test executes."""

CODE = """\
IMPORTED = 1

def sign(number):
    if number < 0:
        return -1
    return 1

def forever():
    count = 0
    while True:
        count += 1
"""
TESTS = """
import helpers
from package.code import forever, sign

def test_negative(): assert helpers.twice(sign(-1)) == -2
def test_positive(): assert sign(1) == 0
def test_hangs(): forever()
def test_after(): assert sign(5) == 1
"""
FILES = {
    "package/__init__.py": "",
    "package/code.py": CODE,
    "tests/helpers.py": "def twice(x):\n    return 2 * x\n",
    "tests/test_code.py": TESTS,
    "conftest.py": "import sys\nsys.path.append('tests')\n",
}


async def test_lines_are_told_by_test_also_of_those_that_fail_and_hang(project):
    made = await project(FILES, test_timeout=10)
    spectrum = await made.cover((await made.test()).results)
    names = [test.id.partition("::")[2] for test in spectrum.tests]
    assert sorted(names) == ["test_after", "test_hangs", "test_negative", "test_positive"]
    assert set(names[:2]) == {"test_positive", "test_hangs"}
    outcomes = {name: test.outcome for name, test in zip(names, spectrum.tests, strict=True)}
    assert outcomes == {
        "test_after": "passed",
        "test_hangs": "failed",
        "test_negative": "passed",
        "test_positive": "failed",
    }
    assert set(spectrum.lines) == {"package/code.py"}
    by_line = {line: {names[number] for number in tests} for line, tests in spectrum.lines["package/code.py"].items()}
    assert by_line == {
        4: {"test_negative", "test_positive", "test_after"},
        5: {"test_negative"},
        6: {"test_positive", "test_after"},
        9: {"test_hangs"},
        10: {"test_hangs"},
        11: {"test_hangs"},
    }


async def test_a_command_without_pytest_has_no_spectrum(project):
    made = await project(FILES, test_command="false")
    spectrum = await made.cover((await made.test()).results)
    assert (spectrum.tests, spectrum.lines) == ((), {})


async def test_forged_lines_are_left_out(project):
    forged = r"""
import json

def test_forges():
    for line in [
        {"file": "../../etc/passwd", "id": "test_a.py::test_forges", "lines": [1]},
        {"file": "code.py", "id": "nobody", "lines": [1]},
        {"file": "code.py", "id": "test_a.py::test_forges", "lines": ["1", -1, True, None, 10**12]},
        {"file": "code.py", "id": "test_a.py::test_forges", "lines": "123"},
        {"file": ["code.py"], "id": "test_a.py::test_forges", "lines": [1]},
    ]:
        with open("/results", "a") as file:
            file.write(json.dumps({"kind": "lines", **line}) + "\n")
    assert False
"""
    made = await project({"code.py": "x = 1\n", "test_a.py": forged})
    spectrum = await made.cover((await made.test()).results)
    assert [test.id for test in spectrum.tests] == ["test_a.py::test_forges"]
    assert not any(spectrum.lines.values())
