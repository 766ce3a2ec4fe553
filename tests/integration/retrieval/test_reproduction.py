"""Drafts that run in a sandbox, and which of them reproduce the issue."""

from textwrap import indent

from activities.retrieval.reproduction import judge
from hydranet.contracts import Expectation, ExpectationKind, Place, WrittenTest
from tests.integration.conftest import Make

CODE = """\
import itertools

def is_adult(age):
    if age < 0:
        raise ValueError("no age is below 0")
    return age > 18

def count():
    for number in itertools.count():
        pass
"""
ISSUE = "Who is eighteen is not taken for an adult."
PLACES = [Place(file="shop/ages.py", symbol="is_adult", first_line=3, last_line=6)]
FILE = "tests/test_issue.py"
DRAFTS = {
    "assert is_adult(18)": "",
    "adult = is_adult(18)\nassert adult": "",
    "assert is_adult(19)": "it passes at HEAD",
    "assert is_grown(18)": "it fails by itself (NameError",
    "assert is_adult('x' + 1)": "it fails by itself (TypeError",
    "assert is_adult('x')": "it ends in an error of which the issue does not speak (TypeError",
    "assert is_adult(-1)": "it ends in an error of which the issue does not speak (ValueError",
    "from shop import nothing\nassert nothing": "it fails by itself (ImportError",
    "import shop.nowhere\nassert is_adult(18)": "it fails by itself (ModuleNotFoundError",
    "count()\nassert is_adult(18)": "it does not end",
    "from pathlib import Path\nPath('shop/ages.py').write_text('')\nassert is_adult(17)": "no other draft asserts",
    "numbers = [1]\nassert numbers == [2]": "it fails without any of the code",
}


async def test_drafts_are_judged_by_how_they_fail_at_head(project: Make) -> None:
    bodies = "\n\n".join(f"def test_{n}():\n{indent(code, '    ')}" for n, code in enumerate(DRAFTS))
    files = {
        "shop/__init__.py": "",
        "shop/ages.py": CODE,
        FILE: f"from shop.ages import count, is_adult\n\n{bodies}\n",
        "tests/test_ages.py": "from shop.ages import is_adult\n\ndef test_child():\n    assert not is_adult(17)\n",
        "conftest.py": "",
    }
    made = await project(files, test_timeout=20)
    tests = [
        WrittenTest(
            name=f"test_{n}",
            expectation=Expectation(kind=ExpectationKind.RUNS, code=code, source=f"draft {n}"),
        )
        for n, code in enumerate(DRAFTS)
    ]
    baseline = (await made.test()).results
    judgement = judge(FILE, tests, await made.cover(baseline, only=FILE), PLACES, ISSUE)
    assert judgement.kept == ("test_0", "test_1")
    reasons = dict(refusal.split(": ", 1) for refusal in judgement.refused)
    for n, reason in enumerate(DRAFTS.values()):
        assert reasons.get(f"draft {n}", "").startswith(reason), reasons
        assert (f"draft {n}" in reasons) is bool(reason)
