"""What a step that failed says."""

from temporalio.exceptions import FailureError


def find_root_failure(error: BaseException) -> FailureError:
    """The innermost failure, whose message is the sentence for the user."""
    failure = error
    while isinstance(failure.__cause__, FailureError):
        failure = failure.__cause__
    assert isinstance(failure, FailureError)
    return failure
