"""Measure what storing and reading a large artifact takes, and reading it as text, each in a process of its own.

python -m benchmarks.artifacts [MB]
"""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from psycopg_pool import AsyncConnectionPool

from activities.artifacts.database import open_database
from activities.artifacts.store import PostgresArtifacts
from hydranet.contracts import ArtifactRef
from workers.postgres import open_postgres

ROUNDS = 3


async def measure(way: str, dsn: str, megabytes: int, sha256: str) -> str:
    """Return the hash of an artifact after it was stored, or read in one of two ways, with a line of figures."""
    async with open_database(dsn) as pool:
        data = os.urandom(megabytes * 1_000_000) if way == "store" else b""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        if way == "store":
            sha256 = (await PostgresArtifacts(pool).put(data)).sha256
        elif way == "read":
            await PostgresArtifacts(pool).get(ArtifactRef(sha256=sha256, size=0))
        else:
            await _read_text(pool, sha256)
        seconds = time.perf_counter() - began
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    return f"{sha256} {way:12} {seconds:.2f} s  {memory:.0f} MB more memory"


async def _read_text(pool: AsyncConnectionPool, sha256: str) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT read_artifact(%b)", (bytes.fromhex(sha256),))
        await cursor.fetchone()


def main(megabytes: int) -> None:
    # The path of a Unix socket is short.
    with tempfile.TemporaryDirectory(prefix="hydra-") as name:
        folder = Path(name)
        with open_postgres(folder / "data", folder, folder / "log") as server:
            for _ in range(ROUNDS):
                sha256 = ""
                for way in ("store", "read", "read as text"):
                    command = [sys.executable, "-m", "benchmarks.artifacts", way, server.dsn, str(megabytes), sha256]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    sha256, _, line = done.stdout.strip().partition(" ")
                    print(f"{megabytes} MB  {line}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(asyncio.run(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])))
    else:
        main(int(sys.argv[1]) if len(sys.argv) == 2 else 40)
