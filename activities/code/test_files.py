"""Which files are tests, and which only stand beside the code."""

import re
from functools import lru_cache

# By the usual names of pytest, unittest, Django, Go, Jest and Vitest. `sandbox/inside` has a copy.
TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|__tests__)/|conftest\.py$|tests?\.\w+$|test_[^/]*\.\w+$|[^/]*_tests?\.\w+$"
    r"|[^/]*\.(?:test|spec)\.\w+$)"
)

_ASIDE = re.compile(
    r"(^|/)(docs?|docs_src|examples?|samples?|benchmarks?|scripts?|tools?|demos?)/|(^|/)(setup|conf|noxfile)\.py$"
)


@lru_cache(1 << 15)
def is_test_file(path: str) -> bool:
    """Return whether a path is that of a test or of its helpers."""
    return TEST_FILE.search(path) is not None


def is_supporting_file(path: str) -> bool:
    """Return whether a path is that of documentation, examples or scripts around the code proper."""
    return _ASIDE.search(path) is not None
