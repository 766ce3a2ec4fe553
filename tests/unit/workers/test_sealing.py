"""The key ring, and what the codec makes of payloads."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload

from hydranet.errors import UsageError
from hydranet.settings import Settings
from workers.payloads import build_converter
from workers.sealing import ENCODING, UNSEALED, SealingCodec, load_keys

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
