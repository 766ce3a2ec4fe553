"""What goes into a trial that looks for other fixes, and what comes of it: which of them a person is asked about."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from activities.artifacts.store import get_model, get_text, put_model
from hydranet.contracts import Candidate, Candidates, TrialRequest
from hydranet.question import BehaviourAnswer, Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from activities.artifacts.store import ArtifactStore
    from activities.sandbox.behaviours import ObservedBehaviours


async def load_candidates(artifacts: ArtifactStore, request: TrialRequest) -> Sequence[Candidate]:
    """Return the candidates in the order in which to try them: the incumbent first, then those of all in turns."""
    lists = [
        (await get_model(artifacts, candidates, Candidates)).candidates
        for candidates in (request.candidates, *request.others)
    ]
    turns = [candidate for candidate in chain.from_iterable(zip_longest(*lists)) if candidate is not None]
    if request.incumbent is None:
        return turns
    diff = await get_text(artifacts, request.incumbent.diff)
    return [Candidate(diff=diff, title=request.incumbent.title), *(each for each in turns if each.diff != diff)]


async def describe_contest(
    artifacts: ArtifactStore,
    observed: ObservedBehaviours,
    candidates: Sequence[Candidate],
    answers: Sequence[BehaviourAnswer],
) -> dict[str, Any]:
    """Return the fields of a trial that say how the candidates that pass were told apart."""
    if not observed.behaviours:
        return {}
    contest = observed.make_contest(candidates)
    question = contest.find_question(contest.list_left(answers), answers)
    comparison = Comparison(
        candidates=sum(len(behaviour.candidates) for behaviour in observed.behaviours),
        behaviours=len(observed.behaviours),
        calls=len(observed.calls),
    )
    open_contest = {"contest": await put_model(artifacts, contest), "question": question} if question else {}
    return {"comparison": comparison, **open_contest}
