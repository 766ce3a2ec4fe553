"""Why Temporal's server was not reached, in one sentence that says what to do.

The client names most causes in the debug output of its libraries. A server that only hangs up is asked whether it
speaks TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio.service import ConnectConfig, TLSConfig

_CERTIFICATE = "TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH"
_ADDRESS = "'temporal.address' or TEMPORAL_ADDRESS"
_AUTHORITY = "TEMPORAL_TLS_SERVER_CA_CERT_PATH"

# A part of the client's words, what it means of "The Temporal server at ADDRESS", and what to do.
_CAUSES: Mapping[str, tuple[str, str]] = {
    "code: PermissionDenied|code: Unauthenticated": (
        "does not let you in",
        "correct TEMPORAL_API_KEY or your client certificate, or ask whoever runs it for access",
    ),
    "dns error": ("is not known by that name", f"correct {_ADDRESS}, or the name service of this machine"),
    "UnknownIssuer|BadSignature": (
        "has a certificate of an authority that you do not trust",
        f"name the authority's certificate in {_AUTHORITY}",
    ),
    r"InvalidCertificate\(Expired": ("has a certificate that has expired", "have it renewed there"),
    "NotValidYet": ("has a certificate that is not valid yet", "correct the clock of this machine, or of that one"),
    "NotValidForName": (
        "has a certificate for another name",
        f"correct {_ADDRESS}, or name it in TEMPORAL_TLS_SERVER_NAME",
    ),
    "InvalidCertificate": ("has a certificate that cannot be used", "have it replaced there"),
    "InvalidContentType|tls handshake eof": ("does not speak TLS", "unset the variables TEMPORAL_TLS* and the API key"),
    "KeyMismatch|PrivateKeyParseError|CertificateParseError|NoCertificatesPresented|both client cert": (
        "cannot be asked, since client certificate and key do not fit together",
        f"correct {_CERTIFICATE}",
    ),
    "http2 error|FRAME_SIZE_ERROR": ("is another kind of server", f"correct {_ADDRESS}"),
}
_PROBE_SECONDS = 0.8


async def explain_failure(error: Exception, config: ConnectConfig, address: str) -> str:
    """Return the sentence for what the client raised when it connected to `address`."""
    text = str(error)
    server = f"The Temporal server at {address}"
    for pattern, (cause, remedy) in _CAUSES.items():
        if re.search(pattern, text):
            return f"{server} {cause}: {remedy}."
    if isinstance(error, TimeoutError):
        return (
            f"No Temporal server answers at {address} in time: start it, correct {_ADDRESS}, "
            "or open the way to it in the firewalls."
        )
    if "error after connection" in text:
        if not isinstance(config.tls, TLSConfig) and not config.tls:
            if await _speaks_tls(config.target_host):
                return f"{server} expects TLS: set TEMPORAL_TLS=true, and its certificates as it asks for."
        elif (tls := config.tls) is True or not tls.client_cert:
            return f"{server} asks for a client certificate: name yours in {_CERTIFICATE}."
        elif _has_expired(tls.client_cert):
            return f"Your client certificate for {address} has expired: have it renewed ({_CERTIFICATE})."
        else:
            return f"{server} does not take your client certificate: name one of its authority in {_CERTIFICATE}."
    return f"No Temporal server answers at {address}: start it, or correct {_ADDRESS}."


async def _speaks_tls(address: str) -> bool:
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context()
    # Nothing is sent over this connection: it asks whether there is TLS at all.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError, TimeoutError):
        connecting = asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
        _, writer = await asyncio.wait_for(connecting, _PROBE_SECONDS)
        writer.close()
        return True
    return False


def _has_expired(certificate: bytes) -> bool:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_after_utc < datetime.now(UTC)
    except ValueError:
        return False
