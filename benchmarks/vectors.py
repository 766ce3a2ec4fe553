"""The nearest vectors of a query: a scan in memory, PostgreSQL's exact scan, and its HNSW index.

`python -m benchmarks.vectors FOLDER [COUNT...]`: the lexical vectors of the Python files in FOLDER, repeated with noise
up to each COUNT. Tells the time of a query (best and median, ms), what the index costs, and its recall.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector

from activities.retrieval import hashed_vectors
from activities.retrieval.languages import parse_file
from workers.postgres import open_postgres

_QUERIES = 100
_NEAREST = 50
_DRAW = np.random.default_rng(7)


def vectors(folder: Path) -> NDArray[np.float32]:
    """The vectors of all functions, classes and modules in a folder."""
    texts = []
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        lines = source.decode(errors="replace").split("\n")
        facts = parse_file(path.name, source)
        assert facts is not None
        texts += ["\n".join(lines[node.first - 1 : node.last])[:2000] for node in facts.nodes(path.name)]
    rows = hashed_vectors.count_features(texts)
    return hashed_vectors.weigh_vectors(rows, hashed_vectors.measure_rarity(rows))


def grown(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` of the rows; those that are repeated are moved a little."""
    more = rows[_DRAW.integers(0, len(rows), count)]
    more = more + _DRAW.normal(0, 0.02, more.shape).astype(np.float32)
    return np.asarray(more / np.linalg.norm(more, axis=1, keepdims=True), np.float32)


def timed(name: str, queries: NDArray[np.float32], ask: Callable[[NDArray[np.float32]], Any]) -> list[set[int]]:
    """Ask every query, tell how long it took, and return the answers."""
    seconds, found = [], []
    for query in queries:
        began = time.perf_counter()
        found.append({int(one) for one in ask(query)})
        seconds.append(time.perf_counter() - began)
    best, median = 1e3 * min(seconds), 1e3 * statistics.median(seconds)
    print(f"  {name:22} best {best:7.1f} ms, median {median:7.1f} ms", flush=True)
    return found


def recall(found: list[set[int]], right: list[set[int]]) -> float:
    """The share of the right answers that were found."""
    return statistics.mean(len(one & other) / len(other) for one, other in zip(found, right, strict=True))


def measure(connection: psycopg.Connection[Any], rows: NDArray[np.float32]) -> None:
    """Compare the three on `rows`."""
    queries = grown(rows, _QUERIES)
    print(f"{len(rows)} vectors of {rows.shape[1]} dimensions, {rows.nbytes / 1e6:.0f} MB in memory")
    right = timed("in memory", queries, lambda query: np.argpartition(rows @ query, -_NEAREST)[-_NEAREST:])
    connection.execute("DROP TABLE IF EXISTS v")
    connection.execute(f"CREATE TABLE v (id integer, vector vector({rows.shape[1]}))")
    with connection.cursor() as cursor, cursor.copy("COPY v FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(("int4", "vector"))
        for number, row in enumerate(rows):
            copy.write_row((number, row))

    def ask(query: NDArray[np.float32]) -> list[int]:
        statement = f"SELECT id FROM v ORDER BY vector <#> %s LIMIT {_NEAREST}"
        return [number for (number,) in connection.execute(statement, (query,)).fetchall()]

    timed("PostgreSQL, exact", queries[:10], ask)
    began = time.perf_counter()
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("CREATE INDEX v_hnsw ON v USING hnsw (vector vector_ip_ops)")
    built = time.perf_counter() - began
    for width in (50, 200):
        connection.execute(f"SET hnsw.ef_search = {width}")
        found = timed(f"HNSW, ef_search {width}", queries, ask)
        print(f"  {'':22} recall at {_NEAREST} {recall(found, right):.3f}")
    size = connection.execute("SELECT pg_relation_size('v_hnsw')").fetchone()
    assert size is not None
    print(f"  HNSW is built in {built:.1f} s and takes {size[0] / 1e6:.0f} MB", flush=True)


def main() -> None:
    """Measure on an embedded server."""
    rows = vectors(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            open_postgres(folder / "postgres", folder, folder / "log") as server,
            psycopg.connect(server.dsn, autocommit=True) as connection,
        ):
            connection.execute("CREATE EXTENSION vector")
            register_vector(connection)
            for count in [int(count) for count in sys.argv[2:]] or [len(rows)]:
                measure(connection, rows if count == len(rows) else grown(rows, count))


if __name__ == "__main__":
    main()
