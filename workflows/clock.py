"""The working time of a run: pauses, and times in which nothing could run, do not count."""

from datetime import datetime, timedelta

from temporalio import workflow


class Clock:
    """Starts with the workflow."""

    def __init__(self) -> None:
        self._paused_at: datetime | None = None
        self._idle = timedelta()

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""
        return self._paused_at is not None

    @property
    def seconds(self) -> float:
        """The working time so far."""
        paused = workflow.now() - self._paused_at if self._paused_at else timedelta()
        return (workflow.now() - workflow.info().start_time - self._idle - paused).total_seconds()

    def pause(self) -> None:
        """Stop."""
        self._paused_at = workflow.now()

    def resume(self) -> None:
        """Go on."""
        if self._paused_at is not None:
            self._idle += workflow.now() - self._paused_at
        self._paused_at = None

    def leave_out(self, seconds: float) -> None:
        """Do not count `seconds` that have passed."""
        self._idle += timedelta(seconds=max(0.0, seconds))
