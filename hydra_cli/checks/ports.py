"""The check of a port: whether anything answers there."""

from __future__ import annotations

import asyncio

_SECONDS = 3.0


async def knock(host: str, port: int) -> OSError | UnicodeError | None:
    """Return why a port cannot be connected to: a TimeoutError where nothing comes back. None where it answers."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _SECONDS)
    except (OSError, UnicodeError, TimeoutError) as error:
        return error
    writer.close()
    return None
