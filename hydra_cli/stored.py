"""What the database of the stack keeps of a repository, as commands read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from activities.artifacts.database import open_database
from hydra_cli.repository import Repository
from hydra_cli.session import attach_session
from hydranet import settings
from hydranet.settings import Settings

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.retrieval.store import GraphStore


@asynccontextmanager
async def open_stored(chosen: Settings) -> AsyncIterator[AsyncConnectionPool]:
    """The database of the stack, which is started when there is none."""
    async with attach_session(chosen) as session, open_database(session.stack.database) as pool:
        yield pool


@asynccontextmanager
async def open_graph_store(repository: Repository) -> AsyncIterator[GraphStore]:
    """The store that the graph of `repository` is in, if it is indexed."""
    from activities.retrieval.store import GraphStore

    async with open_stored(settings.load_settings(repository.path)) as pool:
        yield GraphStore(pool)


def explain_not_indexed(repository: Repository) -> str:
    """What to do about a repository without an index."""
    return f"{repository.path} is not indexed: run `hydra index --repo {repository.path}`."
