"""What a fix changes of the base, as a person reads it before it is published."""

from __future__ import annotations

import re
from pathlib import Path

from activities.checkpoints.secret_scan import find_secrets
from activities.git.command import check_id, run_git
from hydranet.person_wait import DIFF_CHARACTERS
from hydranet.text.truncation import keep_first_lines

# Whatever the repository declares of its files: each line is text, and no program shows it.
_OPTIONS = ("-r", "-p", "--text", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color")
# Secrets are looked for in what is shown, and a little more, so that the cut leaves no half of one.
_SCANNED = 2 * DIFF_CHARACTERS
_KEY = "Private Key"
_INDEX = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+")
_FILE = re.compile(r"^diff --git ", re.MULTILINE)
_NAME = re.compile(r'^(?:\+\+\+|---) "?[ab]/(.*?)"?\t?$', re.MULTILINE)


def make_fix_diff(folder: Path, base: str, fix: str) -> str:
    """Return the diff from the base to a fix, whose objects a git folder of ours has, cut to what a person is shown.

    A line that may hold a secret is not repeated: the diff leaves the machine with notices.
    """
    options = (*_OPTIONS, "--src-prefix=a/", "--dst-prefix=b/")
    output = run_git(folder, "diff-tree", *options, check_id(base), check_id(fix))
    text = output.decode(errors="replace")[:_SCANNED]
    starts = [match.start() for match in _FILE.finditer(text)]
    files = (text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    return keep_first_lines("".join(map(_hide_secrets, files)), DIFF_CHARACTERS)


def _hide_secrets(file: str) -> str:
    lines = file.split("\n")
    head = next((number for number, line in enumerate(lines) if line.startswith("@@")), len(lines))
    names = _NAME.findall("\n".join(lines[:head]))
    content = [
        (number, line[1:]) for number, line in enumerate(lines) if number >= head and line[:1] in ("+", "-", " ")
    ]
    hidden = dict(find_secrets(names[-1] if names else "", content))
    if _KEY in hidden.values():  # which is known by its first line alone
        hidden = {number: _KEY for number, _ in content}
    shown = enumerate(lines)
    # The ids of contents say nothing to a reader.
    return "\n".join(
        _hide(line, hidden.get(number, "")) for number, line in shown if number >= head or not _INDEX.match(line)
    )


def _hide(line: str, kind: str) -> str:
    return f"{line[:1]}[not shown: it may hold a secret ({kind})]" if kind else line
