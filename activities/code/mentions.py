"""What issues, tracebacks and test ids mention: files, symbols, lines."""

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from hydranet.convergence.frames import Frame, find_frames
from hydranet.text.code_names import PATH, PLACE

_INSTALLED = frozenset({"site-packages", "dist-packages", "node_modules"})


def find_named_files(issue: str, paths: Collection[str]) -> list[str]:
    """Return the files of the repository that an issue names, each once, in its order."""
    files = (_find_file(name, paths) for name in PATH.findall(issue))
    return list(dict.fromkeys(path for path in files if path is not None))


def find_named_lines(issue: str, paths: Collection[str]) -> list[tuple[str, int]]:
    """Return the lines that an issue names as `auth.ts:47`, each with its file, without those of tracebacks."""
    framed = {(resolve_path(frame.path, paths), frame.line) for frame in find_frames(issue)}
    places = ((_find_file(match["path"], paths), int(match["line"])) for match in PLACE.finditer(issue))
    return [(path, line) for path, line in dict.fromkeys(places) if path is not None and (path, line) not in framed]


def resolve_frames(text: str, paths: Collection[str]) -> list[Frame]:
    """Return the frames of the tracebacks in `text` that are inside the repository, in their order."""
    frames = ((frame, resolve_path(frame.path, paths)) for frame in find_frames(text))
    return [frame._replace(path=path) for frame, path in frames if path is not None]


def resolve_path(name: str, paths: Collection[str]) -> str | None:
    """Return the repository's path that `name` means, which may begin with folders outside of the repository."""
    parts = PurePosixPath(name.replace("\\", "/").removeprefix("./")).parts
    if not _INSTALLED.isdisjoint(parts):
        return None
    return next((tail for tail in _tails(parts) if tail in paths), None)


def _find_file(name: str, paths: Collection[str]) -> str | None:
    """Return the file that a text means, which may name it without its folders where there is only one."""
    if path := resolve_path(name, paths):
        return path
    bare = name.removeprefix("./")
    ending = [path for path in paths if path.endswith(f"/{bare}")] if not bare.startswith("/") else []
    return ending[0] if len(ending) == 1 else None


def find_test_file(test_id: str, paths: Collection[str]) -> str | None:
    """Return the file of a test id such as "tests/test_a.py::test_b[1]" or "tests.test_a.TestA.test_b".

    A dotted id may begin at a folder below the top. Where several files could be meant, none is.
    """
    file, separator, _ = test_id.partition("::")
    if separator:
        return resolve_path(file, paths)
    names = test_id.partition("[")[0].split(".")
    stems = ["/".join(names[:end]) for end in range(len(names), 0, -1)]
    files = [f"{stem}{ending}" for stem in stems for ending in (".py", "/__init__.py")]
    if path := next((path for path in files if path in paths), None):
        return path
    endings = tuple(f"/{file}" for file in files)
    below = [path for path in paths if path.endswith(endings)]
    matches = next(filter(None, ([path for path in below if path.endswith(ending)] for ending in endings)), [])
    return matches[0] if len(matches) == 1 else None


def name_test_function(test_id: str) -> str:
    """Return the qualified name of the test function of a test id, without its parameters."""
    bare = re.sub(r"\[.*", "", test_id, flags=re.DOTALL)
    if "::" in bare:
        return ".".join(bare.split("::")[1:])
    names = bare.split(".")
    return ".".join(names[-2:] if len(names) > 1 and names[-2][:1].isupper() else names[-1:])


def _tails(parts: tuple[str, ...]) -> Iterator[str]:
    clean = [part for part in parts if part not in ("/", ".")]
    for start in range(len(clean)):
        yield "/".join(clean[start:])
