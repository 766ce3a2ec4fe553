"""The files that hold the target tests and the data that these read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from posixpath import dirname, splitext

from activities.code.mentions import find_test_file
from activities.code.test_files import stem, subject

_DATA = (".json", ".jsonl", ".csv", ".tsv", ".txt")
_FOLDERS = ("data", "testdata", "test_data", "fixtures", "resources")
_FILES = 20


def read_test_sources(
    tests: Collection[str], paths: Collection[str], read: Callable[[str], str | None]
) -> dict[str, str]:
    """Return the texts of the files with the tests of the given ids, by path, and of data files that belong to them.

    A data file lies beside a test file, or in a folder for data there, and is called after it or named in it. `paths`
    are all files of the repository, of which `read` gives the text.
    """
    files = dict.fromkeys(file for test in tests if (file := find_test_file(test, paths)))
    sources = {file: text for file in [*files][:_FILES] if (text := read(file)) is not None}
    homes = {dirname(file): file for file in sources}
    for path in paths:
        folder, ending = dirname(path), splitext(path)[1]
        parent = dirname(folder) if folder.rpartition("/")[2] in _FOLDERS else folder
        owner = homes.get(folder) or homes.get(parent)
        if owner is None or ending not in _DATA or len(sources) >= 2 * _FILES:
            continue
        owners = [file for file in files if file in sources and dirname(file) in (folder, parent)]
        if any(stem(path) == subject(file) or stem(path) in sources[file] for file in owners):
            text = read(path)
            if text is not None:
                sources[path] = text
    return sources
