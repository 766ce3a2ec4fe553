"""Formatting a fix as its repository does: the lines that it changes, by the repository's own formatters.

They run in the sandbox, since their plugins and configuration are the repository's. What they write is taken where it
is the same code, and no more than the fix's own lines.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from difflib import SequenceMatcher

from activities.code.languages import find_language
from activities.code.python_source import parse_source
from activities.code.test_files import is_test_file
from activities.sandbox.formatters import FORMATTERS, Formatter
from activities.sandbox.protocol import INPUTS
from activities.sandbox.test_run import TestRunner
from hydranet import patches

_FILES, _CHARACTERS, _LINES = 10, 400_000, 5_000
SECONDS = 30.0
# Lines beside those of the fix that may change with them, such as the brackets around an argument.
_BESIDE = 3


async def format_changes(
    runner: TestRunner, names: Collection[str], before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[str, tuple[str, ...]]:
    """Return the diff by which formatters change the files that a fix leaves as `after`, and the names of those used.

    `names` are those of the formatters that may be used, and `before` has the texts at the base, but of new files.
    """
    diffs: list[str] = []
    used: dict[str, None] = {}
    for path, text in [*after.items()][:_FILES]:
        if is_test_file(path) or max(len(text), len(before.get(path) or "")) > _CHARACTERS:
            continue
        for formatter in FORMATTERS:
            if formatter.name not in names or not path.endswith(formatter.suffixes):
                continue
            formatted = await _format(runner, formatter, path, before.get(path), text)
            if formatted is not None:
                used[formatter.name] = None
                diffs.append(patches.make_diff(path, text, formatted))
                break
    return "".join(diffs), tuple(used) if any(diffs) else ()


async def _format(runner: TestRunner, formatter: Formatter, path: str, old: str | None, new: str) -> str | None:
    """Return a text as a formatter has it; None where the project does not use that one for the file."""
    formatted = await _run(runner, formatter, path, new)
    if formatted is None:
        return None
    if old is not None and await _run(runner, formatter, path, old) != old:
        if formatter.name == "ruff":
            # It may check the code of the project, and format none of it.
            return None
        formatted = keep_own_lines(old, new, formatted)
    return formatted if is_same_program(path, new, formatted) else None


async def _run(runner: TestRunner, formatter: Formatter, path: str, text: str) -> str | None:
    command = formatter.make_command(path, runner.spec.folder, f"{INPUTS}/source")
    _, execution = await runner.run(command, plugin=None, inputs={"source": text}, seconds=SECONDS, at_top=True)
    is_whole = execution.exit_status == 0 and not execution.reason and not execution.left_out
    return execution.stdout if is_whole and execution.stdout else None


def keep_own_lines(old: str, new: str, formatted: str) -> str:
    """Return `new` with what `formatted` changes of the lines that are not in `old`, and of few beside them."""
    before, lines, after = (text.splitlines(keepends=True) for text in (old, new, formatted))
    if max(map(len, (before, lines, after))) > _LINES:
        return new
    own = {index for _, _, start, end in _list_changes(before, lines) for index in range(start, end)}
    result: list[str] = []
    position = 0
    for start, end, first, last in _list_changes(lines, after):
        touched = own & set(range(start, end)) if start < end else own & {start - 1, start}
        if touched and end - start - len(touched) <= _BESIDE:
            result += [*lines[position:start], *after[first:last]]
            position = end
    return "".join([*result, *lines[position:]])


def is_same_program(path: str, old: str, new: str) -> bool:
    """Return whether formatting has left the program of a file as it was, as far as can be told."""
    if path.endswith((".py", ".pyi")):
        before, after = parse_source(old), parse_source(new)
        if before is None or after is None:
            return False
        try:
            return ast.dump(before) == ast.dump(after)
        except (RecursionError, MemoryError):
            return False
    language = find_language(path)
    return language is not None and language.find_new_fault(old, new) is None


def _list_changes(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int, int]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [codes[1:] for codes in matcher.get_opcodes() if codes[0] != "equal"]
