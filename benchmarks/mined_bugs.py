"""Builds a suite of bugs from fixes in the histories of repositories: those whose tests fail before and pass after.

Run with `python -m benchmarks.mined_bugs PROJECTS OUT --cases 10`. PROJECTS is a JSON file: for each project its
`repository` (a git directory with its history), `setup` (the packages that its tests need), `since` (the first day of
the history) and, where they differ, `env` and `options` of the tests. Each instance is the tree before a fix with the
tests of the fix in it; tests that also fail after the fix are left out. What was said of the fix is the issue.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activities.code.test_files import is_test_file
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from benchmarks.bug_fixes import Case, cases, git

_SECONDS = 150
# Tests that the environment breaks: with more of them, a bug says more of the environment than of its cause.
_BROKEN = 12
_HUNK = re.compile(r"^@@ .*?@@.*$", re.M)
# What says which packages are installed: without it, the bugs of a project share an environment.
_DECLARING = ("requirements*", "setup.py", "setup.cfg", "pyproject.toml", "*.lock")
_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?(?:::.*?)?)(?: - .*)?$", re.M)


def find_gold(patch: str, texts: dict[str, str]) -> list[str]:
    """Return the regions that a patch changes as "path:symbol", functions if there are any; `texts` are without it."""
    functions: dict[str, None] = {}
    others: dict[str, None] = {}
    for piece in re.split(r"^diff --git ", patch, flags=re.M)[1:]:
        named = re.search(r"^--- a/(.+)$", piece, re.M)
        if named is None or named[1] not in texts or is_test_file(named[1]):
            continue
        source = Source.parse(named[1], texts[named[1]])
        for line in _list_changed_lines(piece, texts[named[1]]) if source else ():
            assert source is not None
            around = [
                region
                for region in list_regions(source)
                if region.node and region.node.lineno <= line <= (region.node.end_lineno or 0)
            ]
            innermost = max(around, key=lambda region: region.node.lineno if region.node else 0, default=None)
            if innermost is not None and innermost.function is not None:
                functions[f"{named[1]}:{innermost.symbol}"] = None
            else:
                others[f"{named[1]}:{innermost.symbol if innermost else '<module>'}"] = None
    return list(functions or others)


def _list_changed_lines(piece: str, text: str) -> Iterator[int]:
    """Yield the lines of `text` that the hunks of a file's patch remove, and those before what they add."""
    lines = text.splitlines()
    for hunk in _HUNK.split(piece)[1:]:
        rows = [row for row in hunk.split("\n")[1:] if row[:1] in (" ", "-", "+")]
        before = [row[1:] for row in rows if row[0] != "+"]
        starts = (at for at in range(len(lines) - len(before) + 1) if lines[at : at + len(before)] == before)
        if not before or (start := next(starts, None)) is None:
            continue
        line, is_added = start, False
        for row in rows:
            if row[0] == "+":
                if not is_added:
                    yield max(line, 1)
                is_added = True
            else:
                line += 1
                is_added = False
                if row[0] == "-":
                    yield line
                    is_added = True


