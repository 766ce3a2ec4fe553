"""Sources in other encodings than plain UTF-8: tried in the sandbox and committed as they were written."""

import codecs

import pytest

from activities.checkpoints.commits import commit_diff
from activities.git.trees import read_content
from hydranet.contracts import Candidate
from tests.integration.conftest import Make

CODE = "# {}\nWORD = 'é'\n\x0c\ndef discount(quantity):\n    return 0.1 if quantity > 10 else 0.0  # à partir de dix\n"
LATIN = CODE.format("-*- coding: latin-1 -*-")
DEEP = "/".join(["a_folder_with_a_long_name"] * 10)
TEST = """
import importlib.util, pathlib

def test_boundary():
    file, = [path for path in pathlib.Path(__file__).parents[1].rglob("price.py")]
    spec = importlib.util.spec_from_file_location("price", file)
    price = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(price)
    assert price.WORD == "\\u00e9"
    assert price.discount(10) == 0.1
"""


@pytest.mark.parametrize("command", ["python -m pytest -q", "true && python -m pytest -q"])
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("price.py", codecs.BOM_UTF8 + CODE.format("x").encode()),
        ("price.py", LATIN.replace("\n", "\r\n").encode("latin-1")),
        (f"{DEEP}/price.py", CODE.format("coding: cp1252").encode("cp1252")),
    ],
    ids=["mark", "Latin-1 and CRLF", "long path"],
)
async def test_a_source_is_changed_in_its_own_encoding(project: Make, path: str, content: bytes, command: str) -> None:
    made = await project({path: content, "tests/test_price.py": TEST}, test_command=command)
    baseline = await made.test()
    assert baseline.failing_count == 1
    fix = await made.change(path, "> 10", ">= 10")
    trial = await made.attempt(baseline.results, [fix])
    assert trial.report.passed, trial.report.reason
    assert trial.patch.edits[0].file == path
    folder = await made.objects.fetch(made.snapshot, made.base)
    commit = commit_diff(folder, made.base.commit, fix.diff, "fix")
    assert read_content(folder, commit, path) == content.replace(b"> 10", b">= 10")


async def test_a_change_that_the_encoding_cannot_hold_is_refused(project: Make) -> None:
    files = {
        "price.py": LATIN.encode("latin-1"),
        "odd.py": b"x = '\xe9'\n",
        "test_price.py": "def test_a(): assert 0\n",
    }
    made = await project(files)
    results = (await made.test()).results
    euro = await made.change("price.py", "0.1 if", "'€' if")
    assert "whose encoding iso8859-1 lacks it" in (await made.attempt(results, [euro])).report.reason
    odd = Candidate(diff="--- a/odd.py\n+++ b/odd.py\n@@ -1 +1 @@\n-x = 'e'\n+x = 'f'\n", title="odd")
    assert "whose encoding is not known" in (await made.attempt(results, [odd])).report.reason
