"""The files that a candidate may not change: those that decide whether the target tests pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from activities.code.test_files import is_test_file
from hydranet.contracts import TestResult
from hydranet.errors import PatchError
from hydranet.policy.constitution import Constitution, Effect

_TEST_FOLDERS = {"test", "tests"}
_SETTINGS = {"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini"}
_SHARED_SETTINGS = {"pyproject.toml": "[tool.pytest", "setup.cfg": "[tool:pytest]"}


class ProtectedFiles:
    """The protected files of a repository; `paths` are those that exist.

    Protected are the files of failing tests, and everything in a folder named test or tests around them, because
    fixtures and expected values lie there. So are conftest.py and pytest's settings files anywhere, new ones too,
    and pyproject.toml and setup.cfg when they have settings of pytest. Last, what the constitution does not allow a
    run to write: nobody is there to be asked.
    """

    def __init__(
        self,
        failing: Iterable[TestResult],
        paths: Sequence[str],
        read: Callable[[str], str | None],
        rules: Constitution,
    ) -> None:
        self._rules = rules
        names = {test.id.split("::", 1)[0] for test in failing}
        # Ids are relative to pytest's root, which need not be the repository's.
        files = {path for path in paths if any(path == name or path.endswith(f"/{name}") for name in names)}
        # A command that names no tests may run any of them.
        files = files or {path for path in paths if is_test_file(path)}
        self._folders = {folder for file in files if (folder := _outermost_test_folder(file))}
        shared = {path for path, mark in _SHARED_SETTINGS.items() if path in paths and mark in (read(path) or "")}
        self.paths = files | shared | {path for path in paths if self._covers(path)}

    def check(self, changed: Iterable[str]) -> None:
        """Raise PatchError when one of the changed paths is protected, whether it exists or not."""
        for path in changed:
            if path in self.paths or self._covers(path):
                raise PatchError(f"The patch changes {path}, which belongs to the tests.")
            decision = self._rules.decide("write", path)
            if decision.effect is not Effect.ALLOWED:
                raise PatchError(f"The constitution keeps {path} (rule {decision.rule}): {decision.reason}")

    def _covers(self, path: str) -> bool:
        if PurePosixPath(path).name in _SETTINGS:
            return True
        return any(path.startswith(f"{folder}/") for folder in self._folders)


def _outermost_test_folder(path: str) -> str:
    parts = PurePosixPath(path).parts[:-1]
    for number, part in enumerate(parts, start=1):
        if part in _TEST_FOLDERS:
            return "/".join(parts[:number])
    return ""
