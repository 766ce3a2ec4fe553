"""The connection to Temporal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from hydranet.errors import UsageError
from hydranet.settings import TemporalSettings
from workers.payloads import data_converter

DENIALS = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)
_CONNECT_SECONDS = 5.0
# The client raises a plain RuntimeError, with the status in its words.
_REFUSED = ("code: PermissionDenied", "code: Unauthenticated")


async def connect(
    settings: TemporalSettings, runtime: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
) -> Client:
    """Return a client for `settings.address`; UsageError when nothing answers there within five seconds."""
    connecting = Client.connect(
        settings.address,
        namespace=settings.namespace,
        data_converter=data_converter,
        runtime=runtime,
        interceptors=interceptors,
    )
    try:
        return await asyncio.wait_for(connecting, _CONNECT_SECONDS)
    except (RuntimeError, RPCError, ValueError, TimeoutError) as error:
        if any(status in str(error) for status in _REFUSED):
            raise UsageError(
                f"The Temporal server at {settings.address} does not let you in: ask whoever runs it for access."
            ) from None
        raise UsageError(
            f"No Temporal server answers at {settings.address}: start it, or correct 'temporal.address'."
        ) from None
