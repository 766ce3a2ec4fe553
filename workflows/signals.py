"""What a branch tells its parent, and what becomes of messages that do not fit their handlers."""

import asyncio
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar, get_type_hints

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import AttemptReport, ReapRequest

P = ParamSpec("P")
W = TypeVar("W")


def drop_malformed(
    handler: Callable[Concatenate[W, P], Coroutine[Any, Any, None]],
) -> Callable[Concatenate[W, P], Coroutine[Any, Any, None]]:
    """Make a signal handler ignore arguments that do not fit its parameters.

    Anybody may send a signal from the Web UI or the command line. The SDK passes on what it cannot match with the
    parameters, and a handler that raises stops the workflow for good: Temporal tries the same task again and again.
    """
    fits = make_check(handler)

    @functools.wraps(handler)
    async def checked(self: W, /, *arguments: P.args, **keywords: P.kwargs) -> None:
        if not fits(arguments):
            workflow.logger.warning("a signal %s was dropped: its arguments do not fit", handler.__name__)
            return
        await handler(self, *arguments, **keywords)

    return checked


def refuse_malformed(validator: Callable[P, None]) -> Callable[P, None]:
    """Make the validator of an update refuse arguments that do not fit its parameters."""
    fits = make_check(validator)

    @functools.wraps(validator)
    def checked(*arguments: P.args, **keywords: P.kwargs) -> None:
        if not fits(arguments[1:]):
            parameters = str(inspect.signature(validator)).removeprefix("(self, ").partition(")")[0]
            raise ApplicationError(f"The arguments do not fit: send {parameters}.", type="Refused", non_retryable=True)
        validator(*arguments, **keywords)

    return checked


def make_check(handler: Callable[..., Any]) -> Callable[[Sequence[object]], bool]:
    """Return what tells whether arguments fit the parameters of a message handler, whose types are plain classes."""
    hints = get_type_hints(handler)
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    kinds = [hints[parameter.name] for parameter in parameters]

    def fits(arguments: Sequence[object]) -> bool:
        return required <= len(arguments) <= len(kinds) and all(map(isinstance, arguments, kinds))

    return fits


class BranchParent(ABC):
    """A workflow that branches report to: their run, or what stands in for it."""

    @abstractmethod
    @workflow.signal(name="reap")
    async def reap_circling(self, request: ReapRequest) -> None:
        """End a branch that its own scores show to circle."""

    @abstractmethod
    @workflow.signal
    async def attempt_made(self, report: AttemptReport) -> None:
        """Take an attempt on record."""


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a signal, and raise where a step that completed in the moment of a cancel has swallowed that."""
    if (reason := workflow.cancellation_reason()) is not None and not condition() and workflow.patched("late-cancel"):
        raise asyncio.CancelledError(reason)
    await workflow.wait_condition(condition)
