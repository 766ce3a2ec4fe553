"""A run's genealogy as it was at an earlier moment, rebuilt from its record."""

from hydranet.genealogy import BranchRecord, Ending, Genealogy


def list_moments(genealogy: Genealogy) -> list[float]:
    """Return the moments at which something happened, in seconds after the start of the run, the end last."""
    moments = {message.after for message in genealogy.messages} | {event.after for event in genealogy.nodes}
    for branch in genealogy.branches:
        moments |= {branch.began, *(attempt.after for attempt in branch.attempts)}
        moments.update(*((left.began, left.ended) for left in branch.suspensions))
        if branch.ending is not Ending.RUNNING:
            moments.add(branch.ended)
    ordered = sorted(moments)
    # The verdict comes after all else, though the clock may not have gone on.
    last = max([genealogy.seconds, *ordered])
    return [*(moment for moment in ordered if moment < last), last]


def rewind(genealogy: Genealogy, moment: float) -> Genealogy:
    """Return the genealogy as it stood so many seconds after the start; at the last of its moments it is whole."""
    moments = list_moments(genealogy)
    if moment >= moments[-1]:
        return genealogy
    branches = tuple(_rewind_branch(branch, moment) for branch in genealogy.branches if branch.began <= moment)
    usage = [attempt.usage for branch in branches for attempt in branch.attempts]
    return genealogy.model_copy(
        update={
            "branches": branches,
            "messages": tuple(message for message in genealogy.messages if message.after <= moment),
            "nodes": tuple(event for event in genealogy.nodes if event.after <= moment),
            "usage": sum(usage, start=type(genealogy.usage)()),
            "state": "working",
            "comparison": None,
            "question": None,
            "answers": (),
            "verdict": None,
            "reason": "",
            "published": "",
            "seconds": moment,
        }
    )


def _rewind_branch(branch: BranchRecord, moment: float) -> BranchRecord:
    ending, reason, ended = branch.ending, branch.reason, branch.ended
    if ending is not Ending.RUNNING and ended > moment:
        ending, reason, ended = Ending.RUNNING, "", 0.0
    for left in branch.suspensions:
        if left.began <= moment < left.ended:
            ending, reason, ended = Ending.SUSPENDED, left.reason, left.began
    return branch.model_copy(
        update={
            "attempts": tuple(attempt for attempt in branch.attempts if attempt.after <= moment),
            "suspensions": tuple(left for left in branch.suspensions if left.ended <= moment),
            "ending": ending,
            "reason": reason,
            "ended": ended,
        }
    )
