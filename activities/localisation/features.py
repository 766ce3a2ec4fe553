"""The features of regions: what the evidence says of each, as figures, and in words where it says much."""

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

from activities.code.test_files import is_supporting_file, stem, subject
from activities.localisation.evidence import Evidence
from activities.localisation.regions import Region, Statement
from activities.localisation.source import collect_identifiers
from activities.localisation.suspiciousness import score_relevance
from hydranet.contracts import Place
from hydranet.text.code_names import find_named_symbols

# A region with this many operations has the full figure for logic, one with this many lines that for size.
_MUCH_LOGIC = 12
_MANY_LINES = 200
# A place of retrieval beyond this rank counts as the last.
_LAST_RANK = 60
_ORDINALS = ("first", "second", "third", "fourth", "fifth")

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


@dataclass
class FeatureSet:
    """The features of a region or of a retrieved place, mostly in 0..1, and the reasons that some of them give."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, reason: str = "") -> None:
        """Add a feature unless it is zero."""
        if value:
            self.values[name] = float(value)
            if reason:
                self.reasons[name] = reason


@dataclass(frozen=True, eq=False)
class MeasuredRegion:
    """A region with the scores of its statements by coverage, traceback and predicates, and what describes it."""

    region: Region
    covered: Mapping[Statement, float]
    framed: Mapping[Statement, float]
    predicted: Mapping[Statement, float]
    description: FeatureSet

    @property
    def executed(self) -> bool:
        """Whether a failing test is known to execute it."""
        return any(self.covered.values())

    @property
    def is_suspicious(self) -> bool:
        """Whether any evidence is against it, and not only its form."""
        return not self.description.values.keys() <= _FORM


# What a region is, whatever the failure.
_FORM = {"subject", "logic", "size", "module", "class", "aside", "unexecuted"}


def measure_regions(
    regions: Sequence[Region], evidence: Evidence
) -> tuple[list[MeasuredRegion], list[tuple[Place, FeatureSet]]]:
    """Measure regions by the evidence, each by itself and then by its users; and retrieval's other places."""
    retrieved, others = _assign_places(regions, evidence)
    namesakes = Counter(region.name for region in regions)
    mentioned = find_named_symbols(evidence.texts[0]) if evidence.texts else set()
    highest = max((score for lines in evidence.line_scores.values() for score in lines.values()), default=0.0)
    subjects = {name for path in evidence.test_files if (name := subject(path))}
    measured: list[MeasuredRegion] = []
    for region, relevance in zip(regions, score_relevance(regions, evidence.texts), strict=True):
        item = _measure_execution(region, evidence, highest)
        description = item.description
        _add_names(description, region, evidence, mentioned, namesakes[region.name])
        if region in retrieved:
            _add_rank(description, *retrieved[region])
        if item.is_suspicious or not evidence.is_complete:
            description.add("relevance", relevance, "the issue and the failing tests speak of it")
        _add_form(description, region, subjects)
        measured.append(item)
    _add_callers(measured)
    _add_users(measured)
    return measured, others


def _assign_places(
    regions: Sequence[Region], evidence: Evidence
) -> tuple[dict[Region, tuple[int, Place]], list[tuple[Place, FeatureSet]]]:
    by_file: dict[str, list[Region]] = {}
    for region in regions:
        by_file.setdefault(region.source.path, []).append(region)
    assigned: dict[Region, tuple[int, Place]] = {}
    others: list[tuple[Place, FeatureSet]] = []
    for rank, place in enumerate(evidence.retrieved, start=1):
        around = _find_region(by_file.get(place.file, []), place)
        if around is not None:
            assigned.setdefault(around, (rank, place))
        else:
            description = FeatureSet()
            _add_rank(description, rank, place)
            _add_mentions(description, place, evidence)
            description.add("size", _measure_size(place.first_line, place.last_line))
            description.add("unexecuted", evidence.is_complete and place.file.endswith(".py"))
            others.append((place, description))
    return assigned, others


def _add_mentions(description: FeatureSet, place: Place, evidence: Evidence) -> None:
    """Add what tracebacks and the issue say of a place in a file that is not parsed here."""
    lines = evidence.frame_scores.get(place.file, {})
    framed = {line: score for line, score in lines.items() if place.first_line <= line <= place.last_line}
    deepest = max(framed.values(), default=0.0)
    verb = "ends in" if deepest == 1 else "runs through"
    line = max(framed, key=lambda each: framed[each], default=0)
    description.add("frame", deepest, f"the traceback of a failing test {verb} line {line}")
    description.add("innermost", deepest == 1)
    name = place.symbol.rpartition(".")[2]
    description.add("named", bool(name) and name in evidence.issue_words, f"the issue names {name}")


