"""Prometheus and Grafana of an embedded stack, while somebody observes it (`hydra up --observe`).

They begin and end beside the runs: workers serve their metrics from then on, and PostgreSQL stays without a port.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from asyncio import create_subprocess_exec
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import yaml

from activities.artifacts.database import connect_once
from activities.artifacts.observer import OBSERVER, create_observer
from activities.private_file import create_private, write_private
from activities.sandbox.bubblewrap import find_program
from hydranet.names import Role
from hydranet.settings import Settings, TemporalSettings
from workers.dashboard_links import write_dashboards
from workers.observation import Observation, locate_deployment, locate_request
from workers.private_process import are_namespaces_allowed, end, find_inner
from workers.records_gate import open_gate
from workers.stack import StackFolder
from workers.temporal_server import find_free_port

# Where these programs listen by themselves, unless somebody else does there.
_PROMETHEUS_PORT, _GRAFANA_PORT = 9090, 3000
_METRICS_PORT, _RECORDS_PORT = 9464, 9467
_SCRAPE = "5s"
_RETENTION = "30d"
# Distributions keep what is not a program there.
_GRAFANA_HOME = Path("/usr/share/grafana")
_TIED = ("--die-with-parent", "--dev-bind", "/", "/", "--")
_POSTGRES_SOCKET = ".s.PGSQL.5432"


class Observer:
    """The programs that observe a stack, whose database is at `dsn` with its socket in the folder `runtime`.

    Dashboards link to the Web UI of `pages`.
    """

    def __init__(
        self, settings: Settings, folder: StackFolder, dsn: str, runtime: Path, pages: TemporalSettings
    ) -> None:
        self._settings = settings
        self._pages = pages
        self._stack_folder = folder
        self._folder = folder.observe.parent
        self._dsn = dsn
        self._socket = runtime / _POSTGRES_SOCKET
        self._resources = contextlib.AsyncExitStack()
        self._commands: dict[str, tuple[list[str], Mapping[str, str]]] = {}
        self._processes: dict[str, Process] = {}
        self._begun = False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Observer]:
        """Observe from when it is asked for until the block is left."""
        if not self._stack_folder.observe.exists():
            locate_request(self._stack_folder.root).unlink(missing_ok=True)
        try:
            yield self
        finally:
            for process in self._processes.values():
                await end(process, find_inner(process.pid) if are_namespaces_allowed() else None)
            await self._resources.aclose()

    async def look(self) -> Observation | None:
        """Begin where it is asked for and return where everything is; later start again what has ended."""
        if not self._begun and self._stack_folder.observe.exists():
            self._begun = True
            return await self._begin()
        for name, process in list(self._processes.items()):
            if process.returncode is not None:
                await self._start(name)
        return None

    async def _begin(self) -> Observation:
        passwords = {name: self._load_password(name) for name in ("observer", "grafana")}
        connection = await connect_once(self._dsn)
        async with connection:
            await create_observer(connection, passwords["observer"])
        records = find_free_port(_RECORDS_PORT)
        await self._resources.enter_async_context(open_gate(records, self._socket))
        prometheus, grafana = find_free_port(_PROMETHEUS_PORT), find_free_port(_GRAFANA_PORT)
        config = self._write_prometheus_config(self._choose_metrics_address())
        variables = {
            "HYDRA_PROMETHEUS": f"http://127.0.0.1:{prometheus}",
            "HYDRA_RECORDS": f"127.0.0.1:{records}",
            "HYDRA_RECORDS_USER": OBSERVER,
            "HYDRA_RECORDS_DATABASE": "postgres",
            "HYDRA_RECORDS_PASSWORD": passwords["observer"],
            "HYDRA_DASHBOARDS": str(self._write_dashboards()),
            **build_grafana_variables(self._folder / "grafana", grafana, passwords["grafana"]),
        }
        missing = []
        if program := shutil.which("prometheus"):
            self._commands["prometheus"] = (
                build_prometheus_command(program, config, self._folder / "prometheus", prometheus),
                {},
            )
        else:
            missing.append("prometheus")
        if command := build_grafana_command():
            self._commands["grafana"] = (command, variables)
        else:
            missing.append("grafana")
        self._write_compose_variables(variables, config, prometheus)
        for name in self._commands:
            await self._start(name)
        return Observation(
            prometheus=f"http://127.0.0.1:{prometheus}",
            grafana=f"http://127.0.0.1:{grafana}",
            records=f"127.0.0.1:{records}",
            missing=missing,
        )

    def _write_dashboards(self) -> Path:
        source = locate_deployment("grafana") / "dashboards"
        return write_dashboards(source, self._folder / "dashboards", self._pages.ui, self._pages.namespace)

    def _choose_metrics_address(self) -> str:
        if self._settings.metrics_address:
            return self._settings.metrics_address
        port = _find_free_ports(_METRICS_PORT, len(Role))
        address = f"127.0.0.1:{port}"
        write_private(locate_request(self._stack_folder.root), address)
        return address

    def _write_prometheus_config(self, address: str) -> Path:
        host, _, port = address.rpartition(":")
        # What listens on every address of the machine is asked on its loopback.
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - nothing is bound here
        targets = [
            {"targets": [f"{host}:{int(port) + offset}"], "labels": {"role": role.value}}
            for offset, role in enumerate(Role)
        ]
        nodes = self._folder / "targets"
        nodes.mkdir(exist_ok=True)
        document = {
            "global": {"scrape_interval": _SCRAPE, "scrape_timeout": _SCRAPE, "evaluation_interval": _SCRAPE},
            "rule_files": [str(locate_deployment("prometheus") / "alerts.yml")],
            "scrape_configs": [
                {
                    "job_name": "hydranet",
                    "static_configs": targets,
                    "file_sd_configs": [{"files": [f"{nodes}/*.yml"]}],
                }
            ],
        }
        file = self._folder / "prometheus.yml"
        write_private(file, yaml.safe_dump(document, sort_keys=False))
        return file

    def _write_compose_variables(self, variables: Mapping[str, str], config: Path, port: int) -> None:
        own = {
            "HYDRA_USER": f"{os.geteuid()}:{os.getegid()}",
            "HYDRA_PROMETHEUS_CONFIG": str(config),
            "HYDRA_PROMETHEUS_PORT": str(port),
            "HYDRA_OBSERVE": str(self._folder),
            "HYDRA_RULES": str(locate_deployment("prometheus")),
        }
        # The owner's, before an engine makes them its own.
        for name in ("prometheus", "grafana"):
            (self._folder / name).mkdir(exist_ok=True)
        lines = (f"{name}={value}\n" for name, value in {**variables, **own}.items())
        write_private(self._folder / "compose.env", "".join(lines))

    def _load_password(self, name: str) -> str:
        file = self._stack_folder.root / "keys" / f"{name}-password"
        if not file.exists():
            create_private(file, secrets.token_urlsafe(24))
        return file.read_text().strip()

    async def _start(self, name: str) -> None:
        command, variables = self._commands[name]
        # It ends with the stack, however that ends.
        wrapper = (
            [find_program(), "--die-with-parent", "--dev-bind", "/", "/", "--"] if are_namespaces_allowed() else []
        )
        with (self._stack_folder.log.parent / f"{name}.log").open("ab") as log:
            self._processes[name] = await create_subprocess_exec(
                *(*wrapper, *command),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                # Nothing of the user's variables is theirs to know.
                env={**{key: os.environ[key] for key in ("PATH", "HOME", "TZ") if key in os.environ}, **variables},
                cwd="/",
                start_new_session=True,
            )


def build_prometheus_command(program: str, config: Path, data: Path, port: int) -> list[str]:
    """Return the command line of Prometheus, on the loopback alone."""
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--storage.tsdb.retention.time={_RETENTION}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


def build_grafana_command() -> list[str]:
    """Return the command line of Grafana, empty where it is not installed."""
    for name, arguments in (("grafana", ["server"]), ("grafana-server", list[str]())):
        if (program := shutil.which(name)) is None:
            continue
        unpacked = Path(program).resolve().parents[1]
        home = unpacked if (unpacked / "conf" / "defaults.ini").is_file() else _GRAFANA_HOME
        return [program, *arguments, "--homepath", str(home)]
    return []


def build_grafana_variables(folder: Path, port: int, password: str) -> dict[str, str]:
    """Return the settings of Grafana: on the loopback, with a login, and silent towards others."""
    return {
        "GF_PATHS_PROVISIONING": str(locate_deployment("grafana") / "provisioning"),
        **{f"GF_PATHS_{name.upper()}": str(folder / name) for name in ("data", "logs", "plugins")},
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SECURITY_ADMIN_USER": "admin",
        "GF_SECURITY_ADMIN_PASSWORD": password,
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        # The page that opens first.
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(locate_deployment("grafana") / "dashboards" / "hydranet.json"),
    }


def _find_free_ports(first: int, count: int) -> int:
    """Return the first of `count` free ports in a row."""
    for start in (first, *(find_free_port() for _ in range(20))):
        if all(find_free_port(port) == port for port in range(start, start + count) if port < 65_536):
            return start
    return first
