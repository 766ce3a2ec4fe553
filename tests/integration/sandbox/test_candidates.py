"""Trying candidates: the best is found, whatever the others do."""

import pytest

from hydranet import patches
from hydranet.contracts import ArtifactRef, Candidate, Trial
from hydranet.policy import constitution
from tests.integration.conftest import Make, Project

CODE = """
def smaller(a, b):
    return a

def larger(a, b):
    if a > b:
        return a
    return b
"""
TESTS = """
import pytest
from code_under_test import larger, smaller

@pytest.mark.parametrize("a, b", [(1, 2), (2, 1), (4, 3), (5, 5)])
def test_smaller(a, b):
    assert smaller(a, b) == min(a, b)

def test_larger():
    assert larger(1, 2) == larger(2, 1) == 2
"""
FILES = {"code_under_test.py": CODE, "tests/test_code.py": TESTS}
PATH = "code_under_test.py"
FIX = "return min(a, b)"


def edit(new: str, old: str = "    return a\n\ndef") -> Candidate:
    """The candidate with `new` as the body of `smaller`."""
    text = CODE.replace(old, f"    {new}\n\ndef", 1)
    return Candidate(diff=patches.make_diff(PATH, CODE, text), title=new)


@pytest.fixture(params=["python -m pytest -q", "python -m pytest -q && true"], ids=["warm", "anew"])
def command(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def made(project: Make, command: str) -> Project:
    return await project(FILES, test_command=command)


@pytest.fixture
async def baseline(made: Project) -> ArtifactRef | None:
    report = await made.test()
    assert report.failing == ("tests/test_code.py::test_smaller[2-1]", "tests/test_code.py::test_smaller[4-3]")
    return report.results


async def test_the_first_that_passes_everything_wins(made: Project, baseline: ArtifactRef) -> None:
    trial = await made.attempt(baseline, [edit("return b"), edit(FIX)])
    assert (trial.index, trial.title, trial.tried, trial.passing) == (1, FIX, 2, 1)
    assert trial.report.passed
    assert trial.report.passing_count == 5
    assert [found.file for found in trial.patch.edits] == [PATH]
    assert trial.diff is not None
    assert await made.artifacts.get(trial.diff) == edit(FIX).diff.encode()


async def test_of_several_that_pass_the_first_wins_that_changes_little_and_the_others_are_told(project: Make) -> None:
    made = await project(FILES)
    longer, overfit = (
        "return sorted([a, b])[0]",
        "return {(1, 2): 1, (2, 1): 1, (4, 3): 3, (100, 200): 100, (300, 200): 200}.get((a, b), a) or a",
    )
    candidates = [edit(overfit), edit("return b"), edit(FIX), edit(longer)]
    trial = await made.attempt((await made.test()).results, candidates)
    assert (trial.index, trial.tried, trial.passing) == (2, 4, 3)
    assert trial.title.startswith(f"{FIX} (3 candidates pass, in 2 ways")
    alone = await made.attempt((await made.test()).results, [edit(FIX), edit(longer)])
    assert alone.title.startswith(f"{FIX} (2 candidates pass, and behave alike in ")


async def test_else_the_one_with_fewest_failing_tests_wins(made: Project, baseline: ArtifactRef) -> None:
    trial = await made.attempt(
        baseline,
        [
            edit("raise OSError('broken')"),
            edit("return b if a == 2 else a"),
            edit("return a if a == 2 else min(a, b)"),
        ],
    )
    assert (trial.index, trial.tried, trial.passing) == (1, 3, 0)
    assert not trial.report.passed
    assert trial.report.failing == ("tests/test_code.py::test_smaller[4-3]",)
    assert "assert 4 == 3" in trial.report.tail
    assert trial.report.error is not None
    assert trial.report.error.type == "AssertionError"


def error_type(trial: Trial) -> str:
    assert trial.report.error is not None
    return trial.report.error.type


async def test_a_batch_without_effect_is_told_by_its_commonest_failure(project: Make) -> None:
    made = await project(FILES)
    baseline = (await made.test()).results
    assert baseline is not None
    odd = [edit("raise OSError('broken')"), edit("return a.missing")]
    idle = [edit(f"return a + {number} * 0") for number in range(9)]
    batch = await made.attempt(baseline, [*odd, *idle])
    assert (batch.title, batch.tried, error_type(batch)) == ("return a + 0 * 0", 11, "AssertionError")
    assert "assert 2 == 1" in batch.report.tail
    crashes = [edit(f"raise KeyError({number})") for number in range(9)]
    assert (await made.attempt(baseline, [*idle, *crashes[:3]])).title == "return a + 0 * 0"
    alike = [edit(f"raise KeyError(a + {number} * 0)") for number in range(9)]
    batch = await made.attempt(baseline, [*idle[:3], *alike])
    assert (batch.title, error_type(batch)) == ("raise KeyError(a + 0 * 0)", "KeyError")


async def test_a_few_candidates_without_effect_are_told_by_the_first(project: Make) -> None:
    made = await project(FILES)
    candidates = [edit("raise OSError('broken')"), *(edit(f"return a + {number} * 0") for number in range(4))]
    baseline = (await made.test()).results
    assert baseline is not None
    trial = await made.attempt(baseline, candidates)
    assert (trial.index, error_type(trial)) == (0, "OSError")


async def test_breaking_a_test_that_passed_counts(made: Project, baseline: ArtifactRef) -> None:
    text = CODE.replace("return a\n\n", f"{FIX}\n\n").replace("a > b", "a < b")
    breaks = Candidate(diff=patches.make_diff(PATH, CODE, text), title="breaks")
    trial = await made.attempt(baseline, [breaks])
    assert (trial.index, trial.passing) == (0, 0)
    assert trial.report.failing == ("tests/test_code.py::test_larger",)


@pytest.mark.parametrize(
    "body",
    [
        "import os; os._exit(0)",
        "import os; os.kill(os.getpid(), 11)",
        "import signal; signal.raise_signal(signal.SIGKILL)",
        "return smaller(a, b)",
        "while True: pass",
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 30)); import time; time.sleep(1000)",
        "import os; os.fork(); return a",
        "import subprocess; subprocess.Popen(['setsid', 'sleep', '1000']); return a",
        "return bytearray(1 << 40)",
        "import sys; sys.exit(0)",
        "import os; os.closerange(3, 100); return a",
        "print('x' * 1000000); return a",
        "this is no Python",
    ],
)
async def test_a_candidate_that_misbehaves_does_not_stop_the_next(project: Make, body: str) -> None:
    made = await project(FILES, test_timeout=4)
    baseline = (await made.test()).results
    trial = await made.attempt(baseline, [edit(body), edit(FIX)])
    assert (trial.index, trial.tried, trial.passing) == (1, 2, 1)
    alone = await made.attempt(baseline, [edit(body)])
    assert (alone.index, alone.report.passed) == (0, False)
    assert alone.report.failing_count >= 2


