"""The ranking of files, regions and statements by suspiciousness."""

import ast
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import sqrt

from activities.code.test_files import is_test_file
from activities.code.test_regions import is_test_name
from activities.localisation.evidence import Evidence
from activities.localisation.regions import Region, Statement, list_regions
from activities.localisation.source import Source, collect_identifiers
from activities.localisation.suspiciousness import score_relevance
from hydranet.bounded_models import NAME_CHARACTERS, PATH_CHARACTERS

# The weights of the sorts of evidence, chosen on seeded bugs; the nine add up to 1.
_COVERAGE, _PREDICATE, _VALUE, _FRAME = 0.28, 0.22, 0.06, 0.15
_NAMED, _CALLED, _RETRIEVED, _RELEVANCE, _LOGIC = 0.05, 0.04, 0.04, 0.10, 0.06

# The share of its caller's score that a function adds to its own.
_CALLER_SHARE = 0.4
# The share of a user's score that module-level code gets for the names it binds.
_USER_SHARE = 0.5
# A region with this many operations has the full score for logic.
_MUCH_LOGIC = 12
# The share of its region's score that every statement gets where coverage cannot rule it out.
_REGION_SHARE = 0.3
# The share of its worst statement's score that the header of a region gets.
_HEADER_SHARE = 0.8
# The factor for a function that no failing test executes.
_NOT_EXECUTED = 0.1
# The relevance, in 0..1, from which it is given as a reason.
_NOTABLE_RELEVANCE = 0.5

# Files to read and regions to return at most: a repair gets through far fewer.
_FILES = 25
_REGIONS = 60

_OPERATIONS = (
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.AugAssign,
    ast.If,
    ast.IfExp,
    ast.For,
    ast.While,
    ast.comprehension,
    ast.Subscript,
    ast.Try,
)


@dataclass(frozen=True)
class Clue:
    """A piece of evidence against a region: its weight, its strength in 0..1 and its wording."""

    weight: float
    strength: float
    reason: str


@dataclass(frozen=True, eq=False)
class Suspect:
    """A region with the suspiciousness of it and of its statements (all in 0..1), and the reasons.

    `executed` is True when a failing test is known to execute it.
    """

    region: Region
    score: float
    statements: Mapping[Statement, float]
    reasons: tuple[str, ...]
    executed: bool = False


def rank_files(evidence: Evidence, paths: Iterable[str]) -> list[str]:
    """Return the files worth reading, most suspicious first."""
    scores: dict[str, float] = {}
    for path in paths:
        if not path.endswith(".py") or is_test_file(path) or len(path) > PATH_CHARACTERS:
            continue
        stem = path.rpartition("/")[2].removesuffix(".py")
        score = _COVERAGE * max(evidence.line_scores.get(path, {}).values(), default=0.0)
        score += _FRAME * max(evidence.frame_scores.get(path, {}).values(), default=0.0)
        score += _RETRIEVED * max((rank for (file, _), rank in evidence.retrieved.items() if file == path), default=0.0)
        score += _NAMED * (stem in evidence.issue_words) + _CALLED * (stem in evidence.called_names)
        if score:
            scores[path] = score
    return sorted(scores, key=lambda path: (-scores[path], path))[:_FILES]


def rank_suspects(sources: Iterable[Source], evidence: Evidence) -> list[Suspect]:
    """Return the regions of the sources, most suspicious first."""
    regions: list[Region] = []
    for source in (source for source in sources if not is_test_file(source.path)):
        with suppress(RecursionError):  # no person nests code so deeply
            holds_tests = source.path in evidence.test_files
            regions += [
                region
                for region in list_regions(source)
                if not _is_declaration_only(region) and not (holds_tests and is_test_name(region.symbol))
            ]
    relevance = score_relevance(regions, evidence.texts)
    suspects = [_make_suspect(*pair, evidence) for pair in zip(regions, relevance, strict=True)]
    functions = [suspect for suspect in suspects if suspect.region.function is not None]
    users = [(suspect.score, _collect_identifiers(suspect.region)) for suspect in functions]
    suspects = [
        _add_user_scores(suspect, users) if suspect.region.function is None else suspect
        for suspect in _add_caller_scores(suspects)
    ]
    suspects = [suspect for suspect in suspects if suspect.score > 0 and len(suspect.region.symbol) <= NAME_CHARACTERS]
    suspects.sort(key=lambda suspect: (-suspect.score, suspect.region.source.path, _get_first_line(suspect.region)))
    return suspects[:_REGIONS]


