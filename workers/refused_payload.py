"""Payloads that count for nothing: the codec marks them, and what reads them says why."""

from temporalio.api.common.v1 import Payload

UNSEALED = b"binary/unsealed"
"""The encoding of a payload that counts for nothing; its data may say why."""


def is_refused(payload: Payload) -> bool:
    """Return whether the codec has marked a payload as one that counts for nothing."""
    return payload.metadata.get("encoding") == UNSEALED


def explain_refused(payload: Payload) -> str:
    """Return why a marked payload counts for nothing, in a sentence."""
    return (
        payload.data.decode()
        or "This was not sealed with a key of HydraNet's, so it is not obeyed: an earlier version wrote it, "
        "or somebody who has no key."
    )
