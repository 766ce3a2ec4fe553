"""The files that a candidate may not change: those that decide whether the target tests pass."""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from posixpath import basename, dirname

from activities.code.test_files import is_test_file
from activities.code.test_helpers import SOURCE_ROOTS, SourceTree, TestHelpers
from activities.code.test_regions import holds_program, list_test_regions
from activities.sandbox.runner_settings import SETTINGS_FILE, list_command_files, read_runner_settings
from hydranet.contracts import TestResults
from hydranet.errors import PatchError
from hydranet.policy.constitution import Constitution, Effect

_TEST_FOLDERS = {"test", "tests"}
# What Python and its tools run before any program, or ask which plugins there are, and the packages of Node.
_STARTUP = re.compile(
    r"(?:^|/)node_modules/|(?:^|/)(?:site|user)customize(?:\.py|/)|\.pth$|\.egg-link$|(?:^|/)[^/]*\.(?:dist-info|egg-info)(?:/|$)"
)
_PYTEST_SETTINGS = ("pyproject.toml", "pytest.ini", ".pytest.ini", "pytest.toml", "setup.cfg", "tox.ini")
_MODULE_FOLDERS = re.compile(
    r"(?:\bPYTHONPATH=|\bcd\s+|(?<!\S)-s\s+|--start-directory[=\s]|\bdiscover\s+)(\S+)|^pythonpath\s*=\s*(.*)$",
    re.MULTILINE,
)
# Entries of a folder of installed modules.
_ENTRIES_LIMIT = 10_000
# What runs the tests, besides the standard library and what is installed.
_RUNNERS = frozenset(
    {"_pytest", "coverage", "hydra_inside", "iniconfig", "packaging", "pluggy", "py", "pygments", "pytest"}
)


