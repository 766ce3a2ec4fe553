"""The repositories of this host in which runs may work: those that their user has named here."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.private_file import write_private
from hydranet.errors import FatalError, UsageError
from hydranet.text.escaping import format_command

FILE = "repositories.json"
_LIMIT = 10_000


class _Content(BaseModel):
    """What the file holds; `adopted` once the repositories of runs that are older than it were taken in."""

    model_config = ConfigDict(extra="forbid")

    adopted: bool = False
    repositories: Annotated[tuple[str, ...], Field(max_length=_LIMIT)] = ()


class RepositoryRegistry:
    """The file in the data folder that lists repositories by their absolute paths.

    A request names a path, and anybody who may start a run could name any. So only what stands here is read and
    written, and nothing that arrives through Temporal adds to it.
    """

    def __init__(self, data_dir: Path, host_name: str = "this host") -> None:
        self._path = data_dir / FILE
        self._host_name = host_name

    @property
    def paths(self) -> tuple[str, ...]:
        """The registered repositories. Raises UsageError when the file cannot be read."""
        return self._read().repositories

    def add(self, path: str) -> bool:
        """Register a repository; return False when it was registered already."""
        if path in self.paths:
            return False
        return self._change(lambda content: (*content.repositories, path))

    def remove(self, path: str) -> bool:
        """Let no further run work in a repository; return False when none could."""
        return self._change(lambda content: (known for known in content.repositories if known != path))

    def check(self, path: str) -> None:
        """Raise FatalError where a repository is not registered."""
        try:
            known = path in self.paths
        except UsageError as error:
            raise FatalError(str(error)) from None
        if not known:
            command = format_command("hydra", "repo", "add", path)
            raise FatalError(
                f"{path} is not registered on {self._host_name}, so no run may work in it: "
                f"run `{command}` there if it is yours."
            )

    @property
    def adopted(self) -> bool:
        """Whether the repositories of runs from before there was a registry were taken in."""
        return self._read().adopted

    def adopt(self, paths: Iterable[str]) -> None:
        """Take in the repositories of runs from before there was a registry, once."""
        with self._lock():
            content = self._read()
            if not content.adopted:
                known = dict.fromkeys((*content.repositories, *paths))
                self._write(_Content(adopted=True, repositories=tuple(known)))

    def _change(self, change: Callable[[_Content], Iterable[str]]) -> bool:
        with self._lock():
            content = self._read()
            changed = tuple(dict.fromkeys(change(content)))
            if changed == content.repositories:
                return False
            if len(changed) > _LIMIT:
                raise UsageError(f"{_LIMIT:,} repositories are registered: take some out with `hydra repo remove`.")
            self._write(content.model_copy(update={"repositories": changed}))
            return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self._translate(), self._open_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _open_lock(self) -> IO[str]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._path.with_suffix(".lock").open("a")

    def _read(self) -> _Content:
        with self._translate():
            try:
                return _Content.model_validate_json(self._path.read_bytes())
            except FileNotFoundError:
                return _Content()
            except ValidationError:
                raise UsageError(
                    f"{self._path} is not the list of repositories that HydraNet wrote: put its copy back, or remove "
                    "it and name your repositories again with `hydra repo add`."
                ) from None

    def _write(self, content: _Content) -> None:
        write_private(self._path, json.dumps(content.model_dump(), indent=1))

    @contextmanager
    def _translate(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(
                f"The list of repositories {self._path} cannot be used ({error.strerror}): correct its permissions."
            ) from None
