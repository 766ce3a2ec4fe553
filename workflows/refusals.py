"""Messages to a run that are refused, each with the sentence that its sender hears."""

from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from hydranet.text.formatting import join_words
    from workflows.branches import Branches, RunningBranch
    from workflows.run_state import RunState


def refuse(message: str) -> NoReturn:
    """Raise what an update's sender hears."""
    raise ApplicationError(message, type="Refused", non_retryable=True)


def find_reapable(branches: Branches, state: RunState, number: int) -> RunningBranch:
    """Return the branch to reap, or refuse; 0 is the only one that is running."""
    running, started = branches.active, state.genealogy.branches
    names = [name_branch(branch) for branch in running]
    now = f"{join_words(names) or 'no branch'} {'are' if len(names) > 1 else 'is'} running"
    chosen = running if number == 0 else [branch for branch in branches.running if branch.number == number]
    if not chosen and 0 < number <= len(started):
        refuse(f"b{number:02d} has ended already ({started[number - 1].ending}): {now}.")
    if not chosen and number:
        refuse(f"There is no branch {number}: {now}.")
    if not chosen:
        refuse(f"No branch is running ({state.genealogy.state}): wait until `hydra show` lists one.")
    if len(chosen) > 1:
        refuse(f"{join_words(names)} are running: name one of them with --branch.")
    if branches.has_passed(chosen[0]):
        refuse(f"{name_branch(chosen[0])} has passed the tests: `hydra abort` ends the run if its fix is not wanted.")
    return chosen[0]


def name_branch(branch: RunningBranch) -> str:
    """Return a branch as it is called: b01."""
    return f"b{branch.number:02d}"
