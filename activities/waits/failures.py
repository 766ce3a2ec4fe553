"""What a failure of an activity says."""

from temporalio.api.failure.v1 import Failure
from temporalio.client import Client

from hydranet.errors import UsageError


async def read_message(client: Client, failure: Failure) -> str:
    """Return the words of a failure: those of a worker are sealed, those of Temporal's server are not."""
    if not failure.HasField("encoded_attributes"):
        return failure.message
    try:
        error = await client.data_converter.decode_failure(failure)
    except UsageError as unopened:  # A worker with another key sealed it.
        return str(unopened)
    return getattr(error, "message", str(error))
