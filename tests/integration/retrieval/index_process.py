"""An indexer in a process of its own, to be killed."""

import asyncio
import sys
from pathlib import Path

from activities.artifacts.database import open_database
from activities.retrieval.indexing import Indexer
from activities.retrieval.store import GraphStore


async def main(dsn: str, folder: Path) -> None:
    async with open_database(dsn) as pool:
        await Indexer(GraphStore(pool)).ensure(folder, "HEAD", str(folder))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
