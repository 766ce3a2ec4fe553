"""Bug fixes of the histories of repositories, as cases to learn from: what was said, and what was changed for it.

Of each repository it takes commits whose message speaks of a fix or a bug, and that change a few functions of at most
three files, and tests. What was said is the message, the news that the commit adds to a change log, and, as the
reproduction that a reporter would give, some lines of a test that it adds. A message that names a file that was
changed is left out: a commit's author knows it, a reporter rarely does.
"""

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from activities.code import python_syntax
from activities.code.test_files import is_test_file

FILES = 3
FUNCTIONS = 6
LINES = 120
WORDS = 8
REPRODUCTION_LINES = 15
SINCE = "2015-01-01"

_FIX = re.compile(r"\b(fix(e[sd])?|bugs?|bugfix|regression|crash(es)?|wrong(ly)?|incorrect(ly)?|broken)\b", re.I)
_NO_BUG = re.compile(r"\b(typos?|lint|flake8|docs?|docstring|comments?|tests?|ci|bump|mypy|typing|spelling)\b", re.I)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)
_NEWS = re.compile(r"(change|news|history|whatsnew|release)", re.I)
_TRAILER = re.compile(
    r"^(Co-authored-by|Signed-off-by|Change-Id|Reviewed-by|Cherry-picked|\(cherry picked|Merge |---).*$|^\s*\* "
    r"(Apply|Update|Add (tests?|change)|\[pre-commit).*$|\(#\d+\)|https?://\S+|(fix(es)?|close[sd]?|refs?|see):? #\d+",
    re.I | re.M,
)


@dataclass(frozen=True)
class Case:
    """One fix: what was said of the bug, and the files and functions that were changed, as they were before."""

    project: str
    commit: str
    title: str
    text: str
    reproduction: str
    tests: tuple[str, ...]
    files: tuple[str, ...]
    functions: tuple[str, ...]

    @property
    def parent(self) -> str:
        return f"{self.commit}^"


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def cases(repository: Path, project: str, most: int, since: str = SINCE) -> list[Case]:
    """At most `most` cases of a history, drawn from all of it, the oldest first."""
    log = git(repository, "log", "--no-merges", "--reverse", f"--since={since}", "--format=%H %s", "HEAD")
    subjects = dict(line.split(" ", 1) for line in log.splitlines() if " " in line)
    commits = [one for one, said in subjects.items() if _FIX.search(said) and not _NO_BUG.search(said)]
    random.Random(project).shuffle(commits)
    found: dict[str, Case] = {}
    for commit in commits:
        try:
            case = _case(repository, project, commit) if _is_small(repository, commit) else None
        except subprocess.CalledProcessError:  # a mirror may lack some large files
            continue
        if case is not None:
            found[commit] = case
        if len(found) == most:
            break
    return [found[commit] for commit in subjects if commit in found]


def _is_small(repository: Path, commit: str) -> bool:
    """Whether a commit changes few lines of few files, and tests."""
    rows = [
        row.split("\t")
        for row in git(repository, "show", "--numstat", "--no-renames", "--format=", commit).splitlines()
    ]
    python = [row for row in rows if row[-1].endswith(".py")]
    code = [row for row in python if not is_test_file(row[-1]) and not row[-1].startswith(("docs/", "examples/"))]
    tests = [row for row in python if is_test_file(row[-1]) and row[0] not in ("-", "0")]
    few = all(row[0].isdigit() and int(row[0]) + int(row[1]) <= LINES for row in code)
    return few and 1 <= len(code) <= FILES and len(tests) > 0


def _case(repository: Path, project: str, commit: str) -> Case | None:
    message = _TRAILER.sub("", git(repository, "show", "-s", "--format=%B", commit)).strip()
    title, _, rest = message.partition("\n")
    diff = git(repository, "diff", "-U0", "--no-renames", "--no-color", f"{commit}^", commit)
    files, functions, tests, news, reproduction = list[str](), list[str](), list[str](), "", ""
    for path, hunks, added in _changes(diff):
        if path.endswith(".py") and is_test_file(path):
            reproduction = reproduction or _reproduction(added)
            tests += _tests(path, added)
        elif path.endswith(".py"):
            files.append(path)
            functions += _functions(repository, commit, path, hunks)
        elif _NEWS.search(path):
            news += "\n".join(added)
    text = "\n".join([rest, _TRAILER.sub("", news)]).strip()
    said = f"{title} {text}"
    if any(Path(path).name in said for path in files) or len(re.findall(r"[A-Za-z]{3,}", said)) < WORDS:
        return None
    if not files or not 0 < len(set(functions)) <= FUNCTIONS:
        return None
    changed = tuple(dict.fromkeys(functions))
    return Case(project, commit, title, text[:6000], reproduction, tuple(tests[:5]), tuple(files), changed)


def _changes(diff: str) -> Iterator[tuple[str, list[tuple[int, int]], list[str]]]:
    """Each file's path, hunks of the old side as (first line, lines), and added lines."""
    for piece in re.split(r"^diff --git ", diff, flags=re.M)[1:]:
        if (named := re.search(r"^(?:--- a/|\+\+\+ b/)(.+)$", piece, re.M)) is None:
            continue
        hunks = [(int(found[1]), int(found[2] or 1)) for found in _HUNK.finditer(piece)]
        body = piece[piece.find("\n@@") :]
        yield named[1], hunks, [line[1:] for line in body.splitlines() if line.startswith("+")]


def _functions(repository: Path, commit: str, path: str, hunks: list[tuple[int, int]]) -> Iterator[str]:
    """The innermost definitions that the hunks touch, as node ids."""
    try:
        source = git(repository, "show", f"{commit}^:{path}")
    except subprocess.CalledProcessError:
        return
    definitions = [
        one for one in python_syntax.list_definitions(python_syntax.parse_python(source)) if one.kind != "variable"
    ]
    for first, count in hunks:
        for line in range(first, first + max(count, 1)):
            around = [one for one in definitions if one.first <= line <= one.last]
            if around:
                yield f"{path}::{max(around, key=lambda one: one.first).name}"


def _tests(path: str, added: list[str]) -> Iterator[str]:
    """The ids of the test functions whose first line was added, as if they stood in no class."""
    for line in added:
        if (named := re.match(r"\s*(?:async )?def (test\w*)", line)) is not None:
            yield f"{path}::{named[1]}"


def _reproduction(added: list[str]) -> str:
    """Some lines of the first test function that was added, without the line that names it."""
    start = next((at for at, line in enumerate(added) if re.match(r"\s*(async )?def test", line)), None)
    if start is None:
        return ""
    lines: list[str] = []
    for line in added[start + 1 :]:
        if re.match(r"\s*(@|(async )?def |class )", line):
            break
        lines.append(line)
    return "\n".join(lines[:REPRODUCTION_LINES]).rstrip()
