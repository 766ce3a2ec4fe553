"""The worker that delivers what waits."""

from courier.queue.job import Job
from courier.queue.patience import Patience


class Worker:
    """Tries jobs and tells when to retry them."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()

    def retry_after(self, job: Job) -> int:
        """How many seconds to wait before a job that failed is retried: each time twice as long, an hour at most."""
        return self._patience.pause(job.failures)
