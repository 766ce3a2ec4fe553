"""The failing tests of a run in short, as reports of it have them."""

from collections.abc import Iterable
from typing import Any

from hydranet.bounded_models import NAME_CHARACTERS, TESTS
from hydranet.contracts import TestResult
from hydranet.convergence.error_signature import extract_signature
from hydranet.genealogy import KnownFailure
from hydranet.text.truncation import keep_distinct, keep_last_lines

_TAIL = 800


def summarise_failures(tests: Iterable[TestResult]) -> dict[str, Any]:
    """Return the fields of `Failures` for the tests of a run."""
    # By name, because some runners shuffle: the same failure is to give the same report.
    failing = sorted((test for test in tests if test.is_failing), key=lambda test: test.id)
    target = [test for test in failing if test.is_target]
    known = [test for test in failing if not test.is_target]
    first = target[0] if target else None
    return {
        "failing": tuple(keep_distinct(test.id, NAME_CHARACTERS) for test in target[:TESTS]),
        "failing_count": len(target),
        "known": tuple(
            KnownFailure(test=keep_distinct(test.id, NAME_CHARACTERS), cause=test.cause) for test in known[:TESTS]
        ),
        "known_count": len(known),
        "error": extract_signature(first.message) if first else None,
        "tail": keep_last_lines(first.message.strip(), _TAIL) if first else "",
    }
