"""`hydra bench --retrieval`: at which place a suite's fixes are found, by every mode of the search and its controls."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from activities.inference.prompt_context import CODE_CHARACTERS
from activities.retrieval.memory_index import build_index, list_files
from activities.retrieval.query import Query
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.ranking import DEEPEST, Gold, GoldRanks, find_changed_functions, measure_ranking
from hydra_cli.bench.recall import KEEP, Share, estimate_difference, estimate_share, measure_recall
from hydra_cli.bench.suite import GOLD, BugInstance, build_tree
from hydra_cli.terminal import make_console
from hydranet.code_graph.model import format_node_id
from hydranet.contracts import TestResult
from hydranet.contracts.search_mode import SearchMode
from hydranet.errors import UsageError

ISSUE = "issue"
TRACEBACK = "traceback"
AS_MANY = "fusion, as many files"
_MODES = tuple(map(str, (SearchMode.BM25, SearchMode.VECTOR, SearchMode.FUSION, SearchMode.GRAPH)))


@dataclass(frozen=True)
class Measured:
    """What was measured of one instance, by query and mode."""

    id: str
    gold: Gold
    placed: Mapping[str, Mapping[str, GoldRanks]]


def bench_retrieval(
    name: str,
    instances: Mapping[str, BugInstance],
    failing: Mapping[str, Sequence[TestResult]],
    json_out: Path | None,
) -> None:
    """Measure every instance and tell what was found, also by the `failing` tests of its folder if there are any."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    conditions, results = Conditions(), []
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for folder, instance in progress.track(instances.items(), description=name):
            queries = {ISSUE: Query(instance.issue)}
            if failing:
                queries[TRACEBACK] = _with_tests(instance, failing[folder])
            results.append(_measure(instance, queries))
    for query in results[0].placed if results else ():
        _print(query, results)
    if json_out is not None:
        json_out.write_text(json.dumps(conditions.describe() | write_document(name, results), indent=1) + "\n")


def _with_tests(instance: BugInstance, failing: Sequence[TestResult]) -> Query:
    traceback = "\n".join(test.message for test in failing)
    return Query(instance.issue, traceback=traceback, tests=tuple(test.id for test in failing))


def _measure(instance: BugInstance, queries: Mapping[str, Query]) -> Measured:
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
        files = list_files(build_tree(instance, Path(folder) / "tree"))
    sources = {path: content.decode(errors="replace") for path, content in files.items()}
    gold = _gold(instance, sources)
    return Measured(instance.id, gold, measure_ranking(build_index(files), queries, gold, sources))


def _gold(instance: BugInstance, sources: Mapping[str, str]) -> Gold:
    if not instance.gold_files:
        raise UsageError(
            f"{instance.folder / 'instance.json'} has no gold_files: retrieval is measured by what the fix changed."
        )
    symbols = [format_node_id(*one.replace("::", ":").rsplit(":", 1)) for one in instance.gold_symbols if ":" in one]
    patch = instance.folder / GOLD
    if not symbols and patch.is_file():
        symbols = list(find_changed_functions(patch.read_text(errors="replace"), sources))
    return Gold(tuple(instance.gold_files), tuple(symbols))


def write_document(suite: str, results: Sequence[Measured]) -> dict[str, Any]:
    """What `--json` writes: `modes` by name for the issue alone, the same under `traceback`, and every instance."""
    first = results[0].placed if results else {}
    return {
        "suite": suite,
        "characters": CODE_CHARACTERS,
        "deepest": DEEPEST,
        "modes": _modes(ISSUE, results) if ISSUE in first else {},
        **({TRACEBACK: {"modes": _modes(TRACEBACK, results)}} if TRACEBACK in first else {}),
        "instances": [
            {
                "id": one.id,
                "gold_files": one.gold.files,
                "gold_functions": one.gold.functions,
                "ranks": {
                    query: {mode: {"files": dict(p.files), "functions": dict(p.functions)} for mode, p in modes.items()}
                    for query, modes in one.placed.items()
                },
            }
            for one in results
        ],
    }


def _modes(query: str, results: Sequence[Measured]) -> dict[str, Any]:
    modes = {name: _figures([one.placed[query] for one in results], name) for name in results[0].placed[query]}
    as_many = [_as_many(one, query) for one in results]
    return modes | {AS_MANY: {"shown": {"files": asdict(estimate_share(as_many))}}}


