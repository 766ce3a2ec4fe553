"""Which files are tests, and which only stand beside the code."""

import re
from functools import lru_cache
from posixpath import basename

# By the usual names of pytest, unittest, Django, Go, Jest and Vitest. `sandbox/inside` has a copy.
TEST_FILE = re.compile(
    r"(?:^|/)(?:(?:tests?|testing|__tests__)/|conftest\.py$|tests?\.\w+$|test_[^/]*\.\w+$|[^/]*_tests?\.\w+$"
    r"|[^/]*\.(?:test|spec)\.\w+$)"
)

# What has a meaning in the names of definitions.
_UNNAMED = re.compile(r"[.#:\x00-\x1f]")
_TITLE_CHARACTERS = 200

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


def name_script_test(title: str) -> str:
    """Return the name, as a definition has it, of a test that is a call with a title and a function: `test("…", …)`."""
    return " ".join(_UNNAMED.sub(" ", title).split())[:_TITLE_CHARACTERS]
