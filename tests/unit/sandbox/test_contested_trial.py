"""In which order a trial tries its candidates."""

from pathlib import Path

import pytest

from activities.artifacts.store import FolderArtifacts, put_model, put_text
from activities.sandbox.contested_trial import load_candidates
from hydranet.contracts import (
    ArtifactRef,
    Candidate,
    Candidates,
    Checkpoint,
    Environment,
    Incumbent,
    Snapshot,
    TrialRequest,
)
from hydranet.run_settings import SandboxSpec


@pytest.mark.parametrize(
    ("incumbent", "order"), [("", ["a", "x", "b", "y", "c"]), ("b", ["b", "a", "x", "y", "c"]), ("z", list("zaxbyc"))]
)
async def test_the_incumbent_comes_first_and_then_all_in_turns(
    tmp_path: Path, incumbent: str, order: list[str]
) -> None:
    artifacts = FolderArtifacts(tmp_path)

    async def store(*diffs: str) -> ArtifactRef:
        return await put_model(artifacts, Candidates(candidates=tuple(Candidate(diff=diff) for diff in diffs)))

    request = TrialRequest(
        snapshot=Snapshot(commit="base", pack=await put_text(artifacts, "")),
        parent=Checkpoint(commit="base"),
        environment=Environment(key="environment", note=""),
        spec=SandboxSpec(),
        baseline=await put_text(artifacts, ""),
        candidates=await store("a", "b", "c"),
        others=(await store("x", "y"),),
        incumbent=Incumbent(diff=await put_text(artifacts, incumbent)) if incumbent else None,
    )
    assert [candidate.diff for candidate in await load_candidates(artifacts, request)] == order
