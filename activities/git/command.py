"""Running git in folders of our own, which are the only ones whose configuration is harmless."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from activities.git.layout import common_folder
from hydranet.errors import FatalError
from hydranet.text.truncation import keep_ends

TIMEOUT_SECONDS = 300.0
"""The longest that a git command may take: packing a repository at the limit takes a fifth of it."""

# Not what stands in the folder that git runs in.
PATH = os.pathsep.join(p for p in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(p).is_absolute())

# A commit's bytes depend on its content alone, and neither a program nor a network is reached.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.commitGraph": "false",
    "core.multiPackIndex": "false",
    # A part of the index would be kept in the git folder, which may be a temporary one.
    "core.splitIndex": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_ENVIRONMENT = {
    "PATH": PATH,
    "HOME": os.devnull,
    "LC_ALL": "C",
    "GIT_ALLOC_LIMIT": "2g",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "false",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "HydraNet",
    "GIT_AUTHOR_EMAIL": "hydranet@localhost",
    "GIT_COMMITTER_NAME": "HydraNet",
    "GIT_COMMITTER_EMAIL": "hydranet@localhost",
    "GIT_CONFIG_COUNT": str(len(SETTINGS)),
    **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(SETTINGS.values())},
}

SETTINGS_KEPT = frozenset(
    {"autocrlf", "checkstat", "eol", "filemode", "ignorecase", "logallrefupdates", "precomposeunicode"}
    | {"sharedrepository", "sparsecheckout", "sparsecheckoutcone", "symlinks", "trustctime"}
)
"""The settings in the section `core` that say how files are written, and name no file or program."""

_HARMLESS = re.compile(
    r"\s*|\[(core|extensions)\]|"
    rf"\s*({'|'.join(sorted(SETTINGS_KEPT))}|repositoryformatversion|bare|objectformat)\s*=\s*\w*",
    re.IGNORECASE,
)
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitError(FatalError):
    """A git command failed; `reason` is git's own first line about it, where there is one."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message

    @classmethod
    def of(cls, failed: str, printed: bytes) -> GitError:
        """Return the error of which git has printed the reason."""
        # A reason that comes up again, as when each of many objects has it, says nothing more.
        lines = dict.fromkeys(line.strip() for line in printed.decode(errors="replace").splitlines() if line.strip())
        reasons = [re.sub(r"^(?:fatal|error): ", "", line) for line in lines]
        return cls(f"{failed}: {keep_ends(' '.join(reasons), 400)}", next(iter(reasons), ""))


def run_git(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run git on the repository of ours in `folder` and return its output.

    GitError when it fails or takes too long. A repository of the user's is refused: `UserRepository` opens it.
    """
    with start_git(folder, *arguments, env=env, stderr=subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise GitError(f"git {arguments[0]} took longer than {TIMEOUT_SECONDS:.0f} seconds.") from None
        finally:
            end_git(process)
    if process.returncode != 0:
        raise GitError.of(f"git {arguments[0]} failed", errors)
    return output


def start_git(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start git as `run_git` does, with pipes to speak to it; `end_git` ends it."""
    git_folder = folder
    if (folder / ".git").exists() or not (folder / "objects").is_dir() or arguments[0] == "init":
        git_folder = folder / ".git"
    environment = {**_ENVIRONMENT, "GIT_DIR": str(git_folder), **(env or {})}
    _require_own(Path(environment["GIT_DIR"]))
    return start_process(["git", *arguments], folder, environment, stderr)


def end_git(process: subprocess.Popen[bytes]) -> None:
    """End a git process and all that it has started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def read_git_settings(file: Path | None = None) -> dict[str, list[str]]:
    """Return the settings that a file declares, without what it includes; by default the user's own, with it.

    They are read, and not obeyed.
    """
    if file is not None:
        arguments, environment = ["--file", str(file), "--no-includes"], dict(_ENVIRONMENT)
    else:
        arguments, environment = ["--includes"], dict(os.environ)
    command = ["git", "config", *arguments, "--null", "--list"]
    with start_process(command, Path("/"), {**environment, "GIT_DIR": os.devnull}, subprocess.PIPE) as process:
        try:
            output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise GitError("Git's settings cannot be read in time.") from None
        finally:
            end_git(process)
    if process.returncode != 0:
        raise GitError.of("Correct git's settings, which cannot be read", errors)
    settings: dict[str, list[str]] = {}
    for row in output.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        key, _, value = row.partition("\n")
        settings.setdefault(key, []).append(value)
    return settings


def check_id(text: str) -> str:
    """Return `text`, which is the id of an object in full; GitError otherwise."""
    if not _ID.fullmatch(text):
        raise GitError(f"{text[:80]!r} is not the id of a git object.")
    return text


def start_process(
    command: list[str], folder: Path, environment: Mapping[str, str], stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a git command in `folder` with an environment of its own; `end_git` ends it."""
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError:
        if not folder.is_dir():
            raise GitError(f"{folder} is no longer there.") from None
        raise FatalError("git is not installed: install it first.") from None
    except OSError as error:
        raise GitError(f"git cannot be started in {folder} ({error.strerror}): make both executable for you.") from None


def _require_own(git_folder: Path) -> None:
    """Git obeys the configuration of where it runs, so that must be of a kind that we write ourselves."""
    try:
        text = (common_folder(git_folder) / "config").read_text(errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        if not _HARMLESS.fullmatch(line):
            raise GitError(f"{git_folder} is not a repository of HydraNet's own: its configuration has {line[:80]!r}.")
