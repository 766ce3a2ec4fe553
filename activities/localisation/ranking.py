"""The ranking of files, of places by their probability, and of the statements in them by suspiciousness."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from activities.code.test_files import is_test_file
from activities.code.test_regions import is_test_name
from activities.localisation.evidence import Evidence
from activities.localisation.features import (
    FeatureSet,
    MeasuredRegion,
    list_bound_names,
    measure_regions,
)
from activities.localisation.probability import choose_reasons, estimate
from activities.localisation.regions import Region, Statement, list_regions
from activities.localisation.source import Source, collect_identifiers
from hydranet.bounded_models import NAME_CHARACTERS, PATH_CHARACTERS
from hydranet.contracts import Place

# The weights of the evidence on a statement, chosen on seeded bugs.
_COVERAGE, _PREDICATE, _FRAME = 0.28, 0.22, 0.15
# The share of a user's score that module-level code gets for the names it binds.
_USER_SHARE = 0.5
# The score of every statement where coverage cannot rule it out: a share of the highest, and what relevance is worth.
_REGION_SHARE, _LEAST_SCORE = 0.3, 0.05
# The share of its worst statement's score that the header of a region gets.
_HEADER_SHARE = 0.8

# Files to read by their evidence, before those of retrieval, and regions to return beside those of retrieval.
_FILES = 10
_REGIONS = 60


@dataclass(frozen=True, eq=False)
class Suspect:
    """A region with the probability that the fix changes it, its statements' suspiciousness in 0..1, and the reasons.

    `executed` is True when a failing test is known to execute it.
    """

    region: Region
    probability: float
    statements: Mapping[Statement, float]
    reasons: tuple[str, ...]
    executed: bool = False


def rank_files(evidence: Evidence, paths: Iterable[str]) -> list[str]:
    """Return the files worth reading, most suspicious first; all that retrieval names are among them."""
    ranks: dict[str, float] = {}
    for rank, place in enumerate(evidence.retrieved, start=1):
        ranks.setdefault(place.file, 1.0 / rank)
    scores: dict[str, float] = {}
    for path in paths:
        if not path.endswith(".py") or is_test_file(path) or len(path) > PATH_CHARACTERS:
            continue
        name = path.rpartition("/")[2].removesuffix(".py")
        score = max(evidence.line_scores.get(path, {}).values(), default=0.0) / 2
        score += max(evidence.frame_scores.get(path, {}).values(), default=0.0)
        score += ranks.get(path, 0.0) + 0.2 * (name in evidence.issue_words) + 0.2 * (name in evidence.called_names)
        if score:
            scores[path] = score
    ordered = sorted(scores, key=lambda path: (-scores[path], path))
    retrieved = [path for path in ranks if path in scores]
    return list(dict.fromkeys([*ordered[:_FILES], *retrieved, *ordered[_FILES:]]))


def rank_suspects(sources: Iterable[Source], evidence: Evidence) -> tuple[list[Suspect], list[Place]]:
    """Return the regions of the sources, likeliest first, and retrieval's places in other files."""
    measured, others = measure_candidates(sources, evidence)
    chances = estimate([*(item.description.values for item in measured), *(item.values for _, item in others)])
    users = [
        (max(_score_statements(item, evidence).values(), default=0.0), _collect_identifiers(item.region))
        for item in measured
        if item.region.function is not None
    ]
    pairs = sorted(zip(measured, chances, strict=False), key=_get_order)
    kept = [pair for rank, pair in enumerate(pairs) if rank < _REGIONS or "retrieved" in pair[0].description.values]
    suspects = [
        Suspect(
            item.region,
            chance,
            _score_statements(item, evidence, users),
            choose_reasons(item.description.values, item.description.reasons),
            item.executed,
        )
        for item, chance in kept
    ]
    places = [
        place.model_copy(update={"probability": chance, "why": "; ".join(dict.fromkeys(item.reasons.values()))})
        for (place, item), chance in zip(others, chances[len(measured) :], strict=True)
    ]
    return suspects, places


def measure_candidates(
    sources: Iterable[Source], evidence: Evidence
) -> tuple[list[MeasuredRegion], list[tuple[Place, FeatureSet]]]:
    """Measure the regions of the sources that any evidence is against, and retrieval's other places."""
    regions, others = measure_regions(_list_candidates(sources, evidence), evidence)
    return [item for item in regions if item.is_suspicious and len(item.region.symbol) <= NAME_CHARACTERS], others


def _list_candidates(sources: Iterable[Source], evidence: Evidence) -> list[Region]:
    regions: list[Region] = []
    for source in (source for source in sources if not is_test_file(source.path)):
        with suppress(RecursionError):  # no person nests code so deeply
            holds_tests = source.path in evidence.test_files
            regions += [
                region
                for region in list_regions(source)
                if not _is_declaration_only(region) and not (holds_tests and is_test_name(region.symbol))
            ]
    return regions


def _get_order(pair: tuple[MeasuredRegion, float]) -> tuple[float, str, int]:
    item, chance = pair
    return -chance, item.region.source.path, item.region.statements[0].first_line


def _score_statements(
    item: MeasuredRegion, evidence: Evidence, users: Sequence[tuple[float, set[str]]] = ()
) -> dict[Statement, float]:
    scores = {
        node: _COVERAGE * item.covered[node] + _FRAME * item.framed[node] + _PREDICATE * item.predicted[node]
        for node in item.covered
    }
    # With complete coverage, statements that no failing test executes cannot be the cause.
    if not (evidence.is_complete and item.executed):
        base = _LEAST_SCORE + _REGION_SHARE * max(scores.values(), default=0.0)
        scores = {node: score + base for node, score in scores.items()}
    top = max(scores.values(), default=0.0) or _LEAST_SCORE
    for statement in item.region.statements:
        if statement.node is item.region.node:
            scores[statement] = _HEADER_SHARE * top
        elif item.region.function is None:
            # It runs at import, before any test, so that coverage says nothing about it.
            bound = list_bound_names(statement)
            used = max((score for score, identifiers in users if bound & identifiers), default=0.0)
            scores[statement] = max(_USER_SHARE * used, scores[statement])
    return scores


def _is_declaration_only(region: Region) -> bool:
    return all(
        isinstance(statement.node, ast.AnnAssign) and statement.node.value is None for statement in region.statements
    )


def _collect_identifiers(region: Region) -> set[str]:
    return collect_identifiers(ast.walk(region.node)) if region.node is not None else set()