def _find_region(regions: list[Region], place: Place) -> Region | None:
    """Find the region of a place: that of its symbol, or of the function around it."""
    names = place.symbol.split(".") if place.symbol else []
    for length in range(len(names), 0, -1):
        symbol = ".".join(names[:length])
        for region in regions:
            if region.symbol == symbol and (length == len(names) or region.function is not None):
                return region
    return next((region for region in regions if region.node is None), None) if not names else None


def _add_rank(description: FeatureSet, rank: int, place: Place) -> None:
    ordinal = f"{_ORDINALS[rank - 1]} place" if rank <= len(_ORDINALS) else f"place {rank}"
    reason = f"retrieval's {ordinal}: {place.why}" if place.why else f"retrieval's {ordinal}"
    description.add("retrieved", 1.0)
    description.add("retrieved_inverse", 1.0 / rank, reason)
    description.add("retrieved_log", max(0.0, 1 - log(rank) / log(_LAST_RANK)), reason)


def _measure_execution(region: Region, evidence: Evidence, highest: float) -> MeasuredRegion:
    path = region.source.path
    body = [statement for statement in region.statements if statement.node is not region.node]
    covered = score_statements(body, evidence.line_scores.get(path, {}))
    framed = score_statements(body, evidence.frame_scores.get(path, {}))
    predicted, predicate = _find_strongest(body, evidence.predicate_scores.get(path, {}))
    returned, value = _find_strongest(body, evidence.wrong_values.get(path, {}))
    description = FeatureSet()
    item = MeasuredRegion(region, covered, framed, predicted, description)
    _add_coverage(description, item, evidence, highest)
    deepest = _get_highest(framed)
    verb = "ends in" if deepest == 1 else "runs through"
    description.add("frame", deepest, f"the traceback of a failing test {verb} line {_get_worst_line(framed)}")
    description.add("innermost", deepest == 1)
    line = _get_worst_line(predicted)
    description.add("predicate", _get_highest(predicted), f"mostly failing tests see `{predicate}` at line {line}")
    description.add("value", _get_highest(returned), f"{value!r} in the failing assertion comes from here")
    if evidence.is_complete and region.function is not None and not item.executed and not deepest:
        description.add("unexecuted", 1.0)
    return item


def _add_coverage(description: FeatureSet, item: MeasuredRegion, evidence: Evidence, highest: float) -> None:
    top = _get_highest(item.covered)
    if not top:
        return
    lines = evidence.line_counts.get(item.region.source.path, {})
    counts = [lines[line] for statement in item.covered for line in get_header_lines(statement) if line in lines]
    hit = max((hit for hit, _ in counts), default=0)
    passed = max((passed for _, passed in counts), default=0)
    at = f"line {_get_worst_line(item.covered)}"
    description.add("executed", 1.0)
    description.add("coverage", top)
    exclusive = any(not passed for _, passed in counts)
    reason = f"only failing tests execute {at}" if exclusive else f"mostly failing tests execute {at}"
    description.add("coverage_relative", top / highest if highest else 0.0, reason if top >= _NOTABLE else "")
    description.add("exclusive", exclusive, reason)
    description.add("entirely_exclusive", bool(counts) and not passed, reason)
    description.add("share_of_failing", hit / evidence.failing if evidence.failing else 0.0)
    description.add("passing", log(1 + passed) / log(2 + evidence.passing))
    description.add("passing_share", passed / evidence.passing if evidence.passing else 0.0)


# The suspiciousness, in 0..1, from which a line is mostly executed by failing tests.
_NOTABLE = 0.6


def _add_names(
    description: FeatureSet, region: Region, evidence: Evidence, mentioned: set[str], namesakes: int
) -> None:
    if region.node is None:
        return
    owner = region.symbol.split(".")[-2] if "." in region.symbol else ""
    rarity = 1 / sqrt(namesakes)
    if region.name in evidence.issue_words:
        reason = f"the issue names {region.name}"
        description.add("named", rarity, reason)
        description.add("named_as_code", rarity * (region.name in mentioned), reason)
    if owner and owner in evidence.issue_words:
        description.add("owner_named", 1.0)
        if region.name in evidence.issue_words:
            description.add("named_fully", 1.0, f"the issue names {region.symbol}")
    description.add("called", rarity * (region.name in evidence.called_names), f"a failing test calls {region.name}")
    description.add("quoted", rarity * (region.name in evidence.quoted_names), f"the error names {region.name}")


def _add_form(description: FeatureSet, region: Region, subjects: set[str]) -> None:
    body = [statement for statement in region.statements if statement.node is not region.node]
    first, last = get_lines(region)
    description.add("subject", stem(region.source.path) in subjects)
    description.add("logic", _measure_logic(body))
    description.add("size", _measure_size(first, last))
    description.add("module", region.node is None)
    description.add("class", isinstance(region.node, ast.ClassDef))
    description.add("aside", is_supporting_file(region.source.path))


