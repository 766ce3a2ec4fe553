"""Notices of an embedded stack: the last run's end is told before the stack ends, or when one is up next."""

from __future__ import annotations

import asyncio
import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import Hydra, following
from tests.webhook_receiver import SECRET, Receiver
from workers.stack import StackFolder

FIX = ("--issue", "f is wrong", "--model", "templates")


class Server:
    """A receiver in a thread of its own, which can be started and stopped."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self.receiver.start(), self._loop).result(10)

    def end(self) -> None:
        asyncio.run_coroutine_threadsafe(self.receiver.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def serve() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.end()


@pytest.fixture
def server(own_hydra: Hydra, tmp_path: Path) -> Iterator[Server]:
    with serve() as server:
        secret = tmp_path / "secret"
        secret.write_text(SECRET)
        secret.chmod(0o600)
        folder = own_hydra.data / "config" / "hydranet"
        folder.mkdir(parents=True)
        target = {"kind": "webhook", "url": server.receiver.url, "secret": f"file:{secret}"}
        (folder / "hydra.config.json").write_text(json.dumps({"notify": [target]}))
        yield server


def wait_for_the_end(hydra: Hydra) -> None:
    """Wait until the stack has ended by itself."""
    with StackFolder(hydra.data).running_lock.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_who_waits_and_what_ended_is_told_and_what_was_not_delivered_comes_later(
    own_hydra: Hydra, server: Server, small: Path
) -> None:
    hydra, deliveries = own_hydra, server.receiver.deliveries
    # Nobody takes notices, which no run minds.
    command = hydra.start("fix", "--repo", small, *FIX, "--require-approval")
    run_id = following(command, "waiting for approval").split()[1]
    tried = hydra("notify", "test")
    assert (tried.returncode, tried.stdout) == (2, "webhook: The server of webhook cannot be reached (ConnectError).\n")
    assert "1 target took no notice" in tried.stderr
    assert hydra("approve", run_id).returncode == 0
    output, _ = command.communicate(timeout=60)
    assert command.returncode == 0, output
    wait_for_the_end(hydra)
    assert deliveries == []
    # The next stack delivers them, and does not end before the end of its own run is told.
    server.start()
    again = hydra.start("fix", "--repo", small, "--issue", "again", "--model", "templates")
    following(again, "b01 started")
    tested = hydra("notify", "test")
    assert (tested.returncode, tested.stdout) == (0, "webhook: delivered\n"), tested.stderr
    again.communicate(timeout=60)
    wait_for_the_end(hydra)
    assert all(delivery.is_signed() for delivery in deliveries)
    notices = {notice["title"]: notice for notice in (delivery.notice for delivery in deliveries)}
    ended = notices["fixed: f is wrong"]
    assert (ended["run"], ended["kind"]) == (run_id, "ended")
    (waiting,) = (notice for notice in notices.values() if notice["kind"] == "waiting")
    assert "+++ b/a.py\n" in waiting["diff"]
    assert f"hydra approve {run_id}" in waiting["commands"]
    assert "fixed: again" in notices
    assert len(notices) == 4
    assert "a webhook in clear" in hydra("doctor").stdout