def _figures(placed: Sequence[Mapping[str, GoldRanks]], mode: str) -> dict[str, Any]:
    own = [one[mode] for one in placed]
    with_functions = [one for one in own if one.functions]
    return {
        "recall": {str(keep): estimate_share([measure_recall(one.files, keep) for one in own]).mean for keep in KEEP},
        "interval": {
            str(keep): asdict(estimate_share([measure_recall(one.files, keep) for one in own])) for keep in KEEP
        },
        "functions": {
            str(k): asdict(estimate_share([measure_recall(one.functions, k) for one in with_functions])) for k in KEEP
        },
        "shown": {
            "files": asdict(estimate_share([len(one.shown_files) / len(one.files) for one in own])),
            "functions": asdict(
                estimate_share([len(one.shown_functions) / len(one.functions) for one in with_functions])
            ),
        },
    }


def _as_many(one: Measured, query: str) -> float:
    """The recall of fusion at as many files as the graph's context has."""
    placed = one.placed[query]
    return measure_recall(placed[str(SearchMode.FUSION)].files, placed[str(SearchMode.GRAPH)].context_files)


def _print(query: str, results: Sequence[Measured]) -> None:
    output = make_console()
    said = "the issue's text alone" if query == ISSUE else "the issue and the failing tests' tracebacks"
    output.print(f"\nBy {said}: the place of the fix's file (of its function)")
    places = Table("instance", *_MODES, "graph beside fusion")
    for one in results:
        placed = one.placed[query]
        places.add_row(one.id, *(_told(placed[mode]) for mode in _MODES), _beside(placed))
    output.print(places)
    figures = Table("mode", *(f"recall@{keep}" for keep in KEEP), "functions@10", "in the context")
    for mode in results[0].placed[query]:
        figures.add_row(mode, *_row([one.placed[query][mode] for one in results]))
    as_many = estimate_share([_as_many(one, query) for one in results])
    figures.add_row(AS_MANY, *[""] * len(KEEP), "", _percent(as_many))
    output.print(figures)
    for sentence in _verdicts(query, results):
        output.print(sentence)


def _told(placed: GoldRanks) -> str:
    files = ", ".join(_place(rank) for rank in placed.files.values())
    functions = ", ".join(_place(rank) for rank in placed.functions.values())
    return f"{files} ({functions})" if functions else files


def _place(rank: int | None) -> str:
    return "-" if rank is None else str(rank)


def _beside(placed: Mapping[str, GoldRanks]) -> str:
    """Whether the graph wins or loses against fusion, by the mean of 1 / place."""
    ours, theirs = (_reciprocal(placed[str(mode)]) for mode in (SearchMode.GRAPH, SearchMode.FUSION))
    return "=" if abs(ours - theirs) < 1e-9 else "won" if ours > theirs else "lost"


def _reciprocal(placed: GoldRanks) -> float:
    return sum(1 / rank for rank in placed.files.values() if rank is not None)


def _row(placed: Sequence[GoldRanks]) -> list[str]:
    functions = [measure_recall(one.functions, 10) for one in placed if one.functions]
    shown = estimate_share([len(one.shown_files) / len(one.files) for one in placed])
    recalls = [_percent(estimate_share([measure_recall(one.files, keep) for one in placed])) for keep in KEEP]
    return [*recalls, _percent(estimate_share(functions)) if functions else "", _percent(shown)]


def _percent(figure: Share) -> str:
    return f"{figure.mean:.1%} [{figure.low:.0%}, {figure.high:.0%}]"


def _verdicts(query: str, results: Sequence[Measured]) -> list[str]:
    """The graph beside fusion: on all instances, and where fusion's place is beyond 10."""
    pairs = [(one.placed[query][str(SearchMode.GRAPH)], one.placed[query][str(SearchMode.FUSION)]) for one in results]
    hard = [(ours, theirs) for ours, theirs in pairs if measure_recall(theirs.files, 10) < 1]
    told = []
    for name, chosen in (("all instances", pairs), ("instances where fusion's place is beyond 10", hard)):
        gain = estimate_difference(
            [measure_recall(o.files, 10) for o, _ in chosen], [measure_recall(t.files, 10) for _, t in chosen]
        )
        points = f"{100 * gain.mean:+.1f} points [{100 * gain.low:+.0f}, {100 * gain.high:+.0f}]"
        told.append(f"recall@10 of the graph beside fusion on {len(chosen)} {name}: {points}")
    return told
