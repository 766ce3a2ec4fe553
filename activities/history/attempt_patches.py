"""The patches of a run's attempts, from its log: while it works, afterwards, and when Temporal has forgotten it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from activities.artifacts.store import PostgresArtifacts, get_text
from hydranet.contracts import ArtifactRef
from hydranet.errors import PatchError
from hydranet.genealogy import Genealogy
from hydranet.lineage import AttemptKey, find_attempt, list_lineage
from hydranet.patch_series import PatchSeries
from hydranet.patches import Patch

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from activities.history.events import Entry

CUT = "The whole patch is not kept any more: these are its first changed lines, as the record of the run has them."
_APART = "The patches of {} do not fit together, so each is shown by itself."


class AttemptPatch(NamedTuple):
    """A unified diff, and a sentence about what is not right with it, empty where all is."""

    text: str
    remark: str = ""


class AttemptPatches:
    """The patches of the attempts of one run, of which the database keeps the contents and the log the addresses."""

    def __init__(self, pool: AsyncConnectionPool, genealogy: Genealogy, entries: Sequence[Entry]) -> None:
        self._artifacts = PostgresArtifacts(pool)
        self._genealogy = genealogy
        self._refs = _list_refs(entries)

    async def read(self, key: AttemptKey) -> AttemptPatch:
        """Return what an attempt changes of the run's base. Raises UsageError where it has no patch."""
        lineage = list_lineage(self._genealogy, key)
        diffs, remark = await self._read_all(lineage)
        try:
            return AttemptPatch(PatchSeries(diffs).format(), remark)
        except PatchError:
            return AttemptPatch("".join(diffs), remark or _APART.format(", ".join(map(str, lineage))))

    async def compare(self, first: AttemptKey, second: AttemptKey) -> AttemptPatch:
        """Return what leads from the code of one attempt to that of another. Raises UsageError as `read` does."""
        before, after = [await self._read_all(list_lineage(self._genealogy, key)) for key in (first, second)]
        remark = before[1] or after[1]
        try:
            return AttemptPatch(PatchSeries(before[0]).compare(PatchSeries(after[0])), remark)
        except PatchError as error:
            raise PatchError(f"{first} and {second} cannot be compared: {error}") from None

    async def _read_all(self, lineage: Sequence[AttemptKey]) -> tuple[list[str], str]:
        diffs, remark = [], ""
        for key in lineage:
            _, attempt = find_attempt(self._genealogy, key)
            try:
                diffs.append(await get_text(self._artifacts, self._refs[attempt.checkpoint]))
            except LookupError:
                diffs.append(format_edits(attempt.facts.patch))
                remark = CUT
        return diffs, remark


def format_edits(patch: Patch) -> str:
    """Return the edits that a record has of a patch as a unified diff without context."""
    lines: list[str] = []
    file, shift = "", 0
    for edit in patch.edits:
        if edit.file != file:
            file, shift = edit.file, 0
            lines += [f"--- a/{file}", f"+++ b/{file}"]
        old, new = len(edit.removed), len(edit.added)
        before = edit.start if old else edit.start - 1
        after = edit.start + shift if new else edit.start + shift - 1
        lines.append(f"@@ -{before},{old} +{after},{new} @@")
        lines += [f"-{line}" for line in edit.removed] + [f"+{line}" for line in edit.added]
        shift += new - old
    return "".join(f"{line}\n" for line in lines)


def _list_refs(entries: Sequence[Entry]) -> dict[str, ArtifactRef]:
    """Return the diffs of the attempts by their commits: a branch commits what it tried last."""
    refs: dict[str, ArtifactRef] = {}
    tried: dict[str, Any] = {}
    for entry in entries:
        result, branch = entry.get("result"), str(entry.get("workflow"))
        if not isinstance(result, dict):
            continue
        if entry.get("call") == "try_candidates":
            tried[branch] = result.get("diff")
        elif entry.get("call") == "commit_checkpoint" and isinstance(tried.get(branch), dict):
            refs[str(result.get("commit"))] = ArtifactRef.model_validate(tried.pop(branch))
    return refs
