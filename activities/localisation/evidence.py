"""Evidence: what coverage, tracebacks, assertions and the issue say about where the bug is."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import sqrt

from activities.code.mentions import resolve_frames
from activities.code.test_files import is_test_file
from hydranet.contracts import RetrievedContext, Spectrum

Lines = Mapping[str, Mapping[int, float]]
Told = Mapping[str, Mapping[int, tuple[float, str]]]

# Tests print what they like: these take time in proportion to the text, whatever it is.
_CALLED = re.compile(r"\b([A-Za-z_]\w{0,99}) ?\(")
_QUOTED = re.compile(r"['\"`]([A-Za-z_]\w*)['\"`]")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ATOM = re.compile(r"'([^'\n]{1,80})'|\"([^\"\n]{1,80})\"|(?<![\w.])(-?\d{1,40}(?:\.\d{1,40})?)(?![\w.])")

_FAILING_READ = 20


@dataclass(frozen=True)
class Evidence:
    """What is known about a failure before any code is read; all figures in 0..1.

    `lines` holds the suspiciousness of the lines that failing tests execute, `predicates` of what they saw there
    and passing ones did not, `values` the lines that first returned a value that a failing assertion shows and the
    test itself does not, `frames` the lines in tracebacks; `asserted` the functions that failing assertions
    call, `named` the words of the issue, `said` what the issue, the failing tests' names and their assertions
    say, `quoted` the identifiers in error messages. `whole` is False when a failing test left no coverage, so
    that a line without any may still have been executed.
    """

    lines: Lines = field(default_factory=dict)
    predicates: Told = field(default_factory=dict)
    values: Told = field(default_factory=dict)
    frames: Lines = field(default_factory=dict)
    asserted: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    said: tuple[str, ...] = ()
    quoted: frozenset[str] = frozenset()
    shown: Mapping[tuple[str, str], float] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    error: str = ""
    whole: bool = True


def ochiai(failing: int, passing: int, all_failing: int) -> float:
    """Ochiai's coefficient of a line that `failing` of `all_failing` and `passing` other tests execute.

    Abreu, Zoeteweij and van Gemund, "An Evaluation of Similarity Coefficients for Software Fault
    Localization", PRDC 2006.
    """
    executed = all_failing * (failing + passing)
    return failing / sqrt(executed) if executed else 0.0


def dstar(failing: int, passing: int, all_failing: int) -> float:
    """D* with exponent 2, of the same figures, brought into 0..1 by d / (d + all_failing).

    Wong, Debroy, Gao and Li, "The DStar Method for Effective Software Fault Localization", IEEE
    Transactions on Reliability 63(1), 2014.
    """
    if not failing:
        return 0.0
    others = passing + all_failing - failing
    return failing**2 / (failing**2 + others * all_failing)


def gather_evidence(spectrum: Spectrum | None, context: RetrievedContext, paths: Iterable[str]) -> Evidence:
    """Read the evidence; `paths` are the files of the repository, to which tracebacks are matched."""
    failing = [test for test in spectrum.tests if test.is_failing] if spectrum else []
    ids = [*(test.id for test in failing), *(test.id for test in context.failing)]
    messages = [test.message for test in failing] or [test.message for test in context.failing]
    messages = messages[:_FAILING_READ]
    known = frozenset(path for path in paths if path.endswith(".py"))
    lines, whole = _suspicious_lines(spectrum, known) if spectrum else ({}, False)
    wrong = find_unexpected(messages)
    error = context.error
    text = "\n".join([*messages, error.message if error else ""])
    return Evidence(
        lines=lines,
        predicates=_telling(spectrum) if spectrum else {},
        values=_wrong_values(spectrum, wrong) if spectrum and wrong else {},
        frames=_frames(messages, known),
        asserted=frozenset(_asserted(messages)),
        named=frozenset(word for word in _WORD.findall(context.issue) if len(word) > 2 and word[:2] != "__"),
        said=(context.issue, *(name.rpartition("::")[2] for name in ids), *_assertions(messages)),
        quoted=frozenset(_QUOTED.findall(_errors(text) + "\n" + (error.message if error else ""))),
        shown={
            (place.file, place.symbol): 1.0 / (1 + rank) for rank, place in reversed(list(enumerate(context.places)))
        },
        tests=tuple(dict.fromkeys(name.partition("::")[0] for name in ids)),
        error=error.type.rpartition(".")[2] if error else "",
        whole=whole,
    )


def _suspicious_lines(spectrum: Spectrum, known: frozenset[str]) -> tuple[Lines, bool]:
    failing = {index for index, test in enumerate(spectrum.tests) if test.is_failing}
    passing = {index for index, test in enumerate(spectrum.tests) if test.outcome == "passed"}
    seen: set[int] = set()
    found: dict[str, dict[int, float]] = {}
    covered: dict[str, list[tuple[int, int, int]]] = {}
    for path, lines in spectrum.lines.items():
        if is_test_file(path) or path not in known:
            continue
        for line, tests in lines.items():
            hit = failing.intersection(tests)
            if hit:
                seen |= hit
                covered.setdefault(path, []).append((line, len(hit), len(passing.intersection(tests))))
    # A test that hangs or dies leaves no coverage, and says nothing about the lines of the others.
    for path, counts in covered.items():
        found[path] = {
            line: (ochiai(hit, passed, len(seen)) + dstar(hit, passed, len(seen))) / 2 for line, hit, passed in counts
        }
    return found, seen == failing and bool(seen)


def score_predicate(failing: int, passing: int, reached: int, all_failing: int) -> float:
    """How much a predicate tells that `failing` of `all_failing` tests and `passing` others saw, in 0..1.

    It is the harmonic mean of how many of the failing tests saw it and of how much likelier a test fails that
    saw it than one that was at its line, of which there are `failing` and `reached` that pass. Liblit et al.,
    "Scalable Statistical Bug Isolation", PLDI 2005, without their logarithm, which needs many failures.
    """
    if not failing:
        return 0.0
    increase = failing / (failing + passing) - failing / (failing + reached)
    share = failing / all_failing
    certain = failing / (failing + 1)  # one test sees much by chance
    return certain * 2 * increase * share / (increase + share) if increase > 0 else 0.0


def _telling(spectrum: Spectrum) -> Told:
    """By file and line the most telling of what failing tests saw there."""
    failing = {index for index, test in enumerate(spectrum.tests) if test.is_failing}
    passing = {index for index, test in enumerate(spectrum.tests) if test.outcome == "passed"}
    found: dict[str, dict[int, tuple[float, str]]] = {}
    for path, predicates in spectrum.predicates.items():
        for one in predicates:
            hit, passed = len(failing.intersection(one.tests)), len(passing.intersection(one.tests))
            reached = len(passing.intersection(spectrum.lines.get(path, {}).get(one.line, ())))
            share = score_predicate(hit, passed, max(reached, passed), len(failing))
            at = found.setdefault(path, {})
            if share > at.get(one.line, (0.0, ""))[0]:
                at[one.line] = share, one.told
    return found


def find_unexpected(messages: Iterable[str]) -> frozenset[str]:
    """The strings and numbers that an assertion shows on one side only and the test does not say itself."""
    found: set[str] = set()
    for message in messages:
        lines = message.splitlines()
        told = "\n".join(line for line in lines if not line.startswith("E "))
        for line in (line for line in lines if line.startswith("E ")):
            left, equals, right = line.partition(" == ")
            if equals:
                found |= _said(left) ^ _said(right)
                break
        found -= _said(told)
    return frozenset(found)


def _said(text: str) -> set[str]:
    return {match[1] or match[2] or match[3] for match in _ATOM.finditer(text)}


def _wrong_values(spectrum: Spectrum, wrong: frozenset[str]) -> Told:
    return {
        path: {
            line: (1.0, value)
            for line, values in by_line.items()
            if (value := max(wrong.intersection(values), key=lambda one: (len(one), one), default=""))
        }
        for path, by_line in spectrum.values.items()
    }


def _frames(messages: list[str], known: frozenset[str]) -> Lines:
    found: dict[str, dict[int, float]] = {}
    for message in messages:
        frames = [(frame.path, frame.line) for frame in resolve_frames(message, known) if not is_test_file(frame.path)]
        for depth, (path, line) in enumerate(dict.fromkeys(reversed(frames))):
            at = found.setdefault(path, {})
            at[line] = max(at.get(line, 0.0), max(0.2, 1.0 - 0.25 * depth))
    return found


def _errors(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("E ") or "Error" in line)


def _assertions(messages: list[str]) -> Iterator[str]:
    for message in messages:
        yield from (line for line in message.splitlines() if line.startswith((">", "E  ")))


def _asserted(messages: list[str]) -> Iterator[str]:
    for line in _assertions(messages):
        yield from _CALLED.findall(line)


def list_imported_files(tree: ast.Module, path: str, known: frozenset[str]) -> list[str]:
    """The repository's files that a module imports, in the order of the text."""
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [file for alias in names for file in _module_files(alias.name, known)]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = path.split("/")[:-level] if level else []
                base = ".".join([*above, *([module] if module else [])])
                found += _module_files(base, known)
                found += [file for alias in names for file in _module_files(f"{base}.{alias.name}", known)]
    return list(dict.fromkeys(found))


def _module_files(module: str, known: frozenset[str]) -> list[str]:
    tail = module.replace(".", "/")
    wanted = (f"{tail}.py", f"{tail}/__init__.py")
    return sorted(path for path in known if path in wanted or path.endswith(tuple(f"/{one}" for one in wanted)))


def list_called_names(tree: ast.Module) -> Iterator[str]:
    """The names by which a test file calls."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name
