"""Checkpoints: what the commit of an attempt is called and says."""

from hydranet.genealogy import AttemptRecord


def format_name(branch: int, attempt: int) -> str:
    """Such as "b02/attempt-003"; in the user's repository it lies under `hydra/<run>/`."""
    return f"b{branch:02d}/attempt-{attempt:03d}"


def format_message(branch: int, title: str, record: AttemptRecord) -> str:
    """Return the commit message: what the branch called `title` tried, its score, what its tests said.

    A branch's first attempt is scored after its commit, against the dead branches.
    """
    score = f"Convergence: {record.score.value:.2f}\n" if record.number > 1 else ""
    return (
        f"{record.summary or title}\n\n"
        f"Branch {branch}, attempt {record.number}: {title}\n"
        f"Outcome: {record.outcome} ({record.facts.failing_count} failing, {record.passing} passing)\n"
        f"{score}{record.reason}"
    )
