"""How quick a search is on a large tree, warm: `python -m benchmarks.retrieval_speed TREE`.

TREE is a plain folder, such as an unpacked source release of Django. It is indexed in memory; then searches for issues
made of the docstrings of its own functions, and of names in its code, are timed one after the other. Told are the
median and the 99th percentile by mode, by the clock and of the processor's time, which other work on the machine does
not lengthen as much; and beside them, for the machine's own speed, a product of a matrix as large as the vectors with
one of them. Vectors are lexical.
"""

import argparse
import random
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from activities.retrieval.index import Index, build_index, list_files
from activities.retrieval.query import Query
from activities.retrieval.search import Search
from hydranet.contracts.retrieval import SearchMode

QUERIES = 200


def queries(index: Index) -> list[Query]:
    """Issues of the length that reporters write: what two functions say of themselves, a name and a traceback."""
    chance = random.Random(0)
    told = [node for node in index.nodes if len(node.docstring) > 80]
    named = [node for node in index.nodes if node.name.count(".") == 1]
    made = []
    for _ in range(QUERIES):
        one, other, third = chance.choice(told), chance.choice(told), chance.choice(named)
        trace = (
            f'Traceback (most recent call last):\n  File "{third.path}", line {third.first}, in {third.name}\nTypeError'
        )
        made.append(Query(f"{one.docstring[:80]}\n\n{other.docstring}\n\n`{third.name}` fails:\n\n```\n{trace}\n```"))
    return made


def timed(name: str, works: Iterable[Callable[[], object]]) -> None:
    """Do each of `works`, and tell how long one takes."""
    times = []
    for work in works:
        wall, own = time.perf_counter(), time.process_time()
        work()
        times.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - own)))
    (wall, own), (slow, slow_own) = np.median(times, axis=0), np.percentile(times, 99, axis=0)
    of_processor = f"processor {own:6.1f} and {slow_own:6.1f} ms"
    print(f"{name:>10}: median {wall:6.1f} ms, 99th percentile {slow:6.1f} ms; {of_processor}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tree", type=Path)
    began = time.perf_counter()
    search = Search(build_index(list_files(parser.parse_args().tree)))
    index = search.index
    print(f"{len(index.paths)} files, {len(index.nodes)} nodes, {len(index.edges.source)} edges")
    print(f"indexed in memory in {time.perf_counter() - began:.1f} s")
    asked = queries(index)
    assert index.vectors is not None
    vectors = index.vectors
    timed("a product", [lambda: vectors @ vectors[0]] * QUERIES)
    for mode in SearchMode:
        search.find(asked[0], mode)
        # A query reads its words once: each mode is asked anew.
        timed(mode, [partial(found, search, replace(query), mode) for query in asked])
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def found(search: Search, query: Query, mode: SearchMode) -> None:
    """Find and rank, as the command does."""
    result = search.find(query, mode)
    result.functions(10)
    result.ranked(10)


if __name__ == "__main__":
    main()
