"""The user's own Temporal server: where it is, and what opens it.

Temporal's variables and configuration file stand beneath HydraNet's settings. The embedded server never sees them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.service import ConnectConfig, HttpConnectProxyConfig, KeepAliveConfig

from hydranet.errors import UsageError
from hydranet.settings import TemporalSettings

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConfigProfile

# A file is read where one of these names it: a profile of other work in the usual place is not meant for HydraNet.
_FILE_VARIABLES = ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
_NAMING_VARIABLES = ("TEMPORAL_ADDRESS", *_FILE_VARIABLES)

# A connection whose link was lost is given up after 18 seconds, where the client's own 45 keep a worker silent after
# its link is back. Temporal's server refuses clients that ask more often than every ten.
_KEEP_ALIVE = KeepAliveConfig(interval_millis=12_000, timeout_millis=6_000)


def choose_server(temporal: TemporalSettings) -> TemporalSettings:
    """Return the settings with address and namespace of the user's own server; no address means the embedded one.

    Raises UsageError where variables or file of Temporal are wrong.
    """
    named = temporal.address or any(os.environ.get(name) for name in _NAMING_VARIABLES)
    if not named or temporal.address.startswith("unix:"):
        return temporal
    profile = _load_profile(temporal)
    address = temporal.address or profile.address
    if not address:
        raise UsageError("The profile of TEMPORAL_PROFILE names no address: add it, or set TEMPORAL_ADDRESS.")
    known = "namespace" in temporal.model_fields_set
    namespace = temporal.namespace if known else profile.namespace or temporal.namespace
    return temporal.model_copy(update={"address": address, "namespace": namespace})


def build_config(temporal: TemporalSettings, *, embedded: bool = False) -> ConnectConfig:
    """Return how the client connects to `temporal.address`.

    Raises UsageError where variables or file of Temporal are wrong, or would send an API key in clear.
    """
    if temporal.address.startswith("unix:"):
        # The client reaches a Unix socket by way of a proxy only; the host is then for its eyes alone.
        return ConnectConfig("127.0.0.1:7233", http_connect_proxy_config=HttpConnectProxyConfig(temporal.address))
    if embedded:
        return ConnectConfig(temporal.address)
    from activities.inference.addresses import is_loopback

    profile = _load_profile(temporal)
    try:
        chosen = profile.to_client_connect_config()
    except OSError as error:
        raise UsageError(
            f"{error.filename}, which a variable TEMPORAL_TLS_* or the profile names, cannot be read "
            f"({error.strerror}): correct its path or permissions."
        ) from None
    tls, key, metadata = chosen.get("tls", False), chosen.get("api_key"), chosen.get("rpc_metadata", {})
    if (
        not tls
        and (key or "authorization" in map(str.lower, metadata))
        and not is_loopback(temporal.address.rpartition(":")[0].strip("[]"))
    ):
        raise UsageError(
            f"The API key would be sent to {temporal.address} in clear: set TEMPORAL_TLS=true, or take the key away."
        )
    return ConnectConfig(temporal.address, tls=tls, api_key=key, rpc_metadata=metadata, keep_alive_config=_KEEP_ALIVE)


def build_variables(temporal: TemporalSettings, *, embedded: bool) -> dict[str, str]:
    """Return the environment of the `temporal` command for a server, with what opens this one and no other."""
    if embedded or temporal.address.startswith("unix:") or not _is_for(temporal, _read_profile()):
        others = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        # The command would also read a file in the usual place.
        return {**others, "TEMPORAL_CONFIG_FILE": os.devnull}
    return dict(os.environ) if _names_file() else {**os.environ, "TEMPORAL_CONFIG_FILE": os.devnull}


def _names_file() -> bool:
    return any(os.environ.get(name) for name in _FILE_VARIABLES)


def _load_profile(temporal: TemporalSettings) -> ClientConfigProfile:
    from temporalio.envconfig import ClientConfigProfile

    profile = _read_profile()
    return profile if _is_for(temporal, profile) else ClientConfigProfile()


def _is_for(temporal: TemporalSettings, profile: ClientConfigProfile) -> bool:
    # A key that was given for one server is not shown to another.
    return not temporal.address or profile.address in (None, "", temporal.address)


def _read_profile() -> ClientConfigProfile:
    from temporalio.envconfig import ClientConfigProfile

    file = os.environ.get("TEMPORAL_CONFIG_FILE")
    if file and not Path(file).exists():
        raise UsageError(f"There is no {file}, which TEMPORAL_CONFIG_FILE names: correct or unset the variable.")
    # An empty variable is unset, which an empty path would not be.
    variables = {name: value for name, value in os.environ.items() if value}
    try:
        return ClientConfigProfile.load(disable_file=not _names_file(), override_env_vars=variables)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UsageError(f"Temporal's variables or configuration file are wrong ({reason}): correct them.") from None
