"""Seeds: where a search for the cause begins, read from test ids, tracebacks and the issue."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

# A frame as plain tracebacks, and as pytest, print it.
_FRAMES = re.compile(
    r'^\s*File "(?P<file>[^"\n]{1,500})", line (?P<line>\d{1,7})|'
    r"^(?P<short>[^\s:][^:\n]{0,500}\.py):(?P<number>\d{1,7}):",
    re.MULTILINE,
)
_PATH = re.compile(r"[\w./-]{1,300}\.py\b")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,80}")
_TEST_FILE = re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_tests?|conftest)\.py$")


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of a repository's file that a traceback goes through."""

    file: str
    line: int


_ASIDE = re.compile(
    r"(^|/)(docs?|docs_src|examples?|samples?|benchmarks?|scripts?|tools?|demos?)/|(^|/)(setup|conf|noxfile)\.py$"
)


def frames(text: str, paths: Collection[str]) -> list[Frame]:
    """The frames of a traceback that are inside the repository, the deepest last."""
    found = []
    for match in _FRAMES.finditer(text):
        path = locate(match["file"] or match["short"], paths)
        if path is not None:
            found.append(Frame(path, int(match["line"] or match["number"])))
    return found


def locate(name: str, paths: Collection[str]) -> str | None:
    """The path of the repository that `name` means, which may have folders before it that are not ours."""
    parts = PurePosixPath(name.removeprefix("./")).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return None
    return next((tail for tail in _tails(parts) if tail in paths), None)


def test_file(test_id: str, paths: Collection[str]) -> str | None:
    """The file of a test id such as "tests/test_a.py::test_b[1]" or "tests.test_a.TestA.test_b"."""
    file, separator, _ = test_id.partition("::")
    if separator:
        return locate(file, paths)
    names = test_id.partition("[")[0].split(".")
    return next((path for end in range(len(names), 0, -1) if (path := "/".join(names[:end]) + ".py") in paths), None)


def test_function(test_id: str) -> str:
    """The qualified name of the test function of a test id, without its parameters."""
    bare = re.sub(r"\[.*", "", test_id, flags=re.DOTALL)
    if "::" in bare:
        return ".".join(bare.split("::")[1:])
    names = bare.split(".")
    return ".".join(names[-2:] if len(names) > 1 and names[-2][:1].isupper() else names[-1:])


def named_files(issue: str, paths: Collection[str]) -> list[str]:
    """The files of the repository that an issue names, each once, in its order."""
    found = (locate(name, paths) for name in _PATH.findall(issue))
    return list(dict.fromkeys(path for path in found if path is not None))


def named_symbols(issue: str) -> set[str]:
    """The words of an issue that look like code: quoted, called, with an underscore or an inner capital."""
    quoted = " ".join(re.findall(r"`([^`\n]{1,200})`", issue))
    called = re.findall(r"([A-Za-z_]\w{1,80})\(", issue)
    shaped = [word for word in _NAME.findall(issue) if "_" in word.strip("_") or re.search(r"[a-z][A-Z]", word)]
    return {*_NAME.findall(quoted), *called, *shaped}


def is_test_file(path: str) -> bool:
    """Whether a path is that of a test or of its helpers, by the usual names."""
    return _TEST_FILE.search(path) is not None


def is_aside(path: str) -> bool:
    """Whether a path is that of documentation, examples or scripts around the code proper, by the usual names."""
    return _ASIDE.search(path) is not None


def _tails(parts: tuple[str, ...]) -> Iterator[str]:
    clean = [part for part in parts if part not in ("/", ".")]
    for start in range(len(clean)):
        yield "/".join(clean[start:])
