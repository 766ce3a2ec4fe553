"""`hydra bench --retrieval`: at which ranks a suite's fixes are found, by every mode of the search and its controls."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from activities.inference.prompt_context import CODE_CHARACTERS
from activities.retrieval.index import build_index, list_files
from activities.retrieval.query import Query
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.ranking import (
    DEEPEST,
    KEEP,
    Gold,
    GoldRanks,
    Share,
    estimate_difference,
    estimate_share,
    find_changed_functions,
    measure_ranking,
    measure_recall,
)
from hydra_cli.bench.suite import GOLD, BugInstance, build_tree
from hydra_cli.terminal import make_console, plain
from hydranet.code_graph.model import format_node_id
from hydranet.contracts import TestResult
from hydranet.contracts.retrieval import SearchMode
from hydranet.errors import UsageError

ISSUE = "issue"
TRACEBACK = "traceback"
AS_MANY = "fusion, as many files"
_MODES = tuple(map(str, (SearchMode.BM25, SearchMode.VECTOR, SearchMode.FUSION, SearchMode.GRAPH)))


@dataclass(frozen=True)
class Measured:
    """An instance and the ranks of its fix by query and mode."""

    id: str
    gold: Gold
    ranks: Mapping[str, Mapping[str, GoldRanks]]


def bench_retrieval(
    name: str,
    instances: Mapping[str, BugInstance],
    failing: Mapping[str, Sequence[TestResult]],
    json_out: Path | None,
) -> None:
    """Measure every instance and print what is found by its issue and, if they are given, by its failing tests."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    conditions, results = Conditions(), []
    with Progress(*columns, console=make_console(error=True)) as progress:
        for folder, instance in progress.track(instances.items(), description=name):
            queries = {ISSUE: Query(instance.issue)}
            if failing:
                queries[TRACEBACK] = _with_tests(instance, failing[folder])
            results.append(_measure(instance, queries))
    for query in results[0].ranks if results else ():
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
    symbols = [
        format_node_id(*symbol.replace("::", ":").rsplit(":", 1)) for symbol in instance.gold_symbols if ":" in symbol
    ]
    patch = instance.folder / GOLD
    if not symbols and patch.is_file():
        symbols = list(find_changed_functions(patch.read_text(errors="replace"), sources))
    return Gold(tuple(instance.gold_files), tuple(symbols))


def write_document(suite: str, results: Sequence[Measured]) -> dict[str, Any]:
    """Return what `--json` writes: the modes by the issue alone, those by the traceback too, and every instance."""
    first = results[0].ranks if results else {}
    return {
        "suite": suite,
        "characters": CODE_CHARACTERS,
        "deepest": DEEPEST,
        "modes": _document_modes(ISSUE, results) if ISSUE in first else {},
        **({TRACEBACK: {"modes": _document_modes(TRACEBACK, results)}} if TRACEBACK in first else {}),
        "instances": [
            {
                "id": result.id,
                "gold_files": result.gold.files,
                "gold_functions": result.gold.functions,
                "ranks": {
                    query: {mode: {"files": dict(r.files), "functions": dict(r.functions)} for mode, r in modes.items()}
                    for query, modes in result.ranks.items()
                },
            }
            for result in results
        ],
    }


def _document_modes(query: str, results: Sequence[Measured]) -> dict[str, Any]:
    modes = {
        name: _document_recall([result.ranks[query][name] for result in results]) for name in results[0].ranks[query]
    }
    as_many = [_measure_as_many(result, query) for result in results]
    return modes | {AS_MANY: {"shown": {"files": asdict(estimate_share(as_many))}}}


def _document_recall(ranks: Sequence[GoldRanks]) -> dict[str, Any]:
    with_functions = [gold for gold in ranks if gold.functions]
    files = {str(keep): estimate_share([measure_recall(gold.files, keep) for gold in ranks]) for keep in KEEP}
    return {
        "recall": {keep: share.mean for keep, share in files.items()},
        "interval": {keep: asdict(share) for keep, share in files.items()},
        "functions": {
            str(keep): asdict(estimate_share([measure_recall(gold.functions, keep) for gold in with_functions]))
            for keep in KEEP
        },
        "shown": {
            "files": asdict(estimate_share([len(gold.shown_files) / len(gold.files) for gold in ranks])),
            "functions": asdict(
                estimate_share([len(gold.shown_functions) / len(gold.functions) for gold in with_functions])
            ),
        },
    }


