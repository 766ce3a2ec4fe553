"""The sandbox host that a run, or a branch of it, works on: the one that has its environment, or another after it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.checkpoints.activities import CheckpointActivities
    from activities.sandbox.activities import SandboxActivities
    from hydranet.bounded_models import BoundedModel
    from hydranet.contracts import (
        Checkpoint,
        CommitRequest,
        Environment,
        Move,
        PrepareRequest,
        SandboxSpec,
        Snapshot,
        name_commit_queue,
    )
    from workflows import policies

Request = TypeVar("Request", bound=BoundedModel)
Answer = TypeVar("Answer")

# A worker that is there and has room takes a step within milliseconds. One whose host is lost was noticed 10 seconds
# before, by its heartbeats.
_PATIENCE = timedelta(seconds=30)
_MOST_PATIENCE = timedelta(minutes=16)


class SandboxHost:
    """Has steps made on the host that prepared the environment; where it takes none, another host prepares it.

    Without an environment that is `prepared` for it, the first step has one prepared, wherever a host is free. `note`
    gets a sentence about each move; without it they are kept for `take_moves`.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        spec: SandboxSpec,
        environment: Environment,
        note: Callable[[str], None] | None = None,
        *,
        prepared: bool = True,
    ) -> None:
        self.environment = environment
        self.prepared = prepared
        self._snapshot = snapshot
        self._spec = spec
        self._moves: list[str] = []
        self._left: tuple[str, ...] = ()
        self._note = note or self._moves.append
        self._patience = _PATIENCE

    async def run(self, step: Callable[[Any, Request], Awaitable[Answer]], request: Request, summary: str) -> Answer:
        """Return the answer of an activity to `request`, which gets the environment where it has a field for it."""
        return await self._run(step, request, summary, lambda queue: queue)

    async def commit(self, request: CommitRequest, summary: str) -> Checkpoint:
        """Make a commit beside the steps that wait for a sandbox."""
        return await self._run(CheckpointActivities.commit_checkpoint, request, summary, name_commit_queue)

    async def _run(
        self,
        step: Callable[[Any, Request], Awaitable[Answer]],
        request: Request,
        summary: str,
        choose: Callable[[str], str],
    ) -> Answer:
        if not self.prepared:
            self.environment = await prepare_environment(self._snapshot, self._spec)
            self.prepared = True
        while True:
            update = {"environment": self.environment} if "environment" in type(request).model_fields else {}
            queue = choose(self.environment.queue) if self.environment.queue else ""
            options = policies.for_sandbox(summary, self._spec, queue, self._patience)
            try:
                return await workflow.execute_activity_method(step, request.model_copy(update=update), **options)
            except ActivityError as error:
                # A cancel that arrives in the same moment is swallowed by what completes then; its reason stays.
                if not policies.was_never_taken(error) or workflow.cancellation_reason() is not None:
                    raise
            await self._move()

    def describe(self) -> dict[str, Any]:
        """Return the fields that the requests of steps have in common."""
        return {"snapshot": self._snapshot, "spec": self._spec, "environment": self.environment}

    def take_moves(self) -> tuple[str, ...]:
        """Return the sentences about moves since the last call."""
        moves = tuple(self._moves)
        self._moves.clear()
        return moves

    @property
    def move(self) -> Move | None:
        """The hosts that were left, and the environment of the one that took over; None where none was."""
        return Move(left=self._left, environment=self.environment) if self._left else None

    def take_move(self) -> Move | None:
        """Return the move since the last call."""
        move, self._left = self.move, ()
        return move

    def follow(self, move: Move | None) -> None:
        """Go on where another went that had this host's steps made by nobody."""
        if move is not None and self.environment.queue in move.left:
            self._leave_for(move.environment)

    def _leave_for(self, environment: Environment) -> None:
        left = (*self._left, self.environment.queue)
        self._left = tuple(queue for queue in dict.fromkeys(left) if queue != environment.queue)[-8:]
        self.environment, self._patience = environment, _PATIENCE

    async def _move(self) -> None:
        before, waited = self.environment, self._patience
        environment = await prepare_environment(self._snapshot, self._spec)
        if self.environment is not before:
            return  # Another was followed meanwhile.
        if environment.queue == before.queue:
            # It is there, and only has no room: to ask again as soon would fill the history.
            self.environment, self._patience = environment, min(2 * waited, _MOST_PATIENCE)
            return
        self._leave_for(environment)
        seconds = waited.total_seconds()
        self._note(
            f"The sandbox host {before.host} took no step for {seconds:.0f} seconds: "
            f"{self.environment.host} went on in its place."
        )


async def prepare_environment(snapshot: Snapshot, spec: SandboxSpec) -> Environment:
    """Install what the tests need on any host that is free, unless that was done there before."""
    return await workflow.execute_activity_method(
        SandboxActivities.prepare_environment,
        PrepareRequest(snapshot=snapshot, spec=spec),
        **policies.for_sandbox("prepare the environment", spec),
    )
