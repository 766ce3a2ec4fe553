"""Which modules only help tests: those that no other code imports, and that look like tests or their tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath
from posixpath import basename, dirname, join, normpath

from activities.code.language import Import
from activities.code.python_syntax import list_imports, parse_python
from activities.code.test_files import is_test_file

# Folders from which modules are imported by their first name.
SOURCE_ROOTS = ("", "src", "lib")
# Files that name a project's modules for its users.
_PACKAGING = ("pyproject.toml", "setup.cfg", "setup.py")

_DEFINES_TESTS = re.compile(r"^[ \t]*(?:async +)?def +test(?:_|[A-Z])\w*\s*\(", re.MULTILINE)
_TEST_NAME = re.compile(r"\*|test.*|Test.*|.*Tests?(?:Case|Base|Mixin)?")
_USES_TEST_TOOLS = re.compile(r"^(?:from|import) +(?:pytest|unittest|hypothesis|nose)\b", re.MULTILINE)
_HELPER_NAME = re.compile(
    r"(?:^|_)(?:tests?|testing|testutils?|testlib|testkit|testsupport|helpers?|fixtures?|fakes?|stubs?|mocks?"
    r"|asserts?|assertions?)(?:_|$)"
)
# Tests that are read to see whether they have a program besides a helper.
_TESTS_LIMIT = 100
# Links that lead to links.
_LINKS_LIMIT = 40


@dataclass(frozen=True)
class SourceTree:
    """The files of a commit: `paths` of regular files, symbolic `links` with their targets, and their texts.

    `find_mentions` returns the Python files that hold a word.
    """

    paths: frozenset[str]
    read: Callable[[str], str | None]
    links: Mapping[str, str] = field(default_factory=dict)
    find_mentions: Callable[[str], Iterable[str]] = lambda _: ()

    def resolve(self, path: str) -> str:
        """Return the path that `path` leads to through links; one outside of the repository begins with two dots."""
        for _ in range(_LINKS_LIMIT):
            path = normpath(path)
            parts = PurePosixPath(path).parts
            heads = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
            link = next((head for head in heads if head in self.links), None)
            if link is None:
                return path
            path = join(dirname(link), self.links[link]) + path.removeprefix(link)
        return path

    def find_module(self, module: str, importer: str) -> str | None:
        """Return the file of a module that `importer` imports; None for one of another project."""
        dots = len(module) - len(module.lstrip("."))
        name = module.lstrip(".").replace(".", "/")
        if dots:
            folders = [normpath(join(dirname(importer), *[".."] * (dots - 1)))]
        else:
            parents = [str(parent) for parent in PurePosixPath(importer).parents]
            folders = [*parents, *SOURCE_ROOTS]
        for folder in folders:
            place = normpath(join(folder, name)) if name else folder
            for file in (f"{place}.py", f"{place}/__init__.py"):
                if (resolved := self.resolve(file)) in self.paths:
                    return resolved
        return None

    def list_imported(self, importer: str) -> set[str]:
        """Return the files of the repository that a file imports."""
        return {file for imported in self.list_imports(importer) for file in self.find_imported(imported, importer)}

    def list_imports(self, importer: str) -> list[Import]:
        """Return the imports of a file."""
        return list_imports(parse_python(self.read(importer) or ""))

    def find_imported(self, imported: Import, importer: str) -> list[str]:
        """Return the files of the repository that an import names: a module, and what it takes from a package."""
        separator = "" if imported.module.endswith(".") else "."
        inner = f"{imported.module}{separator}{imported.name}" if imported.name not in ("", "*") else ""
        files = (self.find_module(name, importer) for name in (imported.module, inner) if name)
        return [file for file in files if file is not None]


class TestHelpers:
    """The modules of a repository that only its tests use."""

    __test__ = False

    def __init__(self, tree: SourceTree, is_test: Callable[[str], bool] = is_test_file) -> None:
        self._tree = tree
        self._is_test = is_test
        self._known: dict[str, bool] = {}

    def is_helper(self, path: str) -> bool:
        """Return whether an existing module only helps tests.

        Tests import it and nothing else does, while they have a program besides: a module that only tests import is
        most often the program itself. It also gives them tests, or is named like a helper, or uses a test library.
        """
        if path not in self._known:
            # In a circle of imports none is the program's.
            self._known[path] = True
            self._known[path] = self._decide(path)
        return self._known[path]

    def _decide(self, path: str) -> bool:
        text = self._tree.read(path) if path.endswith(".py") else None
        if text is None:
            return False
        defines_tests = bool(_DEFINES_TESTS.search(text))
        if not defines_tests and not self._looks_like_helper(path, text):
            return False
        importers = self._list_importers(path)
        testers = {file for file in importers if self._is_test(file)}
        if not testers or any(not self.is_helper(file) for file in importers - testers) or self._is_published(path):
            return False
        unit = _name_unit(path)
        if not any(
            not self._is_test(file) and _name_unit(file) != unit
            for user in (path, *testers, *islice(filter(self._is_test, sorted(self._tree.paths)), _TESTS_LIMIT))
            if user.endswith(".py")
            for file in self._tree.list_imported(user)
        ):
            return False
        return (defines_tests and any(self._takes_tests(file, path) for file in testers)) or self._is_unit_of_helpers(
            unit
        )

    def _takes_tests(self, importer: str, path: str) -> bool:
        return any(
            _TEST_NAME.fullmatch(imported.name or imported.module)
            and path in self._tree.find_imported(imported, importer)
            for imported in self._tree.list_imports(importer)
        )

    def _looks_like_helper(self, path: str, text: str) -> bool:
        parts = PurePosixPath(path).with_suffix("").parts
        return any(_HELPER_NAME.search(part) for part in parts) or bool(_USES_TEST_TOOLS.search(text))

    def _is_unit_of_helpers(self, unit: str) -> bool:
        # A package with a program in it ships its helpers, as flask.testing.
        files = (path for path in self._tree.paths if path == unit or path.startswith(f"{unit}/"))
        code = (path for path in files if path.endswith(".py") and basename(path) != "__init__.py")
        modules = (path for path in code if not self._is_test(path))
        return all(self._looks_like_helper(path, self._tree.read(path) or "") for path in modules)

    def _list_importers(self, path: str) -> set[str]:
        names = _list_names(path)
        # A link is imported by its own name.
        names |= {
            name
            for link, _ in self._tree.links.items()
            if self._tree.resolve(link) == path
            for name in _list_names(link)
        }
        words = {name.rpartition(".")[2] for name in names}
        mentioned = {file for word in words for file in self._tree.find_mentions(word)} - {path}
        quoted = re.compile("|".join(rf"""["']{re.escape(name)}["']""" for name in names))
        return {
            file
            for file in mentioned
            if path in self._tree.list_imported(file) or quoted.search(self._tree.read(file) or "")
        }

    def _is_published(self, path: str) -> bool:
        names = _list_names(path)
        return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names for text in self._packaging)

    @cached_property
    def _packaging(self) -> list[str]:
        return [self._tree.read(path) or "" for path in _PACKAGING if path in self._tree.paths]


def _list_names(path: str) -> set[str]:
    # The dotted names by which a module may be imported.
    bare = path.removesuffix(".py").removesuffix("/__init__")
    names = {bare.removeprefix(f"{root}/") for root in SOURCE_ROOTS}
    return {name.replace("/", ".") for name in names}


def _name_unit(path: str) -> str:
    # The package or module at the top that a file belongs to.
    parts = path.split("/")
    first = 1 if parts[0] in SOURCE_ROOTS and len(parts) > 1 else 0
    return "/".join(parts[: first + 1])
