"""The best nodes for a question in words: BM25 over the arrays in memory beside PostgreSQL's full text.

`python -m benchmarks.fulltext FOLDER`: the functions, classes and modules of the Python files in FOLDER, asked for by
the first words of some of their docstrings. Tells the time of a query (best, median, ms), what the index costs, and how
often the node whose docstring was asked with is among the first 10.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg

from activities.retrieval.bm25 import Postings
from activities.retrieval.languages import parse_file
from activities.retrieval.tokens import Bags, count_terms, split_terms
from hydranet.code_graph.model import Node
from workers.postgres import open_postgres

_QUESTIONS = 200
_WORDS = 12
_FIRST = 10
_DRAW = np.random.default_rng(7)


def read(folder: Path) -> tuple[list[Node], list[str]]:
    """The nodes of a folder, and the lines of each without its docstring, which is what will be asked with."""
    nodes, texts = [], []
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        lines = source.decode(errors="replace").split("\n")
        facts = parse_file(path.name, source)
        assert facts is not None
        for node in facts.nodes(str(path)):
            nodes.append(node)
            texts.append("\n".join(lines[node.first - 1 : node.last]).replace(node.docstring, ""))
    return nodes, texts


def tell(name: str, questions: dict[int, str], ask: Callable[[str], list[int]]) -> None:
    """Ask every question and tell how long it took and how often the right node came."""
    seconds, right = [], 0
    for number, question in questions.items():
        began = time.perf_counter()
        found = ask(question)
        seconds.append(time.perf_counter() - began)
        right += number in found
    best, median = 1e3 * min(seconds), 1e3 * statistics.median(seconds)
    print(f"{name:12} best {best:7.1f} ms, median {median:7.1f} ms, found {right / len(questions):.0%}", flush=True)


def main() -> None:
    """Measure on an embedded server."""
    nodes, texts = read(Path(sys.argv[1]))
    told = [number for number, node in enumerate(nodes) if len(node.docstring.split()) >= _WORDS]
    drawn = _DRAW.choice(told, min(_QUESTIONS, len(told)), replace=False)
    questions = {int(number): " ".join(nodes[number].docstring.split()[:_WORDS]) for number in drawn}
    began = time.process_time()
    bags = Bags.of(texts)
    postings = Postings(bags)
    print(f"{len(nodes)} nodes; in memory in {time.process_time() - began:.1f} s of processor")

    def bm25(question: str) -> list[int]:
        scores = postings.scores({number: float(count) for number, count in count_terms(question).items()})
        return [int(one) for one in np.argpartition(scores, -_FIRST)[-_FIRST:]]

    tell("BM25", questions, bm25)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            open_postgres(folder / "postgres", folder, folder / "log") as server,
            psycopg.connect(server.dsn, autocommit=True) as connection,
        ):
            began = time.perf_counter()
            connection.execute("CREATE TABLE d (id integer, words tsvector)")
            # The same terms, so that what is compared is the ranking and not how names are split.
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO d VALUES (%s, to_tsvector('simple', %s))",
                    ((number, " ".join(split_terms(text)[:50_000])[:900_000]) for number, text in enumerate(texts)),
                )
            connection.execute("CREATE INDEX ON d USING gin (words)")
            size = connection.execute("SELECT pg_total_relation_size('d')").fetchone()
            assert size is not None
            print(f"in PostgreSQL in {time.perf_counter() - began:.1f} s, {size[0] / 1e6:.0f} MB", flush=True)

            def ranked(question: str) -> list[int]:
                wanted = " | ".join(f"'{term}'" for term in dict.fromkeys(split_terms(question)))
                cursor = connection.execute(
                    "SELECT id FROM d, to_tsquery('simple', %s) AS q WHERE words @@ q"
                    f" ORDER BY ts_rank(words, q, 1) DESC LIMIT {_FIRST}",
                    (wanted,),
                )
                return [number for (number,) in cursor.fetchall()]

            tell("full text", questions, ranked)


if __name__ == "__main__":
    main()
