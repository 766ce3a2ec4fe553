"""The check of a certificate: whether it is valid, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

from hydra_cli.checks.placed import PlacedCheck, report
from hydranet.contracts import Level

# Of a certificate's lifetime; one that renews itself has done so by then.
_SHARE = 10


def check_expiry(where: str, name: str, pem: bytes, remedy: str, now: datetime | None = None) -> PlacedCheck:
    """Return whether a certificate is valid, and not about to expire."""
    from cryptography import x509

    now = now or datetime.now(UTC)
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return report(where, name, "it cannot be read", Level.FAIL, remedy)
    began, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends <= now:
        return report(where, name, f"it expired on {ends:%Y-%m-%d %H:%M} UTC", Level.FAIL, remedy)
    if began > now:
        text = f"it is not valid before {began:%Y-%m-%d %H:%M} UTC"
        return report(where, name, text, Level.FAIL, "Correct the clock of this machine, or of the one that issued it.")
    soon = ends - now < (ends - began) / _SHARE
    text = f"it expires on {ends:%Y-%m-%d %H:%M} UTC"
    return report(where, name, text, Level.WARN if soon else Level.OK, remedy if soon else "")
