"""A host has one id, however many of its processes start at once, and a name for people."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hydranet.contracts import SANDBOX_QUEUE, find_shared_queue, name_host_queue
from hydranet.errors import UsageError
from workers.host import load_host


def test_the_id_stays(tmp_path: Path) -> None:
    host = load_host(tmp_path / "data")
    assert load_host(tmp_path / "data") == host
    assert (tmp_path / "data" / "host-id").stat().st_mode & 0o777 == 0o600
    assert load_host(tmp_path / "other").id != host.id
    assert host.identify("sandbox") == f"sandbox@{host.name}#{host.id}"


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = {host.id for host in pool.map(lambda _: load_host(tmp_path), range(64))}
    assert len(ids) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["host-id"]


@pytest.mark.parametrize("content", [b"", b"../../etc", b"\xff\xfe"])
def test_an_id_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "host-id").write_bytes(content)
    with pytest.raises(UsageError, match="host-id"):
        load_host(tmp_path)


def test_a_queue_of_a_host_belongs_to_the_shared_one() -> None:
    assert find_shared_queue(name_host_queue(SANDBOX_QUEUE, "0123456789ab")) == SANDBOX_QUEUE
    assert find_shared_queue("hydra-sandboxes") == "hydra-sandboxes"
