"""How our errors reach Temporal, and that an activity shows that it lives."""

import asyncio
import errno
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.errors import translate_errors
from hydranet.contracts import StepRequest
from hydranet.errors import FatalError, HydraError, PatchError, TransientError, UsageError


async def failure(error: Exception) -> ApplicationError:
    @translate_errors
    async def fails() -> None:
        raise error

    with pytest.raises(ApplicationError) as raised:
        await fails()
    return raised.value


async def test_a_transient_error_is_tried_again_when_the_server_says() -> None:
    raised = await failure(TransientError("busy", retry_after=7))
    assert (raised.type, raised.non_retryable, raised.message) == ("TransientError", False, "busy")
    assert raised.next_retry_delay == timedelta(seconds=7)
    assert (await failure(TransientError("busy"))).next_retry_delay is None


@pytest.mark.parametrize("kind", [FatalError, UsageError, PatchError])
async def test_other_errors_of_ours_are_final(kind: type[HydraError]) -> None:
    raised = await failure(kind("no"))
    assert (raised.type, raised.non_retryable, raised.message) == ("FatalError", True, "no")


async def test_a_long_message_does_not_fill_the_history() -> None:
    message = (await failure(FatalError("Set-up failed.\n" + "a line\n" * 10_000 + "why it failed"))).message
    assert len(message) <= 1500
    assert message.startswith("Set-up failed.\n")
    assert message.endswith("why it failed")


async def test_a_full_disk_is_told_at_once() -> None:
    raised = await failure(OSError(errno.ENOSPC, "No space left on device", "/data/artifacts"))
    assert (raised.non_retryable, raised.message) == (
        True,
        "No space is left on the disk of the worker at /data/artifacts: free some and run the command again.",
    )


async def test_errors_of_others_pass_unchanged() -> None:
    @translate_errors
    async def fails() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError) as raised:
        await fails()
    # A cycle of causes cannot be sent to the server.
    assert raised.value.__cause__ is None


async def test_a_running_activity_heartbeats_and_leaves_no_task() -> None:
    beaten = asyncio.Event()
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *_: beaten.set()

    @translate_errors
    async def waits() -> str:
        await beaten.wait()
        return "done"

    before = asyncio.all_tasks()
    assert await environment.run(waits) == "done"
    assert asyncio.all_tasks() == before


async def test_a_cancelled_activity_stays_cancelled() -> None:
    started = asyncio.Event()
    environment = ActivityEnvironment()

    @translate_errors
    async def waits() -> None:
        started.set()
        await asyncio.Event().wait()

    running = asyncio.ensure_future(environment.run(waits))
    await started.wait()
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_the_signature_that_temporal_reads_is_kept() -> None:
    @activity.defn
    @translate_errors
    async def step(request: StepRequest) -> str:
        return request.work.model

    definition = activity._Definition.must_from_callable(step)
    assert (definition.name, definition.arg_types, definition.ret_type) == ("step", [StepRequest], str)
