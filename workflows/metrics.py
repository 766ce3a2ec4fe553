"""What workflows count. Temporal's meter leaves out what a replay repeats."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import ReapRequest
    from hydranet.genealogy import AttemptRecord, Ending, Verdict


def count_attempt(record: AttemptRecord) -> None:
    """Count an attempt by its outcome, and its convergence score."""
    _count("hydra_attempts", "Attempts by outcome.", "outcome", record.outcome.value)
    scores = workflow.metric_meter().create_histogram_float(
        "hydra_convergence", "Convergence scores of attempts, 0 to 1."
    )
    scores.record(record.score.value)


def count_branch(ending: Ending) -> None:
    """Count a branch that ended."""
    _count("hydra_branches", "Branches by ending.", "ending", ending.value)


def count_reap(request: ReapRequest) -> None:
    """Count a reaped branch by its cause: it circled, it repeated a dead branch, or a person spoke."""
    cause = "hand" if request.by_hand else "repeated" if request.score.novelty else "circled"
    _count("hydra_reaps", "Reaped branches by cause.", "cause", cause)


def count_run(verdict: Verdict) -> None:
    """Count a run that ended."""
    _count("hydra_runs", "Runs by verdict.", "verdict", verdict.value)


def _count(name: str, description: str, label: str, value: str) -> None:
    workflow.metric_meter().create_counter(name, description).add(1, {label: value})
