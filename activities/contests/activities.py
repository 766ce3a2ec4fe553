"""Contests of fixes that behave differently, which a person's answers settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.errors import translate_errors
from hydranet.contracts import Settlement, SettleRequest

if TYPE_CHECKING:
    from activities.artifacts.store import ArtifactStore


class ContestActivities:
    """Finds the fix that a person's answers leave."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    @activity.defn
    @translate_errors
    async def settle_contest(self, request: SettleRequest) -> Settlement:
        """Return the most likely fix that agrees with all answers, and what is still to be asked."""
        from activities.artifacts.store import get_model, put_model, put_text
        from hydranet.contest import Contest
        from hydranet.contracts import Candidate, Candidates

        contest = await get_model(self._artifacts, request.contest, Contest)
        left = contest.list_left(request.answers)
        if not left:
            return Settlement()
        fixes = [contest.alternatives[number] for number in left]
        candidates = Candidates(candidates=tuple(Candidate(diff=fix.diff, title=fix.title) for fix in fixes))
        return Settlement(
            title=fixes[0].title,
            diff=await put_text(self._artifacts, fixes[0].diff),
            candidates=await put_model(self._artifacts, candidates),
            count=len(fixes),
            question=contest.find_question(left, request.answers),
        )
