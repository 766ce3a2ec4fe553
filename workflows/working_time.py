"""The working time of a run: its clock, which stands while the run cannot work, and its deadline."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.waits.activities import WaitActivities
    from hydranet.contracts import FixRequest, Wait, Waits
    from hydranet.contracts.waits import merge_waits
    from workflows import policies

# What may be left out at once: ten years, which a duration holds with ease.
_LONGEST_SECONDS = 10 * 365 * 86_400.0

# While a part of the stack is away, to ask more often than that would only fill the history.
_FIRST_SECONDS, _MOST_SECONDS = 5.0, 60.0

Reason = Literal["pause", "person"]


class Clock:
    """The working time of a run, from the start of the workflow, without the time in which it could not work."""

    def __init__(self) -> None:
        self._stopped: dict[Reason, datetime] = {}
        self._idle: list[Wait] = []

    @property
    def paused(self) -> bool:
        """Whether a person has paused the run."""
        return "pause" in self._stopped

    @property
    def stands(self) -> bool:
        """Whether the clock stands, for whatever reason."""
        return bool(self._stopped)

    @property
    def seconds(self) -> float:
        """The working time so far."""
        began, now = workflow.info().start_time, workflow.now()
        open_waits = (Wait(began=stopped, ended=now) for stopped in self._stopped.values())
        idle = merge_waits([*self._idle, *open_waits], began, now)
        return (now - began - sum((wait.duration for wait in idle), timedelta())).total_seconds()

    def stop(self, reason: Reason) -> None:
        """Stop the clock until it goes on."""
        self._stopped.setdefault(reason, workflow.now())

    def go_on(self, reason: Reason) -> None:
        """Let the clock go on, unless it stands for another reason too."""
        if stopped := self._stopped.pop(reason, None):
            self.leave_out(Wait(began=stopped, ended=workflow.now()))

    def leave_out(self, *waits: Wait) -> None:
        """Do not count what has passed; a moment that is left out twice counts once."""
        self._idle = merge_waits([*self._idle, *waits], workflow.info().start_time, workflow.now())

    def leave_out_last(self, seconds: float) -> None:
        """Do not count the last `seconds`."""
        duration = timedelta(seconds=min(max(0.0, seconds), _LONGEST_SECONDS))
        self.leave_out(Wait(began=workflow.now() - duration, ended=workflow.now()))


class Deadline:
    """The end of a run's time budget. A fix that passes in time may still be verified and published."""

    def __init__(
        self, request: FixRequest, clock: Clock, name_step: Callable[[], str], has_fix: Callable[[], bool]
    ) -> None:
        self._seconds = request.budget.seconds
        # As long as the tests may take that decide whether the fix holds.
        self._grace = 6.0 * request.sandbox.test_timeout + 60
        self._clock = clock
        self._name_step = name_step
        self._has_fix = has_fix

    async def wait(self) -> str:
        """Wait until the budget is spent, and return the sentence that says so."""
        turns = 0
        while True:
            await workflow.wait_condition(lambda: not self._clock.stands)
            limit = self._limit()
            if (left := limit - self._clock.seconds) > 0:
                with suppress(TimeoutError):
                    await workflow.wait_condition(
                        lambda limit=limit: self._limit() < limit,  # type: ignore[misc]
                        timeout=left,
                        timeout_summary="time budget",
                    )
                continue
            measured = await self._measure_waits()
            self._clock.leave_out(*measured.waits)
            if self._clock.seconds >= limit:
                return self._explain(measured)
            if measured.open:
                turns += 1
                await workflow.sleep(min(_FIRST_SECONDS * turns, _MOST_SECONDS), summary="a part of the stack is away")

    def _limit(self) -> float:
        return self._seconds + (self._grace if self._has_fix() else 0.0)

    def _explain(self, measured: Waits) -> str:
        spent = f"The time budget is spent: {self._clock.seconds:.0f} of {self._seconds:.0f} seconds."
        return (
            f"{spent} It was waiting: {measured.failure}"
            if measured.failure
            else f"{spent} It was {self._name_step()}."
        )

    async def _measure_waits(self) -> Waits:
        try:
            return await workflow.execute_activity_method(
                WaitActivities.measure_waits,
                workflow.info().workflow_id,
                **policies.for_supervisor("leave waits out of the time"),
            )
        except ActivityError as error:
            workflow.logger.warning("the waits of the run are not known: %s", error.cause)
            return Waits()
