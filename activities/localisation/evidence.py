"""Evidence of where a fault is, from coverage, predicates, tracebacks, assertions and the issue."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from activities.code.languages import find_language
from activities.code.mentions import find_test_file, resolve_frames
from activities.code.test_files import is_test_file
from activities.localisation.suspiciousness import dstar, ochiai, score_predicate
from hydranet.contracts import Place, RetrievedContext, Spectrum

# By file and line (1-based), in 0..1; with a text that explains the score.
LineScores = Mapping[str, Mapping[int, float]]
ExplainedScores = Mapping[str, Mapping[int, tuple[float, str]]]
# By file and line: how many failing and how many passing tests execute it.
LineCounts = Mapping[str, Mapping[int, tuple[int, int]]]

# Tests print what they like: these take time in proportion to the text, whatever it is.
_CALLED = re.compile(r"\b([A-Za-z_]\w{0,99}) ?\(")
_QUOTED = re.compile(r"['\"`]([A-Za-z_]\w*)['\"`]")
_WORD = re.compile(r"[A-Za-z_]\w*")
_LITERAL = re.compile(r"'([^'\n]{1,80})'|\"([^\"\n]{1,80})\"|(?<![\w.])(-?\d{1,40}(?:\.\d{1,40})?)(?![\w.])")

# Messages of failing tests that are read: more of them mostly repeat the same failure.
_MESSAGES = 20


@dataclass(frozen=True)
class Evidence:
    """The evidence of one failure before any code is read, with scores in 0..1.

    - `line_scores`: the suspiciousness of the lines that failing tests execute
    - `line_counts`: how many failing and passing tests execute each of these lines, of `failing` and `passing` in all
    - `predicate_scores`: the importance of predicates on a line, with the predicate
    - `wrong_values`: the lines that first returned an unexpected value of a failing assertion, with the value
    - `frame_scores`: the lines in tracebacks, the innermost frame 1
    - `called_names`: the functions called by failing assertions or, without coverage, by failing tests
    - `issue_words`: the words of the issue
    - `texts`: the issue, the names of the failing tests and their assertions
    - `quoted_names`: the identifiers quoted in error messages
    - `retrieved`: the retrieved places without those of tests, best first
    - `test_files`: the files of the failing tests
    - `is_complete`: False when a failing test left no coverage, so that any line may have been executed
    """

    line_scores: LineScores = field(default_factory=dict)
    line_counts: LineCounts = field(default_factory=dict)
    failing: int = 0
    passing: int = 0
    predicate_scores: ExplainedScores = field(default_factory=dict)
    wrong_values: ExplainedScores = field(default_factory=dict)
    frame_scores: LineScores = field(default_factory=dict)
    called_names: frozenset[str] = frozenset()
    issue_words: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    quoted_names: frozenset[str] = frozenset()
    retrieved: tuple[Place, ...] = ()
    test_files: tuple[str, ...] = ()
    error_type: str = ""
    is_complete: bool = True


def gather_evidence(issue: str, spectrum: Spectrum | None, context: RetrievedContext, paths: Iterable[str]) -> Evidence:
    """Collect the evidence; `paths` are the files of the repository, to which traceback paths are matched."""
    failing = [test for test in spectrum.tests if test.is_target] if spectrum else []
    ids = [*(test.id for test in failing), *(test.id for test in context.failing)]
    messages = [test.message for test in failing] or [test.message for test in context.failing]
    messages = messages[:_MESSAGES]
    known = frozenset(path for path in paths if find_language(path) is not None)
    counts, failures, is_complete = _count_tests(spectrum, known) if spectrum else ({}, 0, False)
    unexpected = find_unexpected_values(messages)
    error = context.error
    text = "\n".join([*messages, error.message if error else ""])
    return Evidence(
        line_scores=_score_lines(counts, failures),
        line_counts=counts,
        failing=failures,
        passing=len(_split_by_outcome(spectrum)[1]) if spectrum else 0,
        predicate_scores=_score_predicates(spectrum) if spectrum else {},
        wrong_values=_locate_values(spectrum, unexpected) if spectrum and unexpected else {},
        frame_scores=_score_frames(messages, known),
        called_names=frozenset(_list_called_in_assertions(messages)),
        issue_words=frozenset(word for word in _WORD.findall(issue) if len(word) > 2 and word[:2] != "__"),
        texts=(issue, *(name.rpartition("::")[2] for name in ids), *_list_assertion_lines(messages)),
        quoted_names=frozenset(_QUOTED.findall(_select_error_lines(text) + "\n" + (error.message if error else ""))),
        retrieved=tuple(place for place in context.places if not is_test_file(place.file)),
        test_files=tuple(_find_test_files(ids, known)),
        error_type=error.type.rpartition(".")[2] if error else "",
        is_complete=is_complete,
    )


def _find_test_files(ids: Iterable[str], known: frozenset[str]) -> dict[str, None]:
    # Of dotted ids, those of one class: looking through the files of a repository takes a while.
    holders = dict.fromkeys(name if "::" in name else name.rpartition(".")[0] for name in ids)
    return dict.fromkeys(filter(None, (find_test_file(holder, known) for holder in holders)))


def _count_tests(spectrum: Spectrum, known: frozenset[str]) -> tuple[LineCounts, int, bool]:
    failing, passing = _split_by_outcome(spectrum)
    covering: set[int] = set()
    counts: dict[str, dict[int, tuple[int, int]]] = {}
    for path, lines in spectrum.lines.items():
        if is_test_file(path) or path not in known:
            continue
        for line, tests in lines.items():
            hits = failing.intersection(tests)
            if hits:
                covering |= hits
                counts.setdefault(path, {})[line] = len(hits), len(passing.intersection(tests))
    return counts, len(covering), covering == failing and bool(covering)


def _score_lines(counts: LineCounts, failing: int) -> LineScores:
    # A test that hangs or dies leaves no coverage; counted in, it would make every line less suspicious.
    return {
        path: {
            line: (ochiai(hit, passed, failing) + dstar(hit, passed, failing)) / 2
            for line, (hit, passed) in lines.items()
        }
        for path, lines in counts.items()
    }


def _split_by_outcome(spectrum: Spectrum) -> tuple[set[int], set[int]]:
    failing = {index for index, test in enumerate(spectrum.tests) if test.is_target}
    return failing, {index for index, test in enumerate(spectrum.tests) if test.outcome == "passed"}


def _score_predicates(spectrum: Spectrum) -> ExplainedScores:
    failing, passing = _split_by_outcome(spectrum)
    scores: dict[str, dict[int, tuple[float, str]]] = {}
    for path, predicates in spectrum.predicates.items():
        best = scores.setdefault(path, {})
        for predicate in predicates:
            hit, passed = len(failing.intersection(predicate.tests)), len(passing.intersection(predicate.tests))
            reached = len(passing.intersection(spectrum.lines.get(path, {}).get(predicate.line, ())))
            score = score_predicate(hit, passed, max(reached, passed), len(failing))
            if score > best.get(predicate.line, (0.0, ""))[0]:
                best[predicate.line] = score, predicate.told
    return scores


def find_unexpected_values(messages: Iterable[str]) -> frozenset[str]:
    """Return the literals on one side only of a failing `==` that are not in the text of the test."""
    values: set[str] = set()
    for message in messages:
        lines = message.splitlines()
        code = "\n".join(line for line in lines if not line.startswith("E "))
        for line in (line for line in lines if line.startswith("E ")):
            left, equals, right = line.partition(" == ")
            if equals:
                values |= _find_literals(left) ^ _find_literals(right)
                break
        values -= _find_literals(code)
    return frozenset(values)


def _find_literals(text: str) -> set[str]:
    return {match[1] or match[2] or match[3] for match in _LITERAL.finditer(text)}


def _locate_values(spectrum: Spectrum, unexpected: frozenset[str]) -> ExplainedScores:
    return {
        path: {
            line: (1.0, value)
            for line, values in by_line.items()
            if (value := max(unexpected.intersection(values), key=lambda value: (len(value), value), default=""))
        }
        for path, by_line in spectrum.values.items()
    }


def _score_frames(messages: list[str], known: frozenset[str]) -> LineScores:
    scores: dict[str, dict[int, float]] = {}
    for message in messages:
        frames = [(frame.path, frame.line) for frame in resolve_frames(message, known) if not is_test_file(frame.path)]
        for depth, (path, line) in enumerate(dict.fromkeys(reversed(frames))):
            at = scores.setdefault(path, {})
            # The innermost frame scores 1, each caller a quarter less, down to a fifth.
            at[line] = max(at.get(line, 0.0), max(0.2, 1.0 - 0.25 * depth))
    return scores


def _select_error_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("E ") or "Error" in line)


def _list_assertion_lines(messages: list[str]) -> Iterator[str]:
    for message in messages:
        yield from (line for line in message.splitlines() if line.startswith((">", "E  ")))


def _list_called_in_assertions(messages: list[str]) -> Iterator[str]:
    for line in _list_assertion_lines(messages):
        yield from _CALLED.findall(line)


def list_imported_files(tree: ast.Module, path: str, known: frozenset[str]) -> list[str]:
    """Return the known files imported by a module, in source order."""
    files: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                files += [file for alias in names for file in _module_files(alias.name, known)]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = path.split("/")[:-level] if level else []
                base = ".".join([*above, *([module] if module else [])])
                files += _module_files(base, known)
                files += [file for alias in names for file in _module_files(f"{base}.{alias.name}", known)]
    return list(dict.fromkeys(files))


def _module_files(module: str, known: frozenset[str]) -> list[str]:
    tail = module.replace(".", "/")
    names = (f"{tail}.py", f"{tail}/__init__.py")
    return sorted(path for path in known if path in names or path.endswith(tuple(f"/{name}" for name in names)))


def list_called_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the functions called in a file."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield name
