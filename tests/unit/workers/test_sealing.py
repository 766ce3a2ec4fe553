"""The key ring, and what the codec makes of payloads."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext

from hydranet.errors import UsageError
from hydranet.names import INFERENCE_QUEUE, RETRIEVAL_QUEUE, SANDBOX_QUEUE, SUPERVISOR_QUEUE
from hydranet.settings import Settings
from workers.payloads import build_converter
from workers.refused_payload import UNSEALED
from workers.sealing import ENCODING, ROLES, KeyRing, SealingCodec, find_role, load_keys

WORD = "a secret of the repository"


def settings(folder: Path) -> Settings:
    return Settings(data_dir=folder / "data")


@pytest.fixture
def codec(tmp_path: Path) -> SealingCodec:
    return SealingCodec(load_keys(settings(tmp_path)))


async def test_a_payload_is_read_with_the_key_alone(codec: SealingCodec, tmp_path: Path) -> None:
    converter = build_converter(load_keys(settings(tmp_path)))
    [sealed] = await converter.encode([{"text": WORD}])
    assert sealed.metadata["encoding"] == ENCODING
    assert WORD.encode() not in sealed.SerializeToString()
    assert await converter.decode([sealed]) == [{"text": WORD}]
    assert [payload.metadata["encoding"] for payload in await codec.decode([sealed])] == [b"json/plain"]


async def test_the_same_is_sealed_differently_each_time(codec: SealingCodec) -> None:
    first, second = await codec.encode([Payload(data=b"same")] * 2)
    assert first.data != second.data


@pytest.mark.parametrize("change", ["data", "short", "empty", "plain", "encoding"])
async def test_what_is_not_sealed_or_was_changed_is_refused(codec: SealingCodec, tmp_path: Path, change: str) -> None:
    [payload] = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=b"1")])
    if change == "data":
        payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    elif change in ("short", "empty"):
        payload.data = payload.data[:5] if change == "short" else b""
    elif change == "plain":
        payload = Payload(metadata={"encoding": b"json/plain"}, data=b"1")
    else:
        payload.metadata["encoding"] = b"json/plain"
    assert [opened.metadata["encoding"] for opened in await codec.decode([payload])] == [UNSEALED]
    with pytest.raises(UsageError, match="not sealed"):
        await build_converter(load_keys(settings(tmp_path))).decode([payload])


async def test_an_older_key_opens_and_the_newest_seals(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    file = load_keys(chosen).file
    [old] = await SealingCodec(load_keys(chosen)).encode([Payload(data=b"old")])
    file.write_text(base64.b64encode(os.urandom(32)).decode() + "\n" + file.read_text())
    codec = SealingCodec(load_keys(chosen))
    [new] = await codec.encode([Payload(data=b"new")])
    assert new.metadata["key"] != old.metadata["key"]
    assert [payload.data for payload in await codec.decode([old, new])] == [b"old", b"new"]


async def test_a_lost_key_is_told_with_the_file_that_should_hold_it(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    keys = load_keys(chosen)
    sealed = await SealingCodec(keys).encode([Payload(data=b"old")])
    keys.file.unlink()
    with pytest.raises(UsageError, match=f"not in {keys.file}"):
        await SealingCodec(load_keys(chosen)).decode(sealed)


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    file = load_keys(settings(tmp_path)).file
    assert [path.stat().st_mode & 0o777 for path in (file.parent, file)] == [0o700, 0o600]
    assert list(file.parent.iterdir()) == [file]
    file.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        load_keys(settings(tmp_path))


@pytest.mark.parametrize("text", ["", "not base64!\n", "c2hvcnQ=\n", "\x00"])
def test_a_broken_key_file_is_told_and_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = load_keys(settings(tmp_path)).file
    file.write_text(text)
    with pytest.raises(UsageError, match=str(file)):
        load_keys(settings(tmp_path))
    assert file.read_text() == text


def test_a_key_file_may_lie_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert load_keys(Settings(data_dir=tmp_path / "data", seal_key_file=file)).file == file
    assert not (tmp_path / "data").exists()


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(load_keys, [settings(tmp_path)] * 8))
    sealed = rings[0].seal(b"x")
    assert [ring.open(*sealed) for ring in rings] == [b"x"] * 8


WORKFLOW = WorkflowSerializationContext(namespace="default", workflow_id="fix-a")


def activity(queue: str) -> ActivitySerializationContext:
    return ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="run_tests",
        activity_task_queue=queue,
        workflow_id="fix-a",
        workflow_type="FixIssueWorkflow",
        is_local=False,
    )


def join(keys: KeyRing, folder: Path, *roles: str) -> KeyRing:
    """Return the ring of a node that has the keys of some roles alone."""
    file = folder / "-".join(roles)
    file.touch(0o600)
    file.write_text("".join(keys.export_role(role) for role in roles))
    return load_keys(Settings(data_dir=folder / "node", seal_key_file=file))


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return load_keys(settings(tmp_path))


@pytest.mark.parametrize(
    ("queue", "role"),
    [
        (SANDBOX_QUEUE, "sandbox"),
        (f"{SANDBOX_QUEUE}-8c1f", "sandbox"),
        (INFERENCE_QUEUE, "inference"),
        (f"{INFERENCE_QUEUE}-8c1f", "inference"),
        (RETRIEVAL_QUEUE, "inference"),
        (SUPERVISOR_QUEUE, ""),
        (f"{SUPERVISOR_QUEUE}-8c1f", ""),
        ("hydra-sandboxes", ""),
        ("", ""),
    ],
)
def test_a_task_queue_belongs_to_one_role(queue: str, role: str) -> None:
    assert find_role(queue) == role


@pytest.mark.parametrize("role", ROLES)
async def test_a_node_opens_what_is_for_its_role_alone(keys: KeyRing, tmp_path: Path, role: str) -> None:
    node = SealingCodec(join(keys, tmp_path, role))
    for queue in (SANDBOX_QUEUE, f"{SANDBOX_QUEUE}-8c1f", INFERENCE_QUEUE, RETRIEVAL_QUEUE, SUPERVISOR_QUEUE):
        [sealed] = await SealingCodec(keys).with_context(activity(queue)).encode([Payload(data=b"x")])
        if find_role(queue) == role:
            assert [payload.data for payload in await node.with_context(activity(queue)).decode([sealed])] == [b"x"]
        else:
            with pytest.raises(UsageError, match=f"no key but that of the role '{role}'"):
                await node.decode([sealed])
            [marked] = await node.with_context(activity(queue)).decode([sealed])
            assert marked.metadata["encoding"] == UNSEALED
    [sealed] = await SealingCodec(keys).with_context(WORKFLOW).encode([Payload(data=b"x")])
    converter = build_converter(join(keys, tmp_path, role)).with_context(WORKFLOW)
    with pytest.raises(UsageError, match="Run the command where the stack was set up"):
        await converter.decode([sealed])


async def test_the_master_key_opens_what_nodes_seal_and_what_was_sealed_before_roles(
    keys: KeyRing, tmp_path: Path
) -> None:
    queue = activity(SANDBOX_QUEUE)
    [sealed] = await SealingCodec(join(keys, tmp_path, "sandbox")).with_context(queue).encode([Payload(data=b"x")])
    [older] = await SealingCodec(keys).encode([Payload(data=b"x")])
    for codec in (SealingCodec(keys), SealingCodec(keys).with_context(queue)):
        assert [payload.data for payload in await codec.decode([sealed, older])] == [b"x", b"x"]


@pytest.mark.parametrize("context", [activity(INFERENCE_QUEUE), activity(SUPERVISOR_QUEUE), WORKFLOW])
async def test_what_a_node_seals_counts_nowhere_but_for_its_role(
    keys: KeyRing, tmp_path: Path, context: ActivitySerializationContext | WorkflowSerializationContext
) -> None:
    """A stolen key of sandboxes answers for no model, and steers no run."""
    stolen = SealingCodec(join(keys, tmp_path, "sandbox"))
    forged = await stolen.with_context(activity(SANDBOX_QUEUE)).encode([Payload(data=b"x")])
    [opened] = await SealingCodec(keys).with_context(context).decode(forged)
    assert opened.metadata["encoding"] == UNSEALED
    with pytest.raises(UsageError, match="has no key of"):
        await stolen.with_context(context).encode([Payload(data=b"x")])


def test_a_node_of_two_roles_has_both_keys_and_no_master(keys: KeyRing, tmp_path: Path) -> None:
    node = join(keys, tmp_path, *ROLES)
    node.check_roles(ROLES)
    assert [node.identify(role) for role in ROLES] == [keys.identify(role) for role in ROLES]
    assert keys.is_master
    assert not node.is_master
    with pytest.raises(UsageError, match="no key of supervisors and commands, but that of the role 'sandbox' and"):
        node.check_roles(["supervisor"])
    with pytest.raises(UsageError, match="add nodes where the stack was set up"):
        node.export_role("sandbox")


def test_a_worker_without_the_key_of_its_role_is_told(keys: KeyRing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no key of the role 'inference'.*join the cluster with that role"):
        join(keys, tmp_path, "sandbox").check_roles(["inference"])
    keys.check_roles(["supervisor", "inference", "sandbox"])


def test_a_file_for_nodes_holds_no_master_key_and_every_older_key(keys: KeyRing, tmp_path: Path) -> None:
    new = base64.b64encode(os.urandom(32)).decode()
    master = keys.file.read_text()
    keys.file.write_text(f"{new}\n{master}")
    ring = load_keys(settings(tmp_path))
    text = ring.export_role("sandbox")
    assert [line.partition(":")[0] for line in text.splitlines()] == ["sandbox", "sandbox"]
    assert keys.export_role("sandbox") in text
    assert not any(line in text for line in (new, master.strip()))
    sealed = keys.seal(b"old", role="sandbox")
    node = join(ring, tmp_path, "sandbox")
    assert node.open(*sealed) == b"old"
    assert node.identify("sandbox") == ring.identify("sandbox")


@pytest.mark.parametrize("line", ["supervisor:", "sandbox:c2hvcnQ=", ":", "sandbox:"])
def test_a_line_of_no_role_is_refused(tmp_path: Path, line: str) -> None:
    file = load_keys(settings(tmp_path)).file
    file.write_text(line + ("" if line != "supervisor:" else base64.b64encode(bytes(32)).decode()))
    with pytest.raises(UsageError, match="does not hold base64 keys"):
        load_keys(settings(tmp_path))