def _measure_size(first: int, last: int) -> float:
    return min(1.0, log(1 + last - first) / log(_MANY_LINES))


def _measure_logic(body: list[Statement]) -> float:
    """Return how much a region decides and computes, in 0..1: code that only delegates is seldom wrong."""
    top = [statement.node for statement in body if statement.parent is body[0].parent]
    operations = sum(isinstance(node, _OPERATIONS) for statement in top for node in ast.walk(statement))
    return min(1.0, operations / _MUCH_LOGIC)


def _add_callers(measured: Iterable[MeasuredRegion]) -> None:
    """Give each function a share of what speaks against its callers.

    A symptom mostly shows above its cause in the call graph. A caller of many functions says less about each. After
    Zhang et al., "Boosting Spectrum-Based Fault Localization Using PageRank", ISSTA 2017, with one step of the walk.
    """
    functions = [item for item in measured if item.region.function is not None and item.is_suspicious]
    by_name: dict[str, list[MeasuredRegion]] = {}
    for item in functions:
        by_name.setdefault(item.region.name, []).append(item)
    shares: dict[MeasuredRegion, dict[str, tuple[float, str]]] = {}
    for caller in functions:
        given = {name: caller.description.values.get(name, 0.0) for name in _FROM_CALLERS}
        if not any(given.values()):
            continue
        names = _collect_identifiers(caller.region) & by_name.keys()
        callees = [item for name in names for item in by_name[name] if item is not caller]
        for callee in callees:
            of_callee = shares.setdefault(callee, {})
            for name, value in given.items():
                share = value / sqrt(len(callees))
                of_callee[name] = max(of_callee.get(name, (0.0, "")), (share, caller.region.symbol))
    for item, of_callee in shares.items():
        for name, (share, symbol) in of_callee.items():
            item.description.add(f"caller_{name}", share, f"{symbol}, {_FROM_CALLERS[name]}, calls it")


_FROM_CALLERS = {
    "frame": "which is in the traceback",
    "retrieved_inverse": "which retrieval names",
    "exclusive": "which only failing tests execute",
    "value": "which returns a wrong value",
    "called": "which a failing test calls",
}


def _add_users(measured: Sequence[MeasuredRegion]) -> None:
    """Tell of code at module level and in classes, which runs before any test, whether executed functions use it."""
    users: dict[str, float] = {}
    for item in measured:
        if item.region.function is not None and (item.executed or any(item.framed.values())):
            for name in _collect_identifiers(item.region):
                users[name] = max(users.get(name, 0.0), _get_highest(item.covered), _get_highest(item.framed))
    for item in measured:
        if item.region.function is None:
            bound = {name for statement in item.region.statements for name in list_bound_names(statement)}
            strongest = max((users.get(name, 0.0) for name in bound), default=0.0)
            item.description.add("used", strongest, "suspicious functions use what it defines")


def list_bound_names(statement: Statement) -> set[str]:
    """Return the names that a statement binds."""
    names = (node for node in ast.walk(statement.node) if isinstance(node, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def get_lines(region: Region) -> tuple[int, int]:
    """Return the first and the last line of a region."""
    if region.node is not None:
        return region.node.lineno, region.node.end_lineno or region.node.lineno
    return region.statements[0].first_line, region.statements[-1].last_line


def score_statements(body: list[Statement], lines: Mapping[int, float]) -> dict[Statement, float]:
    """Return the highest score among the lines of each statement's header."""
    return {
        statement: max((lines.get(line, 0.0) for line in get_header_lines(statement)), default=0.0)
        for statement in body
    }


def get_header_lines(statement: Statement) -> range:
    """Return the lines of a simple statement, or of the header of a compound one."""
    return range(statement.first_line, statement.header_end + 1)


def _find_strongest(
    body: list[Statement], lines: Mapping[int, tuple[float, str]]
) -> tuple[dict[Statement, float], str]:
    scores = score_statements(body, {line: score for line, (score, _) in lines.items()})
    worst = max(scores, key=lambda statement: scores[statement], default=None)
    if worst is None or not scores[worst]:
        return scores, ""
    return scores, max(lines[line] for line in get_header_lines(worst) if line in lines)[1]


def _get_highest(scores: Mapping[Statement, float]) -> float:
    return max(scores.values(), default=0.0)


def _get_worst_line(scores: Mapping[Statement, float]) -> int:
    return max(scores, key=lambda statement: scores[statement]).first_line if scores else 0


def _collect_identifiers(region: Region) -> set[str]:
    return collect_identifiers(ast.walk(region.node)) if region.node is not None else set()
