"""The page that lists retries."""

from courier.queue.job import Job


def retries_page(jobs: list[Job]) -> list[str]:
    """A line for each job that failed and is to be retried."""
    return [f"{job.name}: failed {job.failures} times" for job in jobs if job.failures]


def gave_up(job: Job, limit: int = 12) -> bool:
    """Whether a job that failed is no longer retried."""
    return job.failures >= limit
