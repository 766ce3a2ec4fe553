"""How long one test may take, at the base commit and when its code is changed or traced."""

from __future__ import annotations

from dataclasses import dataclass

from hydranet.contracts import SandboxSpec, TestResult, TestResults

HUNG = "TimeoutError: timed out after"
"""The start of the message of a test that the recorder ended."""

# A test may take this share of the time for all tests, and at most so many seconds: a hanging test leaves time for
# the others.
TEST_SHARE = 5
TEST_LIMIT = 60.0

_LEAST_WALL_SECONDS = 10.0
_FAILING_SLOWDOWN = 3


def get_test_timeout(spec: SandboxSpec) -> float:
    """Return how long one test may take, in seconds."""
    return min(TEST_LIMIT, spec.test_timeout / TEST_SHARE)


@dataclass(frozen=True)
class TimeLimits:
    """The seconds that a test may take and compute, when its code is changed or traced."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, baseline: TestResults, spec: SandboxSpec, slowdown: float, least: float) -> TimeLimits:
        """Return `slowdown` times what the slowest test that passed took, and at least `least` of CPU time.

        A test that fails may stop in its middle, so the slowest of them counts three times. One that only waits is no
        endless loop: it may do so for ten seconds.
        """
        usual = max([least, *(_expect_seconds(test, slowdown) for test in baseline.tests)])
        longest = get_test_timeout(spec)
        return cls(wall=min(max(3 * usual, _LEAST_WALL_SECONDS), longest), cpu=min(usual, longest))


def _expect_seconds(test: TestResult, slowdown: float) -> float:
    if test.outcome == "passed":
        return slowdown * test.seconds
    return _FAILING_SLOWDOWN * test.seconds if test.is_failing and HUNG not in test.message else 0.0