async def test_the_constitution_keeps_what_it_names(project: Make) -> None:
    rules = constitution.load_rules(
        f"immutable: [{{id: kept, operation: write, match: ['{PATH}'], reason: It is ours.}}]"
    )
    made = await project(FILES, rules=rules)
    trial = await made.attempt((await made.test()).results, [edit(FIX)])
    assert trial.refused == f"The constitution keeps {PATH} (rule kept): It is ours."


async def test_what_waits_for_a_person_is_tried_here_and_asked_about_when_it_is_published(project: Make) -> None:
    rules = constitution.load_rules(f"supervised: [{{id: ours, operation: write, match: ['{PATH}']}}]")
    made = await project(FILES, rules=rules)
    trial = await made.attempt((await made.test()).results, [edit(FIX)])
    assert (trial.refused, trial.report.passed) == ("", True)


async def test_a_candidate_leaves_nothing_to_the_next(project: Make) -> None:
    made = await project(FILES)
    baseline = (await made.test()).results
    leaves = (
        "import pathlib; pathlib.Path('left').mkdir(exist_ok=True); pathlib.Path('left/over').touch(); "
        "pathlib.Path('tests/test_code.py').write_text('def test_nothing(): pass'); return a"
    )
    finds = "import os; return min(a, b) if not os.path.exists('left') else a"
    trial = await made.attempt(baseline, [edit(leaves), edit(finds)])
    assert (trial.index, trial.passing, trial.report.passing_count) == (1, 1, 5)


async def test_candidates_for_what_conftest_imports_are_tried_as_well(project: Make) -> None:
    files = {**FILES, "conftest.py": "import code_under_test\n"}
    made = await project(files)
    baseline = (await made.test()).results
    trial = await made.attempt(baseline, [edit("return b"), edit(FIX)])
    assert (trial.index, trial.passing) == (1, 1)