def _make_suspect(region: Region, relevance: float, evidence: Evidence) -> Suspect:
    path, name = region.source.path, region.name
    body = [statement for statement in region.statements if statement.node is not region.node]
    covered = _score_statements(body, evidence.line_scores.get(path, {}))
    framed = _score_statements(body, evidence.frame_scores.get(path, {}))
    predicted, predicate = _find_strongest(body, evidence.predicate_scores.get(path, {}))
    returned, value = _find_strongest(body, evidence.wrong_values.get(path, {}))
    highest, deepest = _get_highest(covered), _get_highest(framed)
    clues = [
        Clue(_COVERAGE, highest, f"coverage: suspiciousness {highest:.2f} at line {_get_worst_line(covered)}"),
        Clue(_FRAME, deepest, f"the traceback of a failing test runs through line {_get_worst_line(framed)}"),
        Clue(
            _PREDICATE,
            _get_highest(predicted),
            f"mostly failing tests see `{predicate}` at line {_get_worst_line(predicted)}",
        ),
        Clue(_VALUE, _get_highest(returned), f"{value!r} in the failing assertion comes from here"),
        Clue(_NAMED, region.node is not None and name in evidence.issue_words, f"the issue names {name}"),
        Clue(_CALLED, name in evidence.called_names, f"a failing assertion or test calls {name}"),
        Clue(_RETRIEVED, _score_retrieved(region, evidence), "the retrieved context shows it"),
    ]
    if (evidence.is_complete and highest) or any(clue.strength for clue in clues):
        clues.append(Clue(_LOGIC, _score_logic(body), ""))
    if relevance and (any(clue.strength for clue in clues) or not evidence.is_complete):
        reason = f"the issue and the failing tests speak of it ({relevance:.2f})"
        clues.append(Clue(_RELEVANCE, relevance, reason if relevance >= _NOTABLE_RELEVANCE else ""))
    score = sum(clue.weight * clue.strength for clue in clues)
    # With complete coverage, statements that no failing test executes cannot be the cause.
    base = 0.0 if evidence.is_complete and highest > 0 else _REGION_SHARE * score
    statements = {
        node: _COVERAGE * covered[node] + _FRAME * framed[node] + _PREDICATE * predicted[node] + base for node in body
    }
    top = max(statements.values(), default=0.0) or score
    for statement in region.statements:
        if statement.node is region.node:
            statements[statement] = _HEADER_SHARE * top
    if evidence.is_complete and region.function is not None and not highest and not deepest:
        score *= _NOT_EXECUTED
    reasons = tuple(clue.reason for clue in clues if clue.strength and clue.reason)
    return Suspect(region, score, statements, reasons, highest > 0)


def _score_statements(body: list[Statement], lines: Mapping[int, float]) -> dict[Statement, float]:
    return {
        statement: max((lines.get(line, 0.0) for line in _get_header_lines(statement)), default=0.0)
        for statement in body
    }


def _get_header_lines(statement: Statement) -> range:
    return range(statement.first_line, statement.header_end + 1)


def _find_strongest(
    body: list[Statement], lines: Mapping[int, tuple[float, str]]
) -> tuple[dict[Statement, float], str]:
    scores = _score_statements(body, {line: score for line, (score, _) in lines.items()})
    worst = max(scores, key=lambda statement: scores[statement], default=None)
    if worst is None or not scores[worst]:
        return scores, ""
    return scores, max(lines[line] for line in _get_header_lines(worst) if line in lines)[1]


