"""The archive of one run: a ZIP file with its genealogy, log, transcripts, patches, open contests and metrics.

Who sends one may be anybody. So nothing is unpacked to a path, what is read is bounded, and all of it has to fit the
contracts. The same run always gives the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from activities.artifacts.store import hash_content
from activities.history.events import Entry
from activities.history.log_store import ENTRY_BYTES, KEPT, LOG_BYTES, format_entries, limit_entries, list_artifacts
from hydranet.bounded_models import CLEAN
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy
from hydranet.invalid_values import explain_field

FILE_BYTES = 64_000_000
"""The largest archive that is read."""
CONTENT_BYTES = 200_000_000
"""The most that all its files may have together, unpacked."""
ARTIFACT_BYTES = 16_000_000
"""The largest transcript or patch in an archive."""

_GENEALOGY_BYTES, _SMALL_BYTES = 32_000_000, 8_000_000
_MEMBERS = 20_000
# The record at the end of a ZIP file without a comment, and that of one with more than 4 GB before it.
_END, _END_BYTES, _END_OF_LARGE = b"PK\x05\x06", 22, b"PK\x06\x07"
_DIRECTORY_BYTES = 4_000_000
# The oldest moment that the format knows.
_DATE = (1980, 1, 1, 0, 0, 0)
_ARTIFACT = re.compile("|".join(re.escape(name).replace(r"\{\}", "[0-9a-f]{64}") for name in KEPT.values()))
_RUN_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"

_Short = Annotated[str, CLEAN, StringConstraints(max_length=4000)]


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["hydranet run 1"] = "hydranet run 1"
    run_id: Annotated[str, StringConstraints(pattern=_RUN_ID)]
    started: AwareDatetime


class _LogEntry(BaseModel):
    """An entry of a log; what an activity or a message carried is any JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    time: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}\+00:00$")]
    event: Literal["started", "signal", "update", "branch started", "completed", "failed", "cancelled", "ended", "cut"]
    workflow: _Short
    call: _Short = ""
    queue: _Short = ""
    scheduled: _Short = ""
    branch: _Short = ""
    signal: _Short = ""
    update: _Short = ""
    error: _Short = ""
    request: Any = None
    arguments: Any = None
    result: Any = None
    entries: Annotated[int, Field(ge=0)] = 0
    cut: Annotated[int, Field(ge=0)] = 0


class RunArchive(NamedTuple):
    """A run that has ended: when it began, its genealogy and log, and the artifacts kept with it by their SHA-256."""

    genealogy: Genealogy
    began: datetime
    entries: list[Entry]
    artifacts: dict[str, bytes]

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.genealogy.run_id


