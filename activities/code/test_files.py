"""Which files are tests, and which file and function a test id names."""

import re
from collections.abc import Collection

from activities.code.mentions import resolve_path

_TEST_FILE = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.py$")

_ASIDE = re.compile(
    r"(^|/)(docs?|docs_src|examples?|samples?|benchmarks?|scripts?|tools?|demos?)/|(^|/)(setup|conf|noxfile)\.py$"
)


def find_test_file(test_id: str, paths: Collection[str]) -> str | None:
    """The file of a test id such as "tests/test_a.py::test_b[1]" or "tests.test_a.TestA.test_b"."""
    file, separator, _ = test_id.partition("::")
    if separator:
        return resolve_path(file, paths)
    names = test_id.partition("[")[0].split(".")
    return next((path for end in range(len(names), 0, -1) if (path := "/".join(names[:end]) + ".py") in paths), None)


def name_test_function(test_id: str) -> str:
    """The qualified name of the test function of a test id, without its parameters."""
    bare = re.sub(r"\[.*", "", test_id, flags=re.DOTALL)
    if "::" in bare:
        return ".".join(bare.split("::")[1:])
    names = bare.split(".")
    return ".".join(names[-2:] if len(names) > 1 and names[-2][:1].isupper() else names[-1:])


def is_test_file(path: str) -> bool:
    """Whether a path is that of a test or of its helpers, by the usual names."""
    return _TEST_FILE.search(path) is not None


def is_supporting_file(path: str) -> bool:
    """Whether a path is that of documentation, examples or scripts around the code proper, by the usual names."""
    return _ASIDE.search(path) is not None
