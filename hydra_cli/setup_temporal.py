"""`hydra setup-temporal`: set up the namespace of a Temporal server of one's own."""

import asyncio

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.connection import connect
from workers.namespace import NamespaceSetup, load_definition
from workers.sealing import load_keys


def setup_temporal() -> None:
    """Create what HydraNet needs on your own Temporal server; repeatable."""
    chosen = settings.load_settings()
    if not chosen.temporal.address:
        raise UsageError(
            "The settings name no Temporal server: set 'temporal.address'. HydraNet's own server needs no set-up."
        )
    asyncio.run(_set_up(chosen))


async def _set_up(chosen: Settings) -> None:
    temporal = chosen.temporal
    setup = NamespaceSetup(await connect(temporal, load_keys(chosen)), load_definition())
    async for line in setup.apply():
        write_line(line)
    await setup.wait_until_searchable()
    write_line(f"The namespace '{temporal.namespace}' at {temporal.address} is ready for HydraNet.")