def pack_run(archive: RunArchive) -> bytes:
    """Return the archive as a file, of the artifacts kept with the run those that it has room for."""
    manifest = _Manifest(run_id=archive.run_id, started=archive.began)
    members = {
        "manifest.json": manifest.model_dump_json(indent=1).encode(),
        "genealogy.json": archive.genealogy.model_dump_json(indent=1).encode(),
        "log.jsonl": format_entries(limit_entries(archive.entries)).encode(),
        "metrics.json": json.dumps(list(list_metrics(archive.genealogy)), indent=1).encode(),
    }
    left = CONTENT_BYTES - sum(map(len, members.values()))
    for artifact in list_artifacts(archive.entries):
        content = archive.artifacts.get(artifact.ref.sha256)
        if content is not None and len(content) <= min(left, ARTIFACT_BYTES) and len(members) < _MEMBERS:
            members[KEPT[artifact.field].format(artifact.ref.sha256)] = content
            left -= len(content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(members):
            file.writestr(zipfile.ZipInfo(name, _DATE), members[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def list_metrics(genealogy: Genealogy) -> Iterator[dict[str, Any]]:
    """Yield the figures of each attempt of a run, in the order in which they ended."""
    attempts = [(branch, attempt) for branch in genealogy.branches for attempt in branch.attempts]
    for branch, attempt in sorted(attempts, key=lambda pair: (pair[1].after, pair[0].number)):
        yield {
            "branch": branch.number,
            "attempt": attempt.number,
            "after": attempt.after,
            "seconds": attempt.seconds,
            "convergence": attempt.score.value,
            "threshold": genealogy.threshold,
            "outcome": attempt.outcome.value,
            "failing": attempt.facts.failing_count,
            "passing": attempt.passing,
            "candidates": attempt.candidates,
            "tokens": {spent.purpose: spent.usage.tokens for spent in attempt.spent},
        }


def read_archive(path: Path) -> RunArchive:
    """Return the run of an archive. Raises UsageError where the file is none, or is too large."""
    try:
        if not path.is_file():
            raise UsageError(f"{path} is not a file: name an archive that `hydra show RUN --export FILE` wrote.")
        with path.open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): correct its permissions.") from None
    try:
        return unpack_run(data)
    except ValidationError as error:
        reason = f"{error.title.lstrip('_')}: {explain_field(error)}"
    except (ValueError, KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # A RuntimeError is a member with a password, or JSON that is too deep.
        reason = str(error) or type(error).__name__
    raise UsageError(
        f"{path} is no archive of a run ({' '.join(reason.split())[:200].rstrip('.')}): "
        "have it written again with `hydra show RUN --export FILE`."
    )


def unpack_run(data: bytes) -> RunArchive:
    """Return the run of an archive's bytes. Raises ValueError, and what `zipfile` raises, where it is none."""
    _check_directory(data)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = _list_members(file)
        manifest = _Manifest.model_validate_json(_read(file, members, "manifest.json", _SMALL_BYTES))
        genealogy = Genealogy.model_validate_json(_read(file, members, "genealogy.json", _GENEALOGY_BYTES))
        if genealogy.run_id != manifest.run_id:
            raise ValueError("its genealogy is that of another run")
        entries = _read_entries(_read(file, members, "log.jsonl", LOG_BYTES))
        named = {artifact.ref.sha256: artifact.ref.size for artifact in list_artifacts(entries)}
        artifacts, left = {}, CONTENT_BYTES
        for name in members:
            if _ARTIFACT.fullmatch(name) is None:
                continue
            address = Path(name).stem
            if address not in named or address in artifacts:
                raise ValueError(f"its log does not name {name}")
            content = _read(file, members, name, min(named[address], ARTIFACT_BYTES, left))
            if hash_content(content, "").sha256 != address:
                raise ValueError(f"{name} has another content than its name says")
            left -= len(content)
            artifacts[address] = content
    return RunArchive(genealogy, manifest.started, entries, artifacts)


def _check_directory(data: bytes) -> None:
    """Refuse what has a list of members that would take long to read, before anybody reads it."""
    end = data[-_END_BYTES:]
    if len(data) > FILE_BYTES:
        raise ValueError(f"it has more than {FILE_BYTES // 1_000_000} MB")
    if end[:4] != _END or data[-_END_BYTES - 20 :][:4] == _END_OF_LARGE:
        raise ValueError("it does not end as a ZIP file of HydraNet's does")
    if int.from_bytes(end[12:16], "little") > _DIRECTORY_BYTES:
        raise ValueError("it has too many files")


def _list_members(file: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members = {info.filename: info for info in file.infolist()}
    if len(members) != len(file.infolist()) or len(members) > _MEMBERS:
        raise ValueError("it has too many files, or two of one name")
    known = {"manifest.json", "genealogy.json", "log.jsonl", "metrics.json"}
    if strange := [name for name in members if name not in known and not _ARTIFACT.fullmatch(name)]:
        raise ValueError(f"it has a file of another kind, {strange[0][:60]!r}")
    return members


def _read(file: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str, limit: int) -> bytes:
    if name not in members:
        raise ValueError(f"{name} is missing")
    with file.open(members[name]) as member:
        # What a member says of its size may be wrong.
        content = member.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{name} is larger than it may be")
    return content


def _read_entries(lines: bytes) -> list[Entry]:
    entries = []
    for line in lines.decode().split("\n"):
        if len(line) > 2 * ENTRY_BYTES:
            raise ValueError("an entry of its log is larger than it may be")
        entry = json.loads(line)
        _LogEntry.model_validate(entry)
        json.dumps(entry, ensure_ascii=False).encode()  # Fails for lone surrogates, which nothing could print.
        entries.append(entry)
    return entries
