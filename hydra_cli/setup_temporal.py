"""`hydra setup-temporal`: set up the namespace of a Temporal server of one's own."""

import asyncio

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.settings import TemporalSettings
from workers.connection import connect
from workers.namespace import NamespaceSetup, load_definition
from workers.sealing import KeyRing, load_keys
from workers.temporal_profile import choose_server


def setup_temporal() -> None:
    """Create what HydraNet needs on your own Temporal server; repeatable."""
    chosen = settings.load_settings()
    temporal = choose_server(chosen.temporal)
    if not temporal.address:
        raise UsageError(
            "No Temporal server is named: set 'temporal.address' or TEMPORAL_ADDRESS. "
            "HydraNet's own server needs no set-up."
        )
    asyncio.run(_set_up(temporal, load_keys(chosen)))


async def _set_up(temporal: TemporalSettings, keys: KeyRing) -> None:
    setup = NamespaceSetup(await connect(temporal, keys), load_definition())
    async for line in setup.apply():
        write_line(line)
    await setup.wait_until_searchable()
    write_line(f"The namespace '{temporal.namespace}' at {temporal.address} is ready for HydraNet.")
