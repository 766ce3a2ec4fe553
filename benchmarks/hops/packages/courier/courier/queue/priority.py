"""Which job comes first."""

from courier.queue.job import Job


def by_priority(jobs: list[Job]) -> list[Job]:
    """The jobs, those that failed least first."""
    return sorted(jobs, key=lambda job: (job.failures, job.name))
