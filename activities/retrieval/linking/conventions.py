"""Where tests are, and what they are about, by the usual names of files."""

from posixpath import basename

_SCRIPT_TESTS = (".test.", ".spec.")


def stem(path: str) -> str:
    """Return the name of a file without its ending."""
    return basename(path).partition(".")[0]


def subject(path: str) -> str | None:
    """Return the stem of the file that a test file tests: "cart" of "tests/test_cart.py"; None for other files."""
    name = stem(path)
    if any(part in basename(path) for part in _SCRIPT_TESTS):
        return name
    for bare in (name.removeprefix("test_"), name.removesuffix("_test"), name.removesuffix("_tests")):
        if bare and bare != name:
            return bare
    return None
