"""Checks the signature of webhooks that we get from others."""

from hashlib import sha256
from hmac import compare_digest, new


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether a signature is the right one for the body of a webhook."""
    return compare_digest(new(secret.encode(), body, sha256).hexdigest(), signature)
