"""What indexing a tree costs beside the bare tree-sitter parse of the same files on the same core.

`python -m benchmarks.indexing FOLDER`, with a source release unpacked in FOLDER, such as Django's. Everything runs in
one process pinned to one core, but for PostgreSQL, which has the others; both kinds of seconds are told. The bare parse
is done again between the steps, so that what else the machine does counts for both. The changed file is indexed by the
same process, as a worker that stays up does it.
"""

import asyncio
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import tree_sitter_python
from tree_sitter import Language, Parser

from activities.artifacts.database import open_database
from activities.retrieval.embeddings import Vectors
from activities.retrieval.file_filter import filter_content
from activities.retrieval.indexing import Indexer
from activities.retrieval.languages import SUFFIXES, parse_file
from activities.retrieval.linking import Linker
from activities.retrieval.manifest import survey_tree
from activities.retrieval.store import GraphStore
from activities.retrieval.tokens import count_bodies
from hydranet.settings import ModelSettings
from workers.postgres import open_postgres

T = TypeVar("T")

_REPEATS = 5


class Laps:
    """Wall and processor seconds by what was done, PostgreSQL's apart."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self.found: dict[str, dict[str, float]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Measure the block."""
        wall, own, servers = time.perf_counter(), time.process_time(), _processor(self._server)
        yield
        self.found[name] = {
            "wall": round(time.perf_counter() - wall, 3),
            "own": round(time.process_time() - own, 3),
            "postgres": round(_processor(self._server) - servers, 3),
        }
        print(f"{name:34} {json.dumps(self.found[name])}", flush=True)


def _processor(server: psutil.Process) -> float:
    """The processor seconds of a server and its processes, those that ended included."""
    times = [process.cpu_times() for process in (server, *server.children())]
    ended = server.cpu_times()
    return sum(one.user + one.system for one in times) + ended.children_user + ended.children_system


class Bare:
    """The bare parse of every file, and what it took each time."""

    def __init__(self, folder: Path) -> None:
        paths = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
        self.sources = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self.seconds: list[float] = []
        self._parser = Parser(Language(tree_sitter_python.language()))
        size = sum(map(len, self.sources.values())) / 1e6
        print(f"{len(self.sources)} files, {size:.1f} MB", flush=True)

    def again(self) -> None:
        """Parse every file twice."""
        for _ in range(2):
            began = time.process_time()
            for source in self.sources.values():
                self._parser.parse(source)
            self.seconds.append(time.process_time() - began)

    @property
    def mean(self) -> float:
        """The mean of all times."""
        return statistics.mean(self.seconds)


def parts(bare: Bare) -> None:
    """Tell what of the indexing is the work itself, done in memory: the rest is git, rows, queries and COPY."""
    gc.disable()
    files = {path: source for path, source in bare.sources.items() if filter_content(source) is None}
    bare.again()
    facts, reading = _own(lambda: {path: parse_file(path, source) for path, source in files.items()})
    known = {path: one for path, one in facts.items() if one is not None}
    texts = {path: files[path].decode(errors="replace") for path in known}
    _, words = _own(lambda: [count_bodies(one.nodes(path), texts[path]).to_bytes() for path, one in known.items()])
    linker = Linker(known)
    _, linking = _own(lambda: [linker.link(path) for path in known])
    bare.again()
    gc.enable()
    plain = statistics.mean(bare.seconds[-4:])
    told = {"parse and facts": reading, "terms": words, "edges": linking}
    print(", ".join(f"{name} {spent:.2f} s ({spent / plain:.1f})" for name, spent in told.items()), flush=True)