async def test_new_and_removed_files_are_tried(project: Make) -> None:
    made = await project({**FILES, "old.py": "x = 1\n"})
    baseline = (await made.test()).results
    text = CODE.replace("return a\n\n", "from new import answer\n    return answer(a, b)\n\n")
    diff = patches.make_diff(PATH, CODE, text)
    diff += patches.make_diff("new.py", None, "answer = min\n")
    diff += patches.make_diff("old.py", "x = 1\n", None)
    trial = await made.attempt(baseline, [edit("return b"), Candidate(diff=diff)])
    assert (trial.index, trial.passing) == (1, 1)


async def test_files_that_cannot_be_written_do_not_stop_the_next(made: Project, baseline: ArtifactRef) -> None:
    below_a_file = Candidate(diff=patches.make_diff(f"{PATH}/new.py", None, "x = 1\n"))
    trial = await made.attempt(baseline, [below_a_file, edit(FIX)])
    assert (trial.index, trial.tried, trial.passing) == (1, 2, 1)


async def test_a_target_that_is_skipped_or_gone_is_no_pass(project: Make) -> None:
    tests = (
        "from code_under_test import smaller\nif smaller(2, 1) != 0:\n    def test_it(): assert smaller(2, 1) == 1\n"
    )
    made = await project({PATH: CODE, "tests/test_code.py": tests + "def test_other(): pass\n"})
    baseline = (await made.test()).results
    skips = "import pytest; pytest.skip('no', allow_module_level=True)"
    trial = await made.attempt(baseline, [edit("return 0"), edit(skips)])
    assert (trial.passing, trial.report.passed) == (0, False)
    assert trial.report.failing == ("tests/test_code.py::test_it",)
    assert "no tests ran" in trial.report.reason


async def test_a_file_that_could_not_be_collected_is_reached_with_its_tests(project: Make) -> None:
    made = await project({PATH: CODE.replace("def smaller", "def slower"), "tests/test_code.py": TESTS})
    report = await made.test()
    assert report.failing == ("tests/test_code.py",)
    old = CODE.replace("def smaller", "def slower")
    half = Candidate(diff=patches.make_diff(PATH, old, CODE))
    whole = Candidate(diff=patches.make_diff(PATH, old, CODE.replace("return a\n\n", f"{FIX}\n\n")))
    trial = await made.attempt(report.results, [half, whole])
    assert (trial.index, trial.passing, trial.report.passing_count) == (1, 1, 5)


async def test_a_command_that_fails_as_a_whole_is_reached_by_its_exit_status(project: Make) -> None:
    made = await project({"answer": "41\n"}, test_command="grep -q 42 answer")
    report = await made.test()
    candidates = [await made.change("answer", "41", number) for number in ("43", "42", "142")]
    trial = await made.attempt(report.results, candidates)
    assert (trial.index, trial.tried, trial.passing, trial.report.structured) == (1, 2, 1, False)


async def test_of_a_command_that_names_no_tests_whatever_looks_like_one_is_protected(project: Make) -> None:
    made = await project({"a.txt": "1\n", "spec/test.sh": "exit 3\n"}, test_command="sh spec/test.sh")
    report = await made.test()
    trial = await made.attempt(report.results, [await made.change("spec/test.sh", "3", "0")])
    assert trial.refused == "The patch changes spec/test.sh, which is protected."


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("tests/test_code.py", TESTS, "def test_nothing(): pass\n"),
        ("tests/expected.json", "{}", '{"a": 1}'),
        ("tests/conftest.py", None, "collect_ignore = ['test_code.py']\n"),
        ("conftest.py", None, "collect_ignore = ['tests']\n"),
        ("pytest.ini", None, "[pytest]\naddopts = --collect-only\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "[tool.pytest.ini_options]\naddopts = '--co'\n"),
        ("../outside.py", None, "x = 1\n"),
        (".git/config", None, "x = 1\n"),
        (PATH, "something else\n", "x = 1\n"),
    ],
)
async def test_a_candidate_that_may_not_be_applied_is_refused(
    project: Make, path: str, old: str | None, new: str
) -> None:
    made = await project({**FILES, "tests/expected.json": "{}", "pyproject.toml": "[tool.pytest.ini_options]\n"})
    baseline = (await made.test()).results
    bad = Candidate(diff=patches.make_diff(path, old, new))
    refused = await made.attempt(baseline, [bad])
    assert (refused.index, refused.tried, refused.diff, refused.report.passed) == (-1, 0, None, False)
    assert refused.refused == refused.report.reason != ""
    trial = await made.attempt(baseline, [bad, edit(FIX)])
    assert (trial.index, trial.tried, trial.passing) == (1, 1, 1)
    assert trial.refused


