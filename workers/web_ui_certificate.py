"""The certificate of the Web UI where the network may reach it: made here, and known by its fingerprint."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from activities.private_file import write_private
from workers.cluster.authority import Authority, digest_certificate, list_hosts, needs_renewal

# The longest that browsers take.
_LIFETIME = timedelta(days=397)


class Listener(NamedTuple):
    """An address of this machine at which the page is served over TLS; `fingerprint` is the certificate's SHA-256."""

    address: str
    context: ssl.SSLContext
    fingerprint: str


def open_listener(address: str, file: Path) -> Listener:
    """Return the listener for an address; key and certificate are kept in `file`, and made anew where they do not fit.

    No authority vouches for it: its key is thrown away, since whoever had it could pass for this page.
    """
    if not file.exists() or not _fits(pair := file.read_text(), address):
        pair = "".join(Authority.create().issue_server([address], _LIFETIME))
        write_private(file, pair)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(file)
    return Listener(address, context, digest_certificate(pair))


def _fits(pair: str, address: str) -> bool:
    try:
        return list_hosts(pair) == [address] and not needs_renewal(pair)
    except ValueError:  # It is none.
        return False
