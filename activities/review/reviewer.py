"""The reviewer: reads what a fix changes, and objects to what a right fix rarely does.

Its rules look at Python; of JavaScript and TypeScript they know leftovers alone. Nothing is run, and the texts may be
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from activities.code.test_files import is_test_file
from activities.review.changes import FileChange, read_change, read_texts, read_tree
from activities.review.interfaces import find_changed_signatures, find_dead_parameters
from activities.review.leftovers import find_leftovers, find_script_leftovers, find_test_detection
from activities.review.special_cases import find_special_cases
from activities.review.test_values import NO_VALUES, KnownText, TestValues
from activities.review.weakened import find_disabled, find_swallowed
from hydranet.bounded_models import PATH_CHARACTERS
from hydranet.objection import OBJECTIONS, Objection, Objections

_SCRIPTS = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx")


def is_reviewed(path: str) -> bool:
    """Return whether a rule looks at a file."""
    return path.endswith((".py", *_SCRIPTS)) and len(path) <= PATH_CHARACTERS and not is_test_file(path)


def find_objections(
    before: Mapping[str, str],
    after: Mapping[str, str | None],
    values: TestValues = NO_VALUES,
    *,
    tests: Collection[str] = (),
    issue: str = "",
    find_mentions: Callable[[str], Sequence[str]] = lambda _: (),
) -> Objections:
    """Return what a fix does that a right one rarely does, what refuses it first.

    `before` and `after` have the texts of the files that it changes, None for one that it deletes. `values` are those
    in the target `tests`, given by id, and `issue` is what the user wrote. `find_mentions` gives the paths of Python
    files that mention a name. Test files are left out, as what judges is protected elsewhere.
    """
    objections: list[Objection] = []
    for path, old, new in read_texts(before, after):
        if not is_reviewed(path):
            continue
        if path.endswith(_SCRIPTS):
            objections += find_script_leftovers(path, old, new)
        if path.endswith(".py"):
            others = _without(find_mentions, after)
            objections += _review_python(path, old, new, values, tests, issue, others)
    unique = dict.fromkeys(objections)
    return tuple(sorted(unique, key=lambda each: (not each.refuses, each.file, each.line, each.rule))[:OBJECTIONS])


def _review_python(
    path: str,
    old: str,
    new: str,
    values: TestValues,
    tests: Collection[str],
    issue: str,
    find_mentions: Callable[[str], Sequence[str]],
) -> list[Objection]:
    try:
        change = read_change(path, old, new)
        if change is not None:
            return list(_apply_rules(change, values, KnownText(old, issue, tests), find_mentions))
        is_new = read_tree(old) is not None
    except (RecursionError, MemoryError, ValueError):
        is_new = True
    # What could not be read before is no fault of the fix.
    text = "It is too large, too deep or not of this Python, so that no rule could look at it."
    return [Objection(rule="not-reviewed", file=path, text=text)] if is_new else []


def _apply_rules(
    change: FileChange,
    values: TestValues,
    known_text: KnownText,
    find_mentions: Callable[[str], Sequence[str]],
) -> Iterator[Objection]:
    yield from find_special_cases(change, values, known_text)
    yield from find_test_detection(change)
    yield from find_leftovers(change)
    yield from find_disabled(change)
    yield from find_swallowed(change)
    yield from find_dead_parameters(change)
    yield from find_changed_signatures(change, find_mentions)


def _without(find_mentions: Callable[[str], Sequence[str]], changed: Collection[str]) -> Callable[[str], Sequence[str]]:
    return lambda name: [path for path in find_mentions(name) if path not in changed]
