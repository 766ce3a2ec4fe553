"""Fault localisation: regions and statements in the order in which they are likely to be wrong."""

import ast
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import sqrt

from activities.code.test_files import is_test_file
from activities.localisation.evidence import Evidence
from activities.localisation.regions import Region, Statement, list_regions
from activities.localisation.relevance import score_relevance
from activities.localisation.source import Source

# What each sort of evidence weighs; they add up to 1.
_COVERAGE, _SEEN, _VALUE, _FRAME = 0.28, 0.22, 0.06, 0.15
_NAMED, _ASSERTED, _SHOWN, _SAID, _LOGIC = 0.05, 0.04, 0.04, 0.10, 0.06

# How much of its caller's suspiciousness a function takes over.
_CALLED = 0.4
# A region with as many operations as this has all the logic that counts.
_MUCH_LOGIC = 12
# Without coverage a statement is suspected because its function is.
_BY_REGION = 0.3
# From here on the words that a region shares with the issue are worth telling.
_TELLING = 0.5

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
    """A piece of evidence against a region: what its sort weighs, how strong it is in 0..1, and how to tell it."""

    weight: float
    share: float
    told: str


@dataclass(frozen=True, eq=False)
class Suspect:
    """A region, its suspiciousness and that of its statements (all in 0..1), and the reasons.

    `executed` says that failing tests are known to execute it.
    """

    region: Region
    score: float
    statements: Mapping[Statement, float]
    reasons: tuple[str, ...]
    executed: bool = False


def rank_files(evidence: Evidence, paths: Iterable[str]) -> list[str]:
    """The files worth reading, most suspicious first."""
    scores: dict[str, float] = {}
    for path in paths:
        if not path.endswith(".py") or is_test_file(path) or len(path) > 200:
            continue
        stem = path.rpartition("/")[2].removesuffix(".py")
        score = _COVERAGE * max(evidence.lines.get(path, {}).values(), default=0.0)
        score += _FRAME * max(evidence.frames.get(path, {}).values(), default=0.0)
        score += _SHOWN * max((share for (file, _), share in evidence.shown.items() if file == path), default=0.0)
        score += _NAMED * (stem in evidence.named) + _ASSERTED * (stem in evidence.asserted)
        if score:
            scores[path] = score
    return sorted(scores, key=lambda path: (-scores[path], path))[:_FILES]


def rank_suspects(sources: Iterable[Source], evidence: Evidence) -> list[Suspect]:
    """The regions of `sources`, most suspicious first."""
    known: list[Region] = []
    for source in (source for source in sources if not is_test_file(source.path)):
        with suppress(RecursionError):  # nested too deeply to be anything a person wrote
            known += [region for region in list_regions(source) if not _is_declared(region)]
    found = [_suspect(*pair, evidence) for pair in zip(known, score_relevance(known, evidence.said), strict=True)]
    users = [(suspect.score, _mentioned(suspect.region)) for suspect in found if suspect.region.function is not None]
    found = _with_callers(found)
    found = [_run_at_import(suspect, users) if suspect.region.function is None else suspect for suspect in found]
    found = [suspect for suspect in found if suspect.score > 0 and len(suspect.region.symbol) <= 200]
    found.sort(key=lambda suspect: (-suspect.score, suspect.region.source.path, _line(suspect.region)))
    return found[:_REGIONS]


def _suspect(region: Region, relevant: float, evidence: Evidence) -> Suspect:
    path = region.source.path
    body = [statement for statement in region.statements if statement.node is not region.node]
    covered, framed = _shares(body, evidence.lines.get(path, {})), _shares(body, evidence.frames.get(path, {}))
    seen, told = _most_telling(body, evidence.predicates.get(path, {}))
    returned, value = _most_telling(body, evidence.values.get(path, {}))
    highest, deepest = max(covered.values(), default=0.0), max(framed.values(), default=0.0)
    clues = [
        Clue(_COVERAGE, highest, f"coverage: suspiciousness {highest:.2f} at line {_worst(covered)}"),
        Clue(_FRAME, deepest, f"the traceback of a failing test runs through line {_worst(framed)}"),
        Clue(_SEEN, max(seen.values(), default=0.0), f"mostly failing tests see `{told}` at line {_worst(seen)}"),
        Clue(_VALUE, max(returned.values(), default=0.0), f"{value!r} in the failing assertion comes from here"),
        Clue(_NAMED, region.node is not None and region.name in evidence.named, f"the issue names {region.name}"),
        Clue(_ASSERTED, region.name in evidence.asserted, f"a failing assertion or test calls {region.name}"),
        Clue(_SHOWN, _shown(region, evidence), "the retrieved context shows it"),
    ]
    if (evidence.whole and highest) or any(clue.share for clue in clues):
        clues.append(Clue(_LOGIC, _logic(body), ""))
    if relevant and (any(clue.share for clue in clues) or not evidence.whole):
        told = f"the issue and the failing tests speak of it ({relevant:.2f})" if relevant >= _TELLING else ""
        clues.append(Clue(_SAID, relevant, told))
    score = sum(clue.weight * clue.share for clue in clues)
    ruled_out = evidence.whole and highest > 0
    base = 0.0 if ruled_out else _BY_REGION * score
    statements = {one: _COVERAGE * covered[one] + _FRAME * framed[one] + _SEEN * seen[one] + base for one in body}
    top = max(statements.values(), default=0.0) or score
    for statement in region.statements:
        if statement.node is region.node:
            statements[statement] = 0.8 * top
    if evidence.whole and region.function is not None and not highest and not deepest:
        score *= 0.1  # no failing test executes it
    return Suspect(
        region, score, statements, tuple(clue.told for clue in clues if clue.share and clue.told), highest > 0
    )