def build(case: Case, project: dict[str, Any], python: Path, target: Path) -> str:
    """Write an instance for a case to `target`; what is wrong with it, empty where nothing is."""
    repository = Path(project["repository"])
    changed = git(repository, "diff", "--name-only", "--no-renames", "--diff-filter=AM", case.parent, case.commit)
    tests = [path for path in changed.splitlines() if is_test_file(path)]
    runnable = [path for path in tests if re.search(r"(^test_|_test|^tests?)\w*\.py$", path.rpartition("/")[2])]
    if not runnable or len(runnable) > 3:
        return f"{len(runnable)} files of tests"
    repo = target / "repo"
    repo.mkdir(parents=True)
    _extract(repository, case.parent, repo)
    _extract(repository, case.commit, repo, *tests)
    _remove_declarations(repo)
    before = _run(python, repo, runnable, project)
    with tempfile.TemporaryDirectory() as folder:
        _extract(repository, case.commit, Path(folder))
        _remove_declarations(Path(folder))
        after = _run(python, Path(folder), runnable, project)
    passing = {test for test, outcome in after.items() if outcome == "PASSED"}
    broken = [test for test, outcome in after.items() if outcome != "PASSED"]
    failing = [test for test, outcome in before.items() if outcome != "PASSED" and test not in broken]
    if (
        not failing
        or not passing
        or len(broken) > _BROKEN
        or not all(re.fullmatch(r"\S+::\S+", test) for test in broken)
    ):
        return f"{len(failing)} tests fail before, {len(passing)} pass after, {len(broken)} fail after"
    patch = git(repository, "diff", "-U3", "--no-renames", "--no-color", case.parent, case.commit, "--", *case.files)
    gold = find_gold(patch, {path: (repo / path).read_text() for path in case.files if (repo / path).exists()})
    if not gold:
        return "nothing that can be localised is changed"
    issue = f"{case.title}\n{case.text}"
    # Half of the reporters give a reproduction.
    if case.reproduction and zlib.crc32(case.commit.encode()) % 2:
        issue += f"\n```\n{case.reproduction}\n```"
    left_out = " ".join(f"--deselect={test}" for test in broken)
    instance = {
        "id": target.name,
        "issue": issue,
        "setup": [f"pip install {' '.join(repr(package) for package in project['setup'])}"],
        "env": {**project.get("env", {}), "PYTEST_ADDOPTS": left_out},
        "test_command": " ".join(
            ["python -m pytest -q -p no:cacheprovider", *project.get("options", "").split(), *runnable]
        ),
        "test_timeout_s": 300,
        "gold_files": sorted({symbol.partition(":")[0] for symbol in gold}),
        "gold_symbols": gold,
    }
    (target / "instance.json").write_text(json.dumps(instance, indent=1) + "\n")
    return ""


def _extract(repository: Path, commit: str, folder: Path, *paths: str) -> None:
    archive = subprocess.run(["git", "-C", repository, "archive", commit, *paths], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)


def _remove_declarations(folder: Path) -> None:
    for pattern in _DECLARING:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _run(python: Path, folder: Path, tests: list[str], project: dict[str, Any]) -> dict[str, str]:
    options = project.get("options", "").split()
    env = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(folder), **project.get("env", {})}
    command = [python, "-m", "pytest", "-rA", "--tb=no", "-q", "-p", "no:cacheprovider", *options, *tests]
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return {}
    return {match[2]: match[1] for match in _OUTCOME.finditer(done.stdout.decode(errors="replace"))}


def _make_environment(packages: list[str], folder: Path) -> Path:
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", *packages], check=True)
        (folder / "made").touch()
    return folder / "bin/python"


def main() -> None:
    """Build the suite, one instance after the other, and list those that hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cases", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    projects = json.loads(given.projects.read_bytes())
    out = given.out.resolve()
    for name, project in projects.items():
        if given.only and name not in given.only:
            continue
        python = _make_environment(project["setup"], out / "environments" / name)
        held = 0
        drawn = cases(Path(project["repository"]), name, 8 * given.cases, project["since"])
        random.Random(name).shuffle(drawn)
        for case in drawn:
            target = out / f"{name}-{case.commit[:10]}"
            if held == given.cases:
                break
            try:
                wrong = build(case, project, python, target) if not target.exists() else ""
            except (subprocess.CalledProcessError, UnicodeDecodeError) as error:
                wrong = str(error)
            held += not wrong and (target / "instance.json").exists()
            print(f"{target.name}: {wrong or 'holds'}", flush=True)
            if wrong:
                shutil.rmtree(target, ignore_errors=True)
    names = sorted(path.parent.name for path in out.glob("*/instance.json"))
    (out / "suite.json").write_text(json.dumps({"name": "mined", "instances": names}, indent=1) + "\n")


if __name__ == "__main__":
    main()
