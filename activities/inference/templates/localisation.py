"""Fault localisation: regions and statements in the order in which they are likely to be wrong."""

import ast
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from activities.inference.templates.evidence import Evidence
from activities.inference.templates.lexicon import relevance
from activities.inference.templates.regions import Region, Statement, is_test, regions
from activities.inference.templates.source import Source

# What each sort of evidence weighs; they add up to 1.
_COVERAGE, _FRAME, _NAMED, _ASSERTED, _SHOWN, _SAID = 0.45, 0.2, 0.08, 0.07, 0.05, 0.15

# Without coverage a statement is suspected because its function is.
_BY_REGION = 0.3
# From here on the words that a region shares with the issue are worth telling.
_TELLING = 0.5

_FILES = 25
_REGIONS = 60


@dataclass(frozen=True, eq=False)
class Suspect:
    """A region, its suspiciousness and that of its statements (all in 0..1), and the reasons."""

    region: Region
    score: float
    statements: Mapping[Statement, float]
    reasons: tuple[str, ...]


def suspicious_files(evidence: Evidence, paths: Iterable[str]) -> list[str]:
    """The files worth reading, most suspicious first."""
    scores: dict[str, float] = {}
    for path in paths:
        if not path.endswith(".py") or is_test(path) or len(path) > 200:
            continue
        stem = path.rpartition("/")[2].removesuffix(".py")
        score = _COVERAGE * max(evidence.lines.get(path, {}).values(), default=0.0)
        score += _FRAME * max(evidence.frames.get(path, {}).values(), default=0.0)
        score += _SHOWN * max((share for (file, _), share in evidence.shown.items() if file == path), default=0.0)
        score += _NAMED * (stem in evidence.named) + _ASSERTED * (stem in evidence.asserted)
        if score:
            scores[path] = score
    return sorted(scores, key=lambda path: (-scores[path], path))[:_FILES]


def suspects(sources: Iterable[Source], evidence: Evidence) -> list[Suspect]:
    """The regions of `sources`, most suspicious first."""
    known: list[Region] = []
    for source in (source for source in sources if not is_test(source.path)):
        with suppress(RecursionError):  # nested too deeply to be anything a person wrote
            known += [region for region in regions(source) if not _is_declared(region)]
    found = [_suspect(*pair, evidence) for pair in zip(known, relevance(known, evidence.said), strict=True)]
    users = [(suspect.score, _mentioned(suspect.region)) for suspect in found if suspect.region.function is not None]
    found = [_run_at_import(suspect, users) if suspect.region.function is None else suspect for suspect in found]
    found = [suspect for suspect in found if suspect.score > 0 and len(suspect.region.symbol) <= 200]
    found.sort(key=lambda suspect: (-suspect.score, suspect.region.source.path, _line(suspect.region)))
    return found[:_REGIONS]


def _suspect(region: Region, relevant: float, evidence: Evidence) -> Suspect:
    path = region.source.path
    covered, frames = evidence.lines.get(path, {}), evidence.frames.get(path, {})
    body = [statement for statement in region.statements if statement.node is not region.node]
    coverage = {statement: _highest(covered, statement) for statement in body}
    framed = {statement: _highest(frames, statement) for statement in body}
    reasons: list[str] = []
    score = 0.0
    if highest := max(coverage.values(), default=0.0):
        score += _COVERAGE * highest
        worst = max(body, key=lambda statement: coverage[statement])
        reasons.append(f"coverage: suspiciousness {highest:.2f} at line {worst.first_line}")
    if deepest := max(framed.values(), default=0.0):
        score += _FRAME * deepest
        frame = max(body, key=lambda statement: framed[statement])
        reasons.append(f"the traceback of a failing test runs through line {frame.first_line}")
    if region.node is not None and region.name in evidence.named:
        score += _NAMED
        reasons.append(f"the issue names {region.name}")
    if region.name in evidence.asserted:
        score += _ASSERTED
        reasons.append(f"a failing assertion or test calls {region.name}")
    if share := max(evidence.shown.get((path, region.symbol), 0.0), evidence.shown.get((path, ""), 0.0) * 0.5):
        score += _SHOWN * share
        reasons.append("the retrieved context shows it")
    if relevant and (score or not evidence.whole):
        score += _SAID * relevant
        if relevant >= _TELLING:
            reasons.append(f"the issue and the failing tests speak of it ({relevant:.2f})")
    ruled_out = evidence.whole and highest > 0
    base = 0.0 if ruled_out else _BY_REGION * score
    statements = {statement: _COVERAGE * coverage[statement] + _FRAME * framed[statement] + base for statement in body}
    top = max(statements.values(), default=0.0) or score
    for statement in region.statements:
        if statement.node is region.node:
            statements[statement] = 0.8 * top
    if evidence.whole and region.function is not None and not highest and not deepest:
        score *= 0.1  # no failing test executes it
    return Suspect(region, score, statements, tuple(reasons))


def _is_declared(region: Region) -> bool:
    """Whether a region only says what there is, such as the fields of a dataclass."""
    return all(isinstance(one.node, ast.AnnAssign) and one.node.value is None for one in region.statements)


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
