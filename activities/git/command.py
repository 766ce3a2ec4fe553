"""Running git on a repository that nobody vouches for."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hydranet.errors import FatalError

# Nothing a repository declares may run on the host, and a commit's bytes depend on its content alone.
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_COUNT": "5",
    "GIT_CONFIG_KEY_0": "core.hooksPath",
    "GIT_CONFIG_VALUE_0": os.devnull,
    "GIT_CONFIG_KEY_1": "core.fsmonitor",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_CONFIG_KEY_2": "gc.auto",
    "GIT_CONFIG_VALUE_2": "0",
    "GIT_CONFIG_KEY_3": "safe.directory",
    "GIT_CONFIG_VALUE_3": "*",
    "GIT_CONFIG_KEY_4": "core.commitGraph",
    "GIT_CONFIG_VALUE_4": "false",
    "GIT_AUTHOR_NAME": "HydraNet",
    "GIT_AUTHOR_EMAIL": "hydranet@localhost",
    "GIT_COMMITTER_NAME": "HydraNet",
    "GIT_COMMITTER_EMAIL": "hydranet@localhost",
}


class GitError(FatalError):
    """A git command failed; the message ends with what it printed."""


def run_git(
    folder: Path,
    *arguments: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in `folder`, with no hook and no configuration but the repository's own, and return its output."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={**_ENVIRONMENT, **(env or {})},
    )
    if done.returncode != 0:
        printed = done.stderr.decode(errors="replace").strip()[-400:]
        raise GitError(f"git {arguments[0]} failed: {printed}")
    return done.stdout