def _own(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and its processor seconds."""
    began = time.process_time()
    return work(), time.process_time() - began


def commit(folder: Path) -> None:
    """Commit all there is."""
    command = ["git", "-c", "user.name=B", "-c", "user.email=b@localhost"]
    if not (folder / ".git").exists():
        subprocess.run([*command, "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([*command, "add", "--all", "--force"], cwd=folder, check=True)
    subprocess.run([*command, "commit", "--quiet", "--message", "now"], cwd=folder, check=True)


async def index(folder: Path, indexer: Indexer) -> int:
    """Index HEAD as the workflow's activities do; how many files were linked anew."""
    manifest = await asyncio.to_thread(survey_tree, folder, "HEAD", str(folder))
    await indexer.send(folder, await indexer.missing(manifest))
    linked = await indexer.link(manifest)
    await indexer.settle(manifest)
    return linked


def by_size(folder: Path) -> list[Path]:
    """The Python files of a folder, the smallest first."""
    return sorted(folder.rglob("*.py"), key=lambda path: (path.stat().st_size, path))


async def changed(name: str, folder: Path, indexer: Indexer, change: Callable[[str], str]) -> None:
    """Tell the median seconds of indexing after one of the larger files was changed, and how many were linked anew."""
    files = by_size(folder)
    walls, owns, linked = [], [], 0
    for number in range(_REPEATS):
        file = files[len(files) * 3 // 4 + number]
        file.write_text(change(file.read_text()))
        commit(folder)
        wall, own = time.perf_counter(), time.process_time()
        linked = max(linked, await index(folder, indexer))
        walls.append(time.perf_counter() - wall)
        owns.append(time.process_time() - own)
    wall, own = statistics.median(walls), statistics.median(owns)
    print(f"{name:34} {wall:.3f} s wall, {own:.3f} s own; at most {linked} files linked", flush=True)


async def measure(folder: Path, dsn: str, server: psutil.Process) -> None:
    """Index a copy of `folder` into the database at `dsn`."""
    laps, bare = Laps(server), Bare(folder)
    commit(folder)
    async with open_database(dsn) as pool:
        store = GraphStore(pool)
        indexer = Indexer(store)
        with laps.of("list"):
            manifest = survey_tree(folder, "HEAD", str(folder))
            missing = await indexer.missing(manifest)
        with laps.of("send the contents"):
            await indexer.send(folder, missing)
        bare.again()
        with laps.of("parse and keep"):
            await indexer.parse(missing)
        bare.again()
        with laps.of("link and keep"):
            await indexer.link(manifest)
            await indexer.settle(manifest)
        bare.again()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        own = sum(lap["own"] for lap in laps.found.values())
        servers = sum(lap["postgres"] for lap in laps.found.values())
        wall = sum(lap["wall"] for lap in laps.found.values())
        print(
            f"index: {wall:.2f} s wall, {own:.2f} s own and {servers:.2f} s PostgreSQL's processor; peak {peak:.0f} MB"
        )
        plain, best = bare.mean, min(bare.seconds)
        both = (own + servers) / plain
        print(f"bare parse {plain:.2f} s ({best:.2f} at best)")
        print(f"ratio to the bare parse: {own / plain:.1f} (wall {wall / plain:.1f}, with PostgreSQL {both:.1f})")
        with laps.of("load"):
            graph = await store.load(manifest.address)
        print(f"{len(graph.nodes)} nodes, {len(graph.edges)} edges, {await store.size() / 1e6:.0f} MB in the database")
        with laps.of("lexical vectors"):
            await Vectors(store, ModelSettings()).embed(manifest.address, "")
        await changed("one file changed within", folder, indexer, lambda text: f"{text}\n# changed\n")
        more = "\n\ndef changed():\n    return 1\n"
        await changed("one file with a new function", folder, indexer, lambda text: f"{text}{more}")
        with laps.of("nothing changed"):
            await index(folder, indexer)
    parts(bare)


def _find_server(data: Path) -> psutil.Process:
    servers = [one for one in psutil.process_iter(["name", "cmdline"]) if str(data) in (one.info["cmdline"] or [])]
    return next(server for server in servers if server.info["name"] == "postgres")


def main() -> None:
    """Index the folder on the command line on an embedded server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(sys.argv[1], folder / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git"))
        with open_postgres(folder / "postgres", folder, folder / "log") as server:
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            asyncio.run(measure(folder / "tree", server.dsn, _find_server(folder / "postgres")))


if __name__ == "__main__":
    main()