class ProtectedFiles:
    """The protected files of a repository, by the tests at the base commit and the command that runs them.

    Protected are the files of these tests, and everything in a folder named test or tests around them, because
    fixtures and expected values lie there. So are modules that only tests use, what a link of theirs leads to, and the
    files of the test command. Settings of test runners are protected wherever they stand, new ones too. Nor may a
    new file get between the tests and what they import: `installed` are the modules of the environment, and the command
    runs in `folder`. Last comes what the constitution does not allow a run to write: nobody is there to be asked.

    Of a file that holds the program as well as its tests only the test regions are protected.
    """

    def __init__(
        self,
        baseline: TestResults,
        command: str,
        tree: SourceTree,
        rules: Constitution,
        installed: Collection[str] = (),
        folder: str = "",
    ) -> None:
        top = f"{folder}/" if folder else ""
        self._rules = rules
        self._tree = tree
        self._installed = frozenset(installed)
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for path in tree.paths:
            self._by_name[basename(path)].append(path)
        failing = self._find_files(test.id for test in baseline.tests if test.is_target)
        known = self._find_files(test.id for test in baseline.tests)
        self._tests = _name_tests(baseline)
        mixed = {path for path in failing if self._holds_program(path)}
        # Of a file with other tests, or one that the command names, only the test regions are kept, if it has any.
        others = known - failing | _list_named(command, tree.paths, top)
        self._partly = mixed | set(filter(_is_code, others))
        # A command that names no tests may run any of them.
        files = failing - mixed if failing else {path for path in tree.paths if is_test_file(path)}
        files |= set(filter(is_test_file, known))
        self._folders = {outermost for file in files if (outermost := _outermost_test_folder(file))}
        files |= {file for link in tree.links if self._covers(link) for file in self._list_linked(link)}
        files |= list_command_files(command, tree.paths, folder)
        self.paths = files | {path for path in tree.paths if self._covers(path)}
        self._helpers = TestHelpers(tree, lambda path: path in self.paths or is_test_file(path))
        self._roots = {*SOURCE_ROOTS, folder, *self._list_paths(command, top), *map(self._find_base, files | mixed)}

    def check(self, changes: Mapping[str, str | None]) -> None:
        """Raise PatchError when one of the changes, new text by path, is not allowed."""
        for path, text in changes.items():
            if path in self.paths or self._covers(path):
                raise PatchError(f"The patch changes {path}, which belongs to the tests.")
            if _STARTUP.search(path):
                raise PatchError(f"The patch changes {path}, which Python or the test runner loads by itself.")
            before = self._tree.read(path) if path in self._tree.paths else None
            if read_runner_settings(path, before) != read_runner_settings(path, text):
                raise PatchError(f"The patch changes the settings of a test runner in {path}.")
            if path not in self._tree.paths and (name := self._find_hidden(path)):
                raise PatchError(f"The patch adds {path}, which would take the place of the module {name}.")
            if path in self._tree.paths and path not in self._partly and self._helpers.is_helper(path):
                raise PatchError(f"The patch changes {path}, which only tests use.")
            if path in self._partly:
                self._check_regions(path, before or "", text or "")
            decision = self._rules.decide("write", path)
            # What a person is to be asked about is asked when the fix is published: here it is a copy that is written.
            if decision.effect is Effect.REFUSED:
                raise PatchError(f"The constitution keeps {path} (rule {decision.rule}): {decision.reason}")

    def _holds_program(self, path: str) -> bool:
        return _is_code(path) and holds_program(self._tree.read(path) or "", self._tests)

    def _check_regions(self, path: str, before: str, after: str) -> None:
        old, new = (list_test_regions(text, self._tests) for text in (before, after))
        if not old:
            return
        if new is None:
            raise PatchError(f"The patch leaves {path} with a syntax error: its tests cannot be told from the program.")
        if old != new:
            changed = (region for region in [*old, *new] if old.count(region) != new.count(region))
            title = next((region.title for region in changed), "the order of the tests")
            raise PatchError(f"The patch changes {title} in {path}, which belongs to the tests; change the program.")

    def _find_files(self, tests: Iterable[str]) -> set[str]:
        # Ids are relative to the test runner's root, which need not be the repository's.
        names: set[str] = set()
        for test in tests:
            file, separator, _ = test.partition("::")
            names.add(file)
            if not separator:
                parts = test.partition("[")[0].split(".")
                names |= {"/".join(parts[:end]) + ".py" for end in range(1, len(parts) + 1)}
        files = {
            path
            for name in names
            for path in self._by_name[basename(name)]
            if path == name or path.endswith(f"/{name}")
        }
        return files | ({self._tree.resolve(name) for name in names if name} & self._tree.paths)

    def _covers(self, path: str) -> bool:
        if SETTINGS_FILE.fullmatch(basename(path)):
            return True
        return any(path.startswith(f"{folder}/") for folder in self._folders)

    def _list_linked(self, link: str) -> set[str]:
        # Tests, and data beside which no program lies: a link may also lead to the program itself.
        target = self._tree.resolve(link)
        reached = {path for path in self._tree.paths if path == target or path.startswith(f"{target}/")}
        return {path for path in reached if is_test_file(path) or (self._is_aside(path) and not path.endswith(".py"))}

    def _is_aside(self, path: str) -> bool:
        top, separator, _ = path.partition("/")
        beside = (other for other in self._tree.paths if other.startswith(f"{top}/") and other.endswith(".py"))
        return bool(separator) and all(map(is_test_file, beside))

    def _find_base(self, file: str) -> str:
        # The folder that pytest puts in front of the modules: the first around the test that is no package.
        folder = dirname(file)
        while folder and f"{folder}/__init__.py" in self._tree.paths:
            folder = dirname(folder)
        return folder

    def _list_paths(self, command: str, top: str) -> set[str]:
        # The folders that the command or the settings put in front of the modules.
        files = [f"{top}{name}" for name in _PYTEST_SETTINGS]
        settings = [self._tree.read(path) or "" for path in files if path in self._tree.paths]
        lines = [match[1] or match[2] for text in (command, *settings) for match in _MODULE_FOLDERS.finditer(text)]
        words = {word.removeprefix("./").rstrip("/") for line in lines for word in re.split(r"[\s:,;\[\]\"']+", line)}
        return {f"{top}{word}" for word in words - {"", "."}}

    def _find_hidden(self, path: str) -> str:
        for root in self._roots:
            inner = path.removeprefix(f"{root}/") if root else path
            name = inner.removesuffix(".py").removesuffix("/__init__")
            if inner.endswith(".py") and "/" not in name and (inner != path or not root) and self._is_known(name):
                return name
        return ""

    def _is_known(self, name: str) -> bool:
        return name in sys.stdlib_module_names or name in _RUNNERS or name in self._installed


def _is_code(path: str) -> bool:
    return path.endswith(".py") and not is_test_file(path) and not SETTINGS_FILE.fullmatch(basename(path))


def _list_named(command: str, paths: frozenset[str], top: str) -> set[str]:
    return {f"{top}{word.removeprefix('./')}" for word in re.split(r"[\s;&|()=\"']+", command)} & paths


def _name_tests(baseline: TestResults) -> frozenset[str]:
    # The functions and classes that ids of pytest name. The last part of a doctest's is dotted, or its module's name.
    names: set[str] = set()
    for test in baseline.tests:
        file, _, name = test.id.partition("[")[0].partition("::")
        names |= {part for part in name.split("::") if part.isidentifier()} - {PurePosixPath(file).stem}
    return frozenset(names)


def list_installed_modules(environment: Path) -> set[str]:
    """Return the names of the modules that are installed in a virtual environment."""
    folders = environment.glob("lib/python*/site-packages")
    entries = (entry.name for folder in folders for entry in islice(os.scandir(folder), _ENTRIES_LIMIT))
    names = {re.sub(r"\.(?:py|pyc|.*\.so|so|pyd)$", "", entry) for entry in entries}
    return set(filter(str.isidentifier, names))


def _outermost_test_folder(path: str) -> str:
    parts = PurePosixPath(path).parts[:-1]
    for number, part in enumerate(parts, start=1):
        if part in _TEST_FOLDERS:
            return "/".join(parts[:number])
    return ""
