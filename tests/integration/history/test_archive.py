"""A run as one file: what comes out is what went in, and what is no such file is refused in a sentence."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from activities.artifacts.records import read_genealogy
from activities.artifacts.store import hash_content
from activities.history import archive
from activities.history.archive import RunArchive, pack_run, read_archive, unpack_run
from activities.history.catalogue import RunCatalogue, RunFilter
from activities.history.log_store import LogStore
from activities.history.transfer import read_artifacts, take_in
from hydranet.errors import UsageError
from tests.integration.finished_runs import Keep, make_run
from workers.sealing import KeyRing

BEGAN = datetime(2026, 3, 1, 10, tzinfo=UTC)
TRANSCRIPT = b'{"purpose": "plan"}'
Fresh = Callable[[], AbstractAsyncContextManager[AsyncConnectionPool]]


async def export(pool: AsyncConnectionPool, keys: KeyRing, run_id: str) -> bytes:
    run, entries = await read_genealogy(pool, run_id), await LogStore(pool, keys).read(run_id)
    began = await RunCatalogue(pool).find_start(run_id)
    assert run is not None
    assert entries is not None
    assert began is not None
    return pack_run(RunArchive(run, began, entries, await read_artifacts(pool, entries)))


async def test_a_run_that_is_taken_in_elsewhere_is_exported_as_the_same_bytes(
    pool: AsyncConnectionPool, keys: KeyRing, keep: Keep, fresh: Fresh, tmp_path: Path
) -> None:
    run = await keep("fix-a")
    data = await export(pool, keys, "fix-a")
    (tmp_path / "run.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        names = packed.namelist()
        assert json.loads(packed.read("metrics.json"))[0]["convergence"] == 0.9
    assert [name.partition("/")[0] for name in names] == [
        *("contests", "genealogy.json", "log.jsonl", "manifest.json", "metrics.json", "patches", "transcripts")
    ]
    theirs = KeyRing(tmp_path / "theirs", [b"y" * 32])
    async with fresh() as other:
        assert await take_in(other, theirs, read_archive(tmp_path / "run.zip"))
        assert await export(other, theirs, "fix-a") == data
        assert await read_genealogy(other, "fix-a") == run
        (listed,) = await RunCatalogue(other).read_page(RunFilter(text="ladder"))
        assert (listed.imported, listed.started, listed.reaps) == (True, BEGAN, 1)
        assert not await take_in(other, theirs, unpack_run(data)), "the very same run"
        changed = unpack_run(data)._replace(genealogy=make_run("fix-a", title="Another"))
        with pytest.raises(UsageError, match="Another run with the id fix-a is on record here"):
            await take_in(other, theirs, changed)
        assert await export(other, theirs, "fix-a") == data


def build(**changes: bytes | None) -> bytes:
    """An archive with these members in place of its own; None leaves one out."""
    ref = hash_content(TRANSCRIPT, "application/json")
    entries: list[dict[str, Any]] = [
        {"time": "2026-03-01T10:00:00+00:00", "event": "completed", "workflow": "fix-a", "result": {"transcript": r}}
        for r in [ref.model_dump()]
    ]
    whole = pack_run(RunArchive(make_run("fix-a"), BEGAN, entries, {ref.sha256: TRANSCRIPT}))
    with zipfile.ZipFile(io.BytesIO(whole)) as packed:
        members: dict[str, bytes | None] = {name: packed.read(name) for name in packed.namelist()}
    members |= changes
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            if content is not None:
                packed.writestr(name, content)
    return made.getvalue()


def entry(**facts: Any) -> bytes:
    told = {"time": "2026-03-01T10:00:00+00:00", "event": "started", "workflow": "fix-a", **facts}
    return json.dumps(told).encode()


OTHER = hash_content(b"other", "").sha256
REF = hash_content(TRANSCRIPT, "").sha256
MANIFEST = b'{"format": "hydranet run 1", "run_id": "%s", "started": "2026-03-01T10:00:00Z"}'
HOSTILE: dict[str, tuple[bytes, str]] = {
    "no archive": (b"PK", "does not end as a ZIP file"),
    "an empty file": (b"", "does not end as a ZIP file"),
    "a cut archive": (build()[:400], "does not end as a ZIP file"),
    "bytes before it": (b"x" * 100 + build()[50:], "no archive"),
    "a path": (build(**{"../../evil": b"x"}), "a file of another kind, '../../evil'"),
    "an absolute path": (build(**{"/etc/passwd": b"x"}), "a file of another kind"),
    "without a genealogy": (build(**{"genealogy.json": None}), "genealogy.json is missing"),
    "a bomb": (build(**{"manifest.json": b" " * 9_000_000}), "manifest.json is larger than it may be"),
    "a genealogy that is none": (build(**{"genealogy.json": b"{}"}), "Genealogy: 'run_id' is missing"),
    "an unknown field": (build(**{"genealogy.json": b'{"evil": 1}'}), "Genealogy"),
    "another run": (build(**{"manifest.json": MANIFEST % b"fix-b"}), "that of another run"),
    "a run id that is a path": (build(**{"manifest.json": MANIFEST % b"../x"}), "run_id"),
    "a deep log": (build(**{"log.jsonl": b"[" * 100_000}), "no archive"),
    "an unknown event": (build(**{"log.jsonl": entry(event="evil")}), "'event' must be"),
    "an unknown fact": (build(**{"log.jsonl": entry(evil=1)}), "'evil' is not known"),
    "a wrong time": (build(**{"log.jsonl": entry(time="now")}), "'time' has characters or a form"),
    "a lone surrogate": (build(**{"log.jsonl": entry(request="\ud800")}), "surrogates not allowed"),
    "no UTF-8": (build(**{"log.jsonl": b"\xff"}), "can't decode"),
    "a transcript that nobody named": (build(**{f"transcripts/{OTHER}.json": b"other"}), "its log does not name"),
    "a forged transcript": (build(**{f"transcripts/{REF}.json": b"forged"}), "another content than its name says"),
    "a large transcript": (build(**{f"transcripts/{REF}.json": TRANSCRIPT + b" "}), "larger than it may be"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_archive_is_one_sentence(name: str, tmp_path: Path) -> None:
    data, reason = HOSTILE[name]
    (tmp_path / "run.zip").write_bytes(data)
    with pytest.raises(UsageError) as refused:
        read_archive(tmp_path / "run.zip")
    assert "\n" not in str(refused.value)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 500 + len(str(tmp_path))


def test_a_list_of_members_that_takes_long_to_read_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_DIRECTORY_BYTES", 100)
    with pytest.raises(ValueError, match="it has too many files"):
        unpack_run(build())
    monkeypatch.setattr(archive, "FILE_BYTES", 100)
    with pytest.raises(ValueError, match="more than 0 MB"):
        unpack_run(build())


def test_what_is_no_file_is_refused_and_does_not_hold_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path, tmp_path / "fifo", tmp_path / "missing", Path("/dev/zero")):
        with pytest.raises(UsageError, match="is not a file"):
            read_archive(place)
