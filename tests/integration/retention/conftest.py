"""The fixtures of runs that have ended."""

from tests.integration.finished_runs import keep, keys

__all__ = ["keep", "keys"]
