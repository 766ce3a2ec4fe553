"""Where tests are, and what they are about, by the usual names of files."""

from functools import lru_cache
from posixpath import basename

from activities.code.test_files import is_test_file

_SCRIPT_TESTS = (".test.", ".spec.")


@lru_cache(1 << 15)
def is_test(path: str) -> bool:
    """Whether a file is one of tests or of their helpers."""
    return is_test_file(path) or "/__tests__/" in f"/{path}" or any(part in basename(path) for part in _SCRIPT_TESTS)


def stem(path: str) -> str:
    """The name of a file without its ending."""
    return basename(path).partition(".")[0]


def subject(path: str) -> str | None:
    """The stem of the file that a test file is about: "cart" of "tests/test_cart.py"; None of what is no test file."""
    name = stem(path)
    if any(part in basename(path) for part in _SCRIPT_TESTS):
        return name
    for bare in (name.removeprefix("test_"), name.removesuffix("_test"), name.removesuffix("_tests")):
        if bare and bare != name:
            return bare
    return None
