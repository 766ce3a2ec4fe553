"""The environment variables of a sandboxed command: an allow-list, so that no secret of the host is among them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from activities.sandbox.protocol import ENVIRONMENT, HOME, PROXY_URL, TOOLS, Job
from hydranet.errors import UsageError

# A NUL would end one argument of a backend's command and begin another; a lone surrogate cannot be encoded.
_UNUSABLE = re.compile(r"[\0\ud800-\udfff]")

# The host's variables that an installer gets: the settings of pip, the indexes of uv, and certificates. npm's are read
# with its files.
_INSTALLER = re.compile(
    r"PIP_\w+|UV_(?:INDEX\w*|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST)"
    r"|SSL_CERT_(?:FILE|DIR)|(?:REQUESTS|CURL)_CA_BUNDLE|NODE_EXTRA_CA_CERTS",
    re.IGNORECASE,
)
# These of pip's name paths on the host, or would install outside of the virtual environment.
_HOST_ONLY = {
    "PIP_CONFIG_FILE",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_CACHE_DIR",
    "PIP_PROXY",
    "PIP_LOG",
    "PIP_REQUIRE_VIRTUALENV",
}
# Every way to leave leads through the forwarder inside, also to an index that is this machine's own.
_PROXY_SETTINGS = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), PROXY_URL),
    **dict.fromkeys(("PIP_PROXY", "npm_config_proxy", "npm_config_https_proxy"), PROXY_URL),
    **dict.fromkeys(("NO_PROXY", "no_proxy", "npm_config_noproxy"), ""),
}
_PIP_SETTINGS = {"PIP_NO_INPUT": "1", "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def build_variables(
    job: Job, installer: Mapping[str, str] = MappingProxyType({}), programs: Sequence[str] = ()
) -> dict[str, str]:
    """Return the whole environment of a command.

    The variables of `job` win over those of the `installer` and over the sandbox's own, except that a setup has one
    way out only. `programs` are folders for PATH. Raises UsageError for a name or value that cannot be a variable.
    """
    chosen = {**installer, **job.env}
    for name, value in chosen.items():
        if not name.isidentifier() or _UNUSABLE.search(value):
            raise UsageError(
                f"The setting 'sandbox.env' holds {name[:80]!r}, which cannot be a variable; correct its name or value."
            )
    folders = [f"{ENVIRONMENT}/bin"] if job.environment is not None else []
    path = chosen.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **chosen,
        **(_PROXY_SETTINGS if job.setup else {}),
        "PATH": ":".join([*folders, *programs, path]),
        "PYTHONPATH": f"{TOOLS}:{chosen['PYTHONPATH']}" if "PYTHONPATH" in chosen else TOOLS,
    }


def list_installer_variables() -> dict[str, str]:
    """Return the host's variables that an installer needs, and settings for a pip that nobody watches."""
    allowed = {name: value for name, value in os.environ.items() if _INSTALLER.fullmatch(name)}
    return {name: value for name, value in allowed.items() if name not in _HOST_ONLY} | _PIP_SETTINGS
