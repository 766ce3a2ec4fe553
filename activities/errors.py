"""Errors of activities: ours become Temporal's."""

from __future__ import annotations

import errno
import functools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import metrics
from activities.heartbeat import send_heartbeats
from hydranet.errors import FATAL, FatalError, HydraError, OutageError, TransientError
from hydranet.invalid_values import explain_field
from hydranet.text.truncation import keep_ends

P = ParamSpec("P")
R = TypeVar("R")

# What we did not foresee may pass by itself, but not for ever: with the retry policy's delays, two minutes.
_UNFORESEEN_TRIES = 8

# A failure stays in the workflow's history; it fits the reason of a run.
_MESSAGE_LIMIT = 1500
# Of a disk without space, or without space for this user.
_FULL = (errno.ENOSPC, errno.EDQUOT)


def translate_errors(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Make an async function fit to be an activity; goes directly under `@activity.defn`.

    While it runs it heartbeats every half a second. What it raises of `hydranet.errors` becomes an
    `ApplicationError`: a `TransientError` is retried, after the delay it names if it names one; all
    others are not and have the type `FATAL`. A database that does not answer is transient;
    anything else is tried a few times, then fatal.
    """

    @functools.wraps(function)
    async def activity_function(*args: P.args, **kwargs: P.kwargs) -> R:
        async with send_heartbeats():
            try:
                return await function(*args, **kwargs)
            except HydraError as error:
                if isinstance(error, TransientError):
                    metrics.count_outage()
                raise to_application_error(error) from None
            except Exception as error:
                if (known := _known(error)) is None:
                    raise
                # Of an outage the sentence says all; the log shows what nobody foresaw.
                raise known from (error if known.type == FATAL else None)

    return activity_function


def to_application_error(error: HydraError) -> ApplicationError:
    """Return the Temporal failure that says what `error` says."""
    # What a program said last names the cause.
    message = keep_ends(str(error), _MESSAGE_LIMIT, first_share=1 / 2)
    if not isinstance(error, TransientError):
        return ApplicationError(message, type=FATAL, non_retryable=True)
    delay = None if error.retry_after is None else timedelta(seconds=error.retry_after)
    return ApplicationError(message, type=type(error).__name__, next_retry_delay=delay)


def _describe(error: Exception) -> str:
    # The text of pydantic repeats the value, and ends with a link that is of no use to a user.
    return (
        f"a {error.title} does not fit: {explain_field(error)}" if isinstance(error, ValidationError) else repr(error)
    )


def _known(error: Exception) -> ApplicationError | None:
    from psycopg import OperationalError

    if isinstance(error, OperationalError):
        return to_application_error(
            OutageError(f"The database does not answer: {next(iter(str(error).splitlines()), '')}")
        )
    if isinstance(error, OSError) and error.errno in _FULL:
        where = f" at {error.filename}" if error.filename else ""
        return to_application_error(
            FatalError(f"No space is left on the disk of the worker{where}: free some and run the command again.")
        )
    if not activity.in_activity() or activity.info().attempt < _UNFORESEEN_TRIES:
        return None
    what = f"{activity.info().activity_type} failed {_UNFORESEEN_TRIES} times, unforeseen: {_describe(error)}"
    return to_application_error(FatalError(f"{what}. The worker's log says more."))