def _shares(body: list[Statement], lines: Mapping[int, float]) -> dict[Statement, float]:
    return {statement: _highest(lines, statement) for statement in body}


def _most_telling(body: list[Statement], lines: Mapping[int, tuple[float, str]]) -> tuple[dict[Statement, float], str]:
    """The shares of statements, and what is told of the highest."""
    shares = _shares(body, {line: share for line, (share, _) in lines.items()})
    worst = max(shares, key=lambda one: shares[one], default=None)
    if worst is None or not shares[worst]:
        return shares, ""
    own = [lines[line] for line in range(worst.first_line, worst.header_end + 1) if line in lines]
    return shares, max(own)[1]


def _worst(shares: Mapping[Statement, float]) -> int:
    return max(shares, key=lambda one: shares[one]).first_line if shares else 0


def _shown(region: Region, evidence: Evidence) -> float:
    path = region.source.path
    return max(evidence.shown.get((path, region.symbol), 0.0), evidence.shown.get((path, ""), 0.0) * 0.5)


def _logic(body: list[Statement]) -> float:
    """How much a region decides and computes, in 0..1: what only passes things on is seldom wrong."""
    operations = sum(
        isinstance(node, _OPERATIONS) for one in body if one.parent is body[0].parent for node in ast.walk(one.node)
    )
    return min(1.0, operations / _MUCH_LOGIC)


def _is_declared(region: Region) -> bool:
    """Whether a region only says what there is, such as the fields of a dataclass."""
    return all(isinstance(one.node, ast.AnnAssign) and one.node.value is None for one in region.statements)


def _with_callers(found: list[Suspect]) -> list[Suspect]:
    """Functions share in the suspicion of the most suspicious one that calls them.

    What shows a failure mostly lies above what causes it; whoever calls many things speaks less of each. After
    Zhang et al., "Boosting Spectrum-Based Fault Localization Using PageRank", ISSTA 2017, with one step of the walk.
    """
    named: dict[str, list[Suspect]] = {}
    for suspect in found:
        if suspect.region.function is not None and suspect.executed:
            named.setdefault(suspect.region.name, []).append(suspect)
    shares: dict[Suspect, tuple[float, Suspect]] = {}
    for caller in (caller for same in named.values() for caller in same):
        names = sorted(_mentioned(caller.region) & named.keys())
        called = [one for name in names for one in named[name] if one is not caller]
        for one in called:
            share = caller.score / sqrt(len(called))
            if share > shares.get(one, (0.0, one))[0]:
                shares[one] = share, caller
    return [_with_caller(suspect, *shares[suspect]) if suspect in shares else suspect for suspect in found]


def _with_caller(suspect: Suspect, share: float, caller: Suspect) -> Suspect:
    score = suspect.score + _CALLED * share
    reasons = suspect.reasons
    if share > suspect.score:
        reasons = (*reasons, f"{caller.region.symbol}, which is suspicious, calls it")
    return replace(suspect, score=min(1.0, score), reasons=reasons)


def _run_at_import(suspect: Suspect, users: list[tuple[float, frozenset[str]]]) -> Suspect:
    """What runs at import, before any test, is half as suspicious as what uses the names it binds."""
    statements = dict(suspect.statements)
    reasons = list(suspect.reasons)
    for statement in statements:
        bound = {node.id for node in ast.walk(statement.node) if isinstance(node, ast.Name) and _is_stored(node)}
        share = 0.5 * max((score for score, names in users if bound & names), default=0.0)
        statements[statement] = max(share, statements[statement])
    score = max([suspect.score, *statements.values()])
    if score > suspect.score:
        reasons.append("suspicious functions use what it defines")
    return Suspect(suspect.region, score, statements, tuple(reasons))


def _mentioned(region: Region) -> frozenset[str]:
    assert region.node is not None
    walked = list(ast.walk(region.node))
    names = {node.id for node in walked if isinstance(node, ast.Name)}
    return frozenset(names | {node.attr for node in walked if isinstance(node, ast.Attribute)})


def _highest(lines: Mapping[int, float], statement: Statement) -> float:
    return max((lines.get(line, 0.0) for line in range(statement.first_line, statement.header_end + 1)), default=0.0)


def _line(region: Region) -> int:
    return region.statements[0].first_line


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