def _get_highest(scores: Mapping[Statement, float]) -> float:
    return max(scores.values(), default=0.0)


def _get_worst_line(scores: Mapping[Statement, float]) -> int:
    return max(scores, key=lambda statement: scores[statement]).first_line if scores else 0


def _score_retrieved(region: Region, evidence: Evidence) -> float:
    path = region.source.path
    # A snippet without a symbol may be any part of its file, and counts half.
    return max(evidence.retrieved.get((path, region.symbol), 0.0), evidence.retrieved.get((path, ""), 0.0) * 0.5)


def _score_logic(body: list[Statement]) -> float:
    """Return how much a region decides and computes, in 0..1: code that only delegates is seldom wrong."""
    top = [statement.node for statement in body if statement.parent is body[0].parent]
    operations = sum(isinstance(node, _OPERATIONS) for statement in top for node in ast.walk(statement))
    return min(1.0, operations / _MUCH_LOGIC)


def _is_declaration_only(region: Region) -> bool:
    nodes = (statement.node for statement in region.statements)
    return all(isinstance(node, ast.AnnAssign) and node.value is None for node in nodes)


def _add_caller_scores(suspects: list[Suspect]) -> list[Suspect]:
    """Add to each function a share of the score of its most suspicious caller.

    A symptom mostly shows above its cause in the call graph. A caller of many functions says less about each. After
    Zhang et al., "Boosting Spectrum-Based Fault Localization Using PageRank", ISSTA 2017, with one step of the walk.
    """
    by_name: dict[str, list[Suspect]] = {}
    for suspect in suspects:
        if suspect.region.function is not None and suspect.executed:
            by_name.setdefault(suspect.region.name, []).append(suspect)
    shares: dict[Suspect, tuple[float, Suspect]] = {}
    for caller in (caller for namesakes in by_name.values() for caller in namesakes):
        names = sorted(_collect_identifiers(caller.region) & by_name.keys())
        callees = [suspect for name in names for suspect in by_name[name] if suspect is not caller]
        for callee in callees:
            share = caller.score / sqrt(len(callees))
            if share > shares.get(callee, (0.0, callee))[0]:
                shares[callee] = share, caller
    return [_add_caller_score(suspect, *shares[suspect]) if suspect in shares else suspect for suspect in suspects]


def _add_caller_score(suspect: Suspect, share: float, caller: Suspect) -> Suspect:
    reasons = suspect.reasons
    if share > suspect.score:
        reasons = (*reasons, f"{caller.region.symbol}, which is suspicious, calls it")
    return replace(suspect, score=min(1.0, suspect.score + _CALLER_SHARE * share), reasons=reasons)


def _add_user_scores(suspect: Suspect, users: list[tuple[float, set[str]]]) -> Suspect:
    """Raise the scores of module-level code to a share of those of the functions that use the names it binds.

    It runs at import, before any test, so that coverage says nothing about it.
    """
    statements = dict(suspect.statements)
    reasons = list(suspect.reasons)
    for statement in statements:
        names = [node for node in ast.walk(statement.node) if isinstance(node, ast.Name)]
        bound = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        share = _USER_SHARE * max((score for score, identifiers in users if bound & identifiers), default=0.0)
        statements[statement] = max(share, statements[statement])
    score = max([suspect.score, *statements.values()])
    if score > suspect.score:
        reasons.append("suspicious functions use what it defines")
    return Suspect(suspect.region, score, statements, tuple(reasons))


def _collect_identifiers(region: Region) -> set[str]:
    assert region.node is not None
    return collect_identifiers(ast.walk(region.node))


def _get_first_line(region: Region) -> int:
    return region.statements[0].first_line
