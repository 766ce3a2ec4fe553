"""The cost of the code graph on a source tree, beside the bare tree-sitter parse of the same files in the same run.

Run with `python benchmarks/indexing.py SOURCES`. Seconds are of this process's CPU time; each figure is the best of
`--rounds`. Linking one file again is measured on a file in the middle, with the facts of all files at hand.
"""

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tree_sitter import Parser

from activities.retrieval.languages import parse
from activities.retrieval.languages.python.expressions import LANGUAGE
from activities.retrieval.linking import Linker, affected

T = TypeVar("T")


def timed(rounds: int, work: Callable[[], T]) -> tuple[float, T]:
    """The CPU seconds of the quickest of some rounds, and what the last one gave."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        made = work()
        best = min(best, time.process_time() - start)
    return best, made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    files = {str(path.relative_to(given.sources)): path.read_bytes() for path in given.sources.rglob("*.py")}
    # As in the indexing worker: what is made here lives on, so collecting it again and again is for nothing.
    gc.disable()
    bare_parser = Parser(LANGUAGE)

    def bare_parse() -> None:
        for source in files.values():
            bare_parser.parse(source)

    bare, _ = timed(given.rounds, bare_parse)
    reading, read = timed(given.rounds, lambda: {path: parse(path, source) for path, source in files.items()})
    facts = {path: one for path, one in read.items() if one is not None}

    def link_all() -> int:
        linker = Linker(facts)
        return sum(len(linker.link(path)) for path in facts)

    linking, edges = timed(given.rounds, link_all)
    middle = sorted(facts)[len(facts) // 2]
    changed = parse(middle, files[middle] + b"\ndef added_by_the_benchmark(): ...\n")
    assert changed is not None
    after = facts | {middle: changed}

    def link_again() -> int:
        paths = affected(facts, after)
        linker = Linker(after)
        return sum(1 for path in paths if linker.link(path) is not None)

    again, relinked = timed(given.rounds, link_again)
    nodes = sum(len(one.definitions) + 1 for one in facts.values())
    print(f"{len(files)} files, {sum(map(len, files.values())):,} bytes, {nodes:,} nodes, {edges:,} edges")
    print(f"bare tree-sitter parse  {bare:6.2f} s")
    print(f"parse and facts         {reading:6.2f} s  {reading / bare:.2f}x")
    print(f"link all                {linking:6.2f} s  {linking / bare:.2f}x")
    print(f"together                {reading + linking:6.2f} s  {(reading + linking) / bare:.2f}x")
    print(f"link after one change   {again:6.2f} s  {relinked} files")


if __name__ == "__main__":
    main()
