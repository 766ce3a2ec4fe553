"""A small repository whose files hang together, and a look at everything that the store keeps."""

import subprocess
from pathlib import Path
from typing import Any

from psycopg_pool import AsyncConnectionPool

TABLES = {
    "code_sources": "oid, source",
    "code_blobs": "blob, oid, skipped, facts, terms",
    "code_nodes": "*",
    "code_links": "links",
    "code_edges": "*",
    "code_trees": "tree, parser",
    "code_files": "*",
    "code_heads": "repository, commit, tree, skipped",
    "code_vectors": "model, digest",
}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def module(number: int, names: int = 3) -> str:
    """A module that imports the one before it and calls what is in it."""
    before = f"from part{number - 1} import run0 as previous\n" if number else ""
    body = "\n".join(
        f"def run{name}():\n    return {'previous()' if number and name else name}\n" for name in range(names)
    )
    return f'"""Part {number}."""\n{before}\n{body}'


def repository(folder: Path, parts: int = 4) -> Path:
    """A committed repository of so many modules, each of which calls the one before it."""
    folder.mkdir(parents=True)
    for number in range(parts):
        (folder / f"part{number}.py").write_text(module(number))
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A", "--force")
    git(folder, "commit", "-q", "--allow-empty", "-m", "now")


async def rows(pool: AsyncConnectionPool) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the graph's tables, in an order of their own."""
    found = {}
    async with pool.connection() as connection:
        for table, columns in TABLES.items():
            cursor = await connection.execute(f"SELECT {columns} FROM {table}".encode())
            found[table] = sorted(await cursor.fetchall(), key=repr)
    return found


async def age(pool: AsyncConnectionPool) -> None:
    """Have everything that is in the store be used two days ago."""
    async with pool.connection() as connection:
        for table in ("code_sources", "code_blobs", "code_links", "code_trees"):
            await connection.execute(f"UPDATE {table} SET used_at = now() - interval '2 days'".encode())
