"""Candidates tried per second on one core by pytest, unittest and Django, beside a process per candidate; goal: 10.

Run with `python -m benchmarks.warm_trials [RUNNER...]`. Each runner has the same small program with six tests, of which
two fail, and tries candidates that fail them. Django's project has the applications that `startproject` names, and two
of its tests use the database.

Run with `python -m benchmarks.warm_trials SUITE INSTANCE...` for bugs of a suite. The candidates then add a comment to
the first file that the fix changes.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from activities.artifacts.store import put_model
from activities.git.command import run_git
from benchmarks import run
from benchmarks.engine import load_settings
from hydra_cli.bench.instance_tests import PreparedRepository, prepare
from hydra_cli.bench.suite import check_out, read_suite
from hydranet import patches
from hydranet.contracts import Candidate, Candidates, TestReport, TrialRequest
from hydranet.settings import Settings

WARM, SEPARATE = 100, 10
# A real program's take longer.
SUITE_WARM, SUITE_SEPARATE = 40, 5

CODE = "def total(prices):\n    return sum(prices) + 1\n\n\ndef count(prices):\n    return len(prices)\n"
PATH = "shop/cart.py"
FUNCTIONS = """
from shop.cart import count, total

def test_total(): assert total([1, 2]) == 3
def test_none(): assert total([]) == 0
def test_count(): assert count([1, 2]) == 2
def test_empty(): assert count([]) == 0
def test_many(): assert count(range(9)) == 9
def test_text(): assert count("abc") == 3
"""
METHODS = """
from {module} import TestCase
from shop.cart import count, total

class CartTest(TestCase):
    def test_total(self): self.assertEqual(total([1, 2]), 3)
    def test_none(self): self.assertEqual(total([]), 0)
    def test_count(self): self.assertEqual(count([1, 2]), 2)
    def test_empty(self): self.assertEqual(count([]), 0)
    def test_many(self): self.assertEqual(count(range(9)), 9)
    def test_text(self): self.assertEqual(count("abc"), 3)
"""
STORED = """
from django.contrib.auth.models import User
from django.test import TestCase
from shop.cart import count, total

class StoredTest(TestCase):
    def test_total(self):
        User.objects.create(username="ada")
        self.assertEqual(total(User.objects.values_list("id", flat=True)), 1)

    def test_count(self):
        self.assertEqual(count(User.objects.all()), 0)
"""
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
"""
SETTINGS = """
SECRET_KEY = "for tests"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles", "shop",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
SILENCED_SYSTEM_CHECKS = ["admin.E403", "admin.E408", "admin.E409", "admin.E410"]
"""
RUNNERS: dict[str, tuple[str, Mapping[str, str]]] = {
    "pytest": ("python -m pytest -q", {"tests/test_cart.py": FUNCTIONS}),
    "unittest": ("python -m unittest", {"tests/test_cart.py": METHODS.format(module="unittest")}),
    "django": (
        "python manage.py test",
        {
            "requirements.txt": "django==5.2.*\n",
            "manage.py": MANAGE,
            "site_settings.py": SETTINGS,
            "tests/test_cart.py": METHODS.format(module="django.test"),
            "tests/test_stored.py": STORED,
        },
    ),
}


async def measure(
    prepared: PreparedRepository, baseline: TestReport, command: str, path: str, texts: Sequence[tuple[str, str]]
) -> float:
    """Return the candidates per second of one batch; `texts` are the file's at the base and with each candidate."""
    assert baseline.results is not None
    candidates = tuple(Candidate(diff=patches.make_diff(path, before, after)) for before, after in texts)
    request = TrialRequest(
        snapshot=prepared.snapshot,
        parent=prepared.base,
        environment=prepared.environment,
        spec=prepared.spec.model_copy(update={"test_command": command}),
        baseline=baseline.results,
        candidates=await put_model(prepared.artifacts, Candidates(candidates=candidates)),
    )
    began = time.perf_counter()
    trial = await prepared.sandbox.try_candidates(request)
    return trial.tried / (time.perf_counter() - began)


async def compare(
    name: str, folder: Path, settings: Settings, path: str, texts: Sequence[tuple[str, str]], separate: int
) -> None:
    """Print the figures of the repository in `folder`."""
    command = settings.sandbox.test_command
    async with prepare(folder, settings) as prepared:
        baseline = await prepared.run_tests()
        warm = await measure(prepared, baseline, command, path, texts)
        anew = await measure(prepared, baseline, f"{command} && true", path, texts[:separate])
    print(
        f"{name:8} warm: {warm:5.1f} a second; a process per candidate: {anew:4.1f} a second: {warm / anew:.1f} times"
    )


async def main() -> None:
    """Print the figures of each runner, or of each bug."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if not RUNNERS.keys() >= set(sys.argv[1:]):
        await _compare_bugs(Path(sys.argv[1]), sys.argv[2:])
        return
    texts = [(CODE, CODE.replace("+ 1", f"+ {number}")) for number in range(2, WARM + 2)]
    for name in sys.argv[1:] or RUNNERS:
        command, files = RUNNERS[name]
        with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
            await asyncio.to_thread(_commit, Path(folder), {PATH: CODE, "shop/__init__.py": "", **files})
            settings = load_settings()
            sandbox = settings.sandbox.model_copy(update={"test_command": command})
            own = settings.model_copy(update={"sandbox": sandbox})
            await compare(name, Path(folder), own, PATH, texts, SEPARATE)


async def _compare_bugs(suite: Path, names: list[str]) -> None:
    for name, instance in read_suite(suite, names)[1].items():
        path = instance.gold_files[0]
        with tempfile.TemporaryDirectory(prefix="hydra-bench-") as place:
            folder = (await asyncio.to_thread(check_out, instance, Path(place) / "repository")).path
            code = (folder / path).read_text()
            texts = [(code, f"{code}# {number}\n") for number in range(SUITE_WARM)]
            await compare(name, folder, instance.merge_settings(load_settings()), path, texts, SUITE_SEPARATE)


def _commit(folder: Path, files: Mapping[str, str]) -> None:
    run_git(folder, "init", "--quiet")
    for name, text in {**files, "conftest.py": "", "tests/__init__.py": ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run_git(folder, "add", "--all")
    run_git(folder, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "all")


if __name__ == "__main__":
    run(main)