def _measure_as_many(result: Measured, query: str) -> float:
    # The recall of fusion at as many files as the graph's context has.
    ranks = result.ranks[query]
    return measure_recall(ranks[str(SearchMode.FUSION)].files, ranks[str(SearchMode.GRAPH)].context_files)


def _print(query: str, results: Sequence[Measured]) -> None:
    console = make_console()
    source = "the issue's text alone" if query == ISSUE else "the issue and the failing tests' tracebacks"
    console.print(f"\nBy {source}: the rank of the fix's file (of its function)")
    table = Table("instance", *_MODES, "graph beside fusion")
    for result in results:
        ranks = result.ranks[query]
        table.add_row(plain(result.id), *(_format_ranks(ranks[mode]) for mode in _MODES), _compare(ranks))
    console.print(table)
    recall = Table("mode", *(f"recall@{keep}" for keep in KEEP), "functions@10", "in the context")
    for mode in results[0].ranks[query]:
        recall.add_row(mode, *_format_recall([result.ranks[query][mode] for result in results]))
    as_many = estimate_share([_measure_as_many(result, query) for result in results])
    recall.add_row(AS_MANY, *[""] * len(KEEP), "", _format_share(as_many))
    console.print(recall)
    for sentence in _conclude(query, results):
        console.print(sentence)


def _format_ranks(ranks: GoldRanks) -> str:
    files = ", ".join(_format_rank(rank) for rank in ranks.files.values())
    functions = ", ".join(_format_rank(rank) for rank in ranks.functions.values())
    return f"{files} ({functions})" if functions else files


def _format_rank(rank: int | None) -> str:
    return "-" if rank is None else str(rank)


def _compare(ranks: Mapping[str, GoldRanks]) -> str:
    ours, theirs = (_sum_reciprocals(ranks[str(mode)]) for mode in (SearchMode.GRAPH, SearchMode.FUSION))
    return "=" if abs(ours - theirs) < 1e-9 else "won" if ours > theirs else "lost"


def _sum_reciprocals(ranks: GoldRanks) -> float:
    return sum(1 / rank for rank in ranks.files.values() if rank is not None)


def _format_recall(ranks: Sequence[GoldRanks]) -> list[str]:
    functions = [measure_recall(gold.functions, 10) for gold in ranks if gold.functions]
    in_context = estimate_share([len(gold.shown_files) / len(gold.files) for gold in ranks])
    recalls = [_format_share(estimate_share([measure_recall(gold.files, keep) for gold in ranks])) for keep in KEEP]
    return [*recalls, _format_share(estimate_share(functions)) if functions else "", _format_share(in_context)]


def _format_share(share: Share) -> str:
    return f"{share.mean:.1%} [{share.low:.0%}, {share.high:.0%}]"


def _conclude(query: str, results: Sequence[Measured]) -> list[str]:
    graph, fusion = str(SearchMode.GRAPH), str(SearchMode.FUSION)
    pairs = [(result.ranks[query][graph].files, result.ranks[query][fusion].files) for result in results]
    hard = [(ours, theirs) for ours, theirs in pairs if measure_recall(theirs, 10) < 1]
    sentences = []
    for name, chosen in (("all instances", pairs), ("instances where fusion's rank is beyond 10", hard)):
        gain = estimate_difference(
            [measure_recall(ours, 10) for ours, _ in chosen], [measure_recall(theirs, 10) for _, theirs in chosen]
        )
        points = f"{100 * gain.mean:+.1f} points [{100 * gain.low:+.0f}, {100 * gain.high:+.0f}]"
        sentences.append(f"recall@10 of the graph beside fusion on {len(chosen)} {name}: {points}")
    return sentences