async def test_settings_that_hold_nothing_of_pytest_may_change(project: Make) -> None:
    made = await project({**FILES, "setup.cfg": "[metadata]\nname = 41\n"})
    baseline = (await made.test()).results
    trial = await made.attempt(baseline, [await made.change("setup.cfg", "41", "42")])
    assert (trial.index, trial.tried) == (0, 1)


async def test_no_candidates_are_no_trial(project: Make) -> None:
    made = await project(FILES)
    trial = await made.attempt((await made.test()).results, [])
    assert (trial.index, trial.refused) == (-1, "There is no candidate.")


async def test_a_test_that_hung_is_only_run_for_what_passes_the_others(project: Make) -> None:
    code = "def count(n):\n    while n != 0:\n        n = n - 2\n    return 1\n"
    tests = (
        "from counting import count\n\n\n"
        "def test_three():\n    assert count(3) == 0\n\n\n"
        "def test_two():\n    assert count(2) == 0\n"
    )
    made = await project({"counting.py": code, "tests/test_counting.py": tests}, test_timeout=4)
    baseline = (await made.test()).results
    ends = Candidate(diff=patches.make_diff("counting.py", code, code.replace("!= 0", "> 3")), title="ends")
    text = code.replace("!= 0", "> 0").replace("return 1", "return 0")
    fixed = Candidate(diff=patches.make_diff("counting.py", code, text), title="fixed")
    trial = await made.attempt(baseline, [ends])
    assert trial.report.failing == ("tests/test_counting.py::test_three", "tests/test_counting.py::test_two")
    trial = await made.attempt(baseline, [ends, fixed])
    assert (trial.title, trial.report.passed) == ("fixed", True)


@pytest.mark.parametrize(
    "test",
    [
        "time.sleep(1)\n    assert smaller(2, 1) == 1",
        "assert smaller(2, 1) == 1\n    time.sleep(1)",
        "end = time.process_time() + 0.4\n    while time.process_time() < end: pass\n    assert smaller(2, 1) == 1",
    ],
    ids=["waits", "waits when it is fixed", "computes"],
)
async def test_a_slow_test_beside_quick_ones_does_not_hang(project: Make, test: str) -> None:
    slow = f"import time\nfrom code_under_test import smaller\n\ndef test_slow():\n    {test}\n"
    quick = "from code_under_test import larger\n\ndef test_quick():\n    assert larger(1, 2) == 2\n"
    made = await project({PATH: CODE, "tests/test_slow.py": slow, "tests/test_quick.py": quick})
    baseline = (await made.test()).results
    trial = await made.attempt(baseline, [edit("return b"), edit(FIX)])
    assert trial.report.passed, trial.report


DOCTEST = """
def discount(quantity):
    \"\"\"Ten per cent from ten pieces on.

    >>> discount(9)
    0.0
    >>> discount(10)
    0.1
    \"\"\"
    return 0.1 if quantity > 10 else 0.0
"""
SAME_FILE = """
def discount(quantity):
    return 0.1 if quantity > 10 else 0.0

def test_few(): assert discount(9) == 0.0
def test_boundary(): assert discount(10) == 0.1
"""


@pytest.mark.parametrize(
    ("source", "command", "judge"),
    [
        (DOCTEST, "python -m pytest --doctest-modules", (">>> discount(10)\n    0.1", ">>> discount(10)\n    0.0")),
        (SAME_FILE, "python -m pytest price.py", ("discount(10) == 0.1", "discount(10) == 0.0")),
    ],
)
async def test_a_program_is_mended_whose_tests_stand_beside_it(
    project: Make, source: str, command: str, judge: tuple[str, str]
) -> None:
    made = await project({"price.py": source}, test_command=command)
    baseline = await made.test()
    assert baseline.failing_count == 1
    cheat, fix = await made.change("price.py", *judge), await made.change("price.py", "> 10", ">= 10")
    trial = await made.attempt(baseline.results, [cheat, fix])
    assert (trial.index, trial.report.passed, trial.refused) == (1, True, "1 were refused")
    assert "belongs to the tests" in (await made.attempt(baseline.results, [cheat])).report.reason
