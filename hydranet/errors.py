"""The error taxonomy: fatal errors end a run or a command, transient ones are tried again."""

from hydranet.text.escaping import clean_text


class HydraError(Exception):
    """An error with the one sentence a user reads, which says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(clean_text(message))


class UsageError(HydraError):
    """Bad input or set-up: exit code 2, nothing changed."""


class FatalError(HydraError):
    """Trying again cannot help: the run ends with the verdict failed."""


FATAL = FatalError.__name__
"""The type of the Temporal failure that a `FatalError` becomes: the one that no retry policy retries."""


class TransientError(HydraError):
    """Trying again can help; `retry_after` is the delay in seconds a server asked for, if it did."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutageError(TransientError):
    """A part of the stack, such as the database, does not answer; a run's time budget stands until it does."""


OUTAGE = OutageError.__name__
"""The type of the Temporal failure that an `OutageError` becomes."""


class PatchError(HydraError):
    """A patch that is malformed, does not apply or may not be applied: a failed attempt, not a failed run."""
