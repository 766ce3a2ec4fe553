"""Which lines each test executes."""

import pytest

from tests.integration.conftest import Make
from tests.integration.sandbox.test_warm_trials import MANAGE

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


async def test_lines_are_told_by_test_also_of_those_that_fail_and_hang(project: Make) -> None:
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


async def test_a_command_without_pytest_has_no_spectrum(project: Make) -> None:
    made = await project(FILES, test_command="false")
    spectrum = await made.cover((await made.test()).results)
    assert (spectrum.tests, spectrum.lines) == ((), {})


async def test_forged_lines_are_left_out(project: Make) -> None:
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
    for told in [[], [[1]], [["1", "a"]], [[1, 2]], [[-1, "a"]], [[1, "a" * 999]], [[1, [1, "b" * 999]]], "ab", None]:
        for file_name in ("code.py", ["code.py"], "../code.py"):
            for kind, key in (("seen", "seen"), ("values", "values")):
                with open("/results", "a") as file:
                    record = {"kind": kind, "file": file_name, "id": "test_a.py::test_forges", key: told}
                    file.write(json.dumps(record) + "\n")
    assert False
"""
    made = await project({"code.py": "x = 1\n", "test_a.py": forged})
    spectrum = await made.cover((await made.test()).results)
    assert [test.id for test in spectrum.tests] == ["test_a.py::test_forges"]
    assert not any(spectrum.lines.values())


async def test_what_conditions_and_results_come_out_as_is_told_by_test(project: Make) -> None:
    made = await project(FILES, test_timeout=10)
    spectrum = await made.cover((await made.test()).results)
    names = [test.id.partition("::")[2] for test in spectrum.tests]
    told = {
        (one.line, one.told): {names[index] for index in one.tests} for one in spectrum.predicates["package/code.py"]
    }
    assert told[4, "number > 0"] == {"test_positive", "test_after"}
    assert told[6, "1 is true"] == {"test_positive", "test_after"}
    assert (4, "number < 0") not in told  # no failing test sees it
    assert told[10, "True"] == {"test_hangs"}
    assert spectrum.values == {"package/code.py": {6: ("1",)}}


async def test_watching_changes_nothing_that_code_does(project: Make) -> None:
    files = {
        "odd.py": ODD,
        "test_odd.py": "import odd\n"
        "def test_odd(): assert odd.run() == ['lt', 'truth', 'length', [2], 3]\n"
        "def test_wrong(): assert odd.run() == []\n",
    }
    made = await project(files)
    report = await made.test()
    spectrum = await made.cover(report.results)
    assert [test.outcome for test in spectrum.tests] == ["failed", "passed"]
    assert report.failing == (spectrum.tests[0].id,)


# Operators with effects, values that cannot be compared or looked at, and expressions that leave early.
ODD = """
log = []

class Odd:
    def __lt__(self, other):
        log.append("lt")
        return self

    def __bool__(self):
        log.append("truth")
        return False

    def __len__(self):
        log.append("length")
        return 1

    def __eq__(self, other):
        raise RuntimeError

    @property
    def __dict__(self):
        raise RuntimeError

def odd():
    return Odd()

def halves(numbers):
    return [n for n in numbers if 1 < n < 3 or float("nan") == n]

def run():
    del log[:]
    if odd() < 1:
        return None
    _ = 1 if len(odd()) > 1 else 10 ** 5000
    yielded = [x for x in (lambda: (yield 3))()]
    return [*log, halves([1, 2, 3]), *yielded]
"""


async def test_the_tests_of_one_file_alone_are_run(project: Make) -> None:
    made = await project({**FILES, "tests/test_other.py": "def test_other(): assert True\n"}, test_timeout=10)
    spectrum = await made.cover((await made.test()).results, only="tests/test_other.py")
    assert [test.id for test in spectrum.tests] == ["tests/test_other.py::test_other"]


UNITTEST = """
import unittest
from package.code import forever, sign

class Last(unittest.TestCase):
    def test_hangs(self): forever()
    def test_positive(self): self.assertEqual(sign(1), 0)

class First(unittest.TestCase):
    def setUp(self): self.negative = sign(-1)
    def test_after(self): self.assertEqual(sign(5), 1)
    def test_negative(self): self.assertEqual(self.negative, -1)
"""


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("python -m unittest", {"test_code.py": UNITTEST}),
        ("python -m unittest discover -s checks -t .", {"checks/__init__.py": "", "checks/test_code.py": UNITTEST}),
        (
            "python manage.py test",
            {
                "manage.py": MANAGE,
                "requirements.txt": "django==5.2.*\n",
                "site_settings.py": 'SECRET_KEY = "x"\n',
                "test_code.py": UNITTEST.replace("import unittest", "from django import test as unittest").replace(
                    "unittest.TestCase", "unittest.SimpleTestCase"
                ),
            },
        ),
    ],
    ids=["unittest", "discover", "django"],
)
async def test_unittest_and_django_tell_lines_by_test(project: Make, command: str, files: dict[str, str]) -> None:
    code = {"package/__init__.py": "", "package/code.py": CODE}
    made = await project({**code, **files}, test_command=command, test_timeout=10)
    baseline = (await made.test()).results
    spectrum = await made.cover(baseline)
    names = [test.id.rpartition(".")[2] for test in spectrum.tests]
    assert names[:2] == ["test_hangs", "test_positive"], "the failing tests come first"
    assert sorted(names[2:]) == ["test_after", "test_negative"]
    by_line = {line: {names[number] for number in tests} for line, tests in spectrum.lines["package/code.py"].items()}
    assert by_line == {
        4: {"test_negative", "test_positive", "test_after"},
        5: {"test_negative", "test_after"},
        6: {"test_positive", "test_after"},
        9: {"test_hangs"},
        10: {"test_hangs"},
        11: {"test_hangs"},
    }
    assert ("number < 0", (1,)) not in {(each.told, each.tests) for each in spectrum.predicates["package/code.py"]}
    assert {each.told for each in spectrum.predicates["package/code.py"]} >= {"number > 0", "1 is true"}
    assert spectrum.values["package/code.py"][6] == ("1",)


async def test_unittest_covers_one_file_alone(project: Make) -> None:
    other = UNITTEST.replace("sign(5), 1", "sign(5), 2")
    files = {"package/__init__.py": "", "package/code.py": CODE, "test_code.py": UNITTEST, "test_other.py": other}
    made = await project(files, test_command="python -m unittest", test_timeout=10)
    spectrum = await made.cover((await made.test()).results, only="test_other.py")
    assert {test.id.partition(".")[0] for test in spectrum.tests} == {"test_other"}
