"""Learns the priors of the repair templates from small bug fixes in the histories of repositories.

Run with `python -m benchmarks.priors REPOSITORY...` (paths of git directories with their history). Of each it takes
commits whose message speaks of a fix or a bug and that change at most three lines of one function and no other
code but tests. At the statements that were changed all templates make their edits; the one that gives the fixed
code is right. A template's factor is how often it was right beside how often its hand-made priors expect it to be,
both with `SMOOTHING` added, within `BOUNDS`. Only the figures are written, to priors.json beside the templates.
"""

import argparse
import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from activities.code.test_files import is_test_file
from activities.localisation.regions import Region, list_regions
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from activities.repair.families import PRIORS_FILE, TEMPLATES, name_template
from activities.repair.scope import NamesInScope
from activities.repair.site import list_sites
from benchmarks.bug_fixes import git

LINES = 3
FUNCTION_LINES = 80
SMOOTHING = 2.0
BOUNDS = 0.5, 2.0

_FIX = re.compile(r"\b(fix(e[sd])?|bug|regression|off.by.one|crash(es)?)\b", re.I)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)
_BLANK = re.compile(r"#[^\n]*|\s+")


def fixes(repository: Path) -> Iterator[tuple[str, str]]:
    """(commit, path) of fixes that change few lines of one file besides tests, latest first."""
    log = git(
        repository, "log", "--no-merges", "--format=%x00%H%x01%s", "--numstat", "--no-renames", "HEAD", "--", "*.py"
    )
    for entry in log.split("\0")[1:]:
        head, _, rest = entry.partition("\n")
        commit, _, subject = head.partition("\x01")
        rows = [row.split("\t") for row in rest.strip().splitlines()]
        code = [row for row in rows if not is_test_file(row[2])]
        if len(code) == 1 and _FIX.search(subject):
            added, removed, path = code[0]
            if added.isdigit() and removed.isdigit() and 0 < max(int(added), int(removed)) <= LINES:
                yield commit, path


def before_and_after(repository: Path, commit: str, path: str) -> tuple[Source, str, Region, range] | None:
    """The code before, the text after, the one function that was changed, and its changed lines."""
    try:
        old, new = git(repository, "show", f"{commit}^:{path}"), git(repository, "show", f"{commit}:{path}")
        diff = git(repository, "diff", "-U0", f"{commit}^", commit, "--", path)
    except subprocess.CalledProcessError:
        return None
    hunks = [tuple(int(number) if number else 1 for number in found.groups()) for found in _HUNK.finditer(diff)]
    source = Source.parse(path, old)
    if source is None or not hunks:
        return None
    first = min(start + (count == 0) for start, count, _, _ in hunks)
    last = max(start + max(count, 1) - 1 for start, count, _, _ in hunks)
    for region in list_regions(source):
        node = region.function
        if node is not None and node.lineno <= first and last <= (node.end_lineno or 0) <= node.lineno + FUNCTION_LINES:
            return source, new, region, range(min(first, last), max(first, last) + 1)
    return None


def offers(source: Source, new: str, region: Region, lines: range) -> tuple[Counter[str], dict[str, float], set[str]]:
    """By template how many edits it makes and what they weigh by hand, and the templates with the right one."""
    assert region.function is not None
    start, end = source.span_of_lines(region.statements[0].first_line, region.function.end_lineno or 0)
    wanted = _BLANK.sub("", new[start : end + len(new) - len(source.text)])
    scope = NamesInScope(region, Vocabulary.from_trees([source.tree]))
    offered: Counter[str] = Counter()
    weighed: dict[str, float] = {}
    right: set[str] = set()
    for statement in region.statements:
        if not any(statement.first_line <= line + 1 and line - 1 <= statement.header_end for line in lines):
            continue
        for site in list_sites(scope, statement):
            for template in TEMPLATES:
                for edit in template(site):
                    key = name_template(template)
                    offered[key] += 1
                    weighed[key] = weighed.get(key, 0.0) + edit.prior
                    if key not in right:
                        text = source.apply(edit.replacements)
                        made = text[start : end + len(text) - len(source.text)]
                        if len(made) < 2 * (end - start) + 500 and _BLANK.sub("", made) == wanted:
                            right.add(key)
    return offered, weighed, right


def main() -> None:
    """Learn and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--most", type=int, default=60, help="fixes read of each repository")
    given = parser.parse_args()
    offered: Counter[str] = Counter()
    right: defaultdict[str, float] = defaultdict(float)
    expected: defaultdict[str, float] = defaultdict(float)
    read: dict[str, int] = {}
    reproduced = 0
    for repository in given.repositories:
        title = repository.parent.name if repository.name in ("repo", ".git") else repository.name
        for commit, path in fixes(repository):
            if read.get(title, 0) >= given.most:
                break
            found = before_and_after(repository, commit, path)
            if found is None:
                continue
            read[title] = read.get(title, 0) + 1
            counts, weights, hits = offers(*found)
            offered += counts
            if hits:
                reproduced += 1
                total = sum(weights.values())
                for key, weight in weights.items():
                    expected[key] += weight / total
                for key in hits:
                    right[key] += 1 / len(hits)
        print(f"{title}: {read.get(title, 0)} fixes read, {reproduced} in all that a template makes", flush=True)
    rows = {
        key: {
            "offered": offered[key],
            "right": round(right[key], 2),
            "expected": round(expected[key], 2),
            "factor": round(min(max((right[key] + SMOOTHING) / (expected[key] + SMOOTHING), BOUNDS[0]), BOUNDS[1]), 3),
        }
        for key in sorted(map(name_template, TEMPLATES))
    }
    document = {"fixes": read, "reproduced": reproduced, "templates": rows}
    PRIORS_FILE.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
