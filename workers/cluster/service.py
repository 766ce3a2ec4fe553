"""The systemd user unit that keeps a node's worker running."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import platformdirs

from activities.private_file import write_private

UNIT = "hydranet-worker.service"
_SECONDS = 10
# For a worker to end after what is under way, before systemd kills it.
_END_SECONDS = 30


def build_command(data_dir: Path) -> list[str]:
    """Return the command line that works as the node that this machine is."""
    program = shutil.which("hydra")
    own = Path(sysconfig.get_path("scripts")) / "hydra"
    command = ["hydra" if program and Path(program).resolve() == own.resolve() else str(own), "worker"]
    if data_dir.absolute() == platformdirs.user_data_path("hydranet"):
        return command
    return ["env", f"HYDRA_DATA_DIR={data_dir.absolute()}", *command]


def install(command: Sequence[str], variables: Mapping[str, str], seconds: float) -> bool:
    """Have systemd run the command now and after each login; return False where it does not run for this user.

    It has `variables` besides systemd's own, and so many seconds to finish what is under way when it is to end.
    """
    if not _call("show-environment"):
        return False
    file = _locate()
    file.parent.mkdir(parents=True, exist_ok=True)
    settings = "".join(f"Environment={_quote(f'{name}={value}')}\n" for name, value in sorted(variables.items()))
    text = (
        "[Unit]\n"
        "Description=HydraNet worker\n"
        "After=network-online.target\n"
        "\n[Service]\n"
        f"ExecStart={' '.join(_quote(word) for word in _name_program(command))}\n"
        f"{settings}"
        "Restart=always\nRestartSec=10\n"
        # The worker alone is asked to end: it needs the model server that it has started until it does.
        f"KillMode=mixed\nTimeoutStopSec={seconds + _END_SECONDS:.0f}\n"
        "\n[Install]\nWantedBy=default.target\n"
    )
    # A setting may be a secret.
    write_private(file, text)
    return _call("daemon-reload") and _call("enable", "--now", UNIT)


def remove() -> None:
    """End the unit's worker and forget it, where there is one."""
    if _locate().exists():
        # It may take as long to end as an answer of a model.
        _call("disable", "--now", "--no-block", UNIT)
        _locate().unlink(missing_ok=True)
        _call("daemon-reload")


def lingers() -> bool:
    """Return whether the user's units run on after the logout, which this also asks for."""
    with suppress(OSError, subprocess.TimeoutExpired, KeyError):
        user = pwd.getpwuid(os.geteuid()).pw_name
        subprocess.run(["loginctl", "--no-ask-password", "enable-linger"], capture_output=True, timeout=_SECONDS)
        return Path("/var/lib/systemd/linger", user).exists()
    return False


def _locate() -> Path:
    return platformdirs.user_config_path("systemd") / "user" / UNIT


def _call(*arguments: str) -> bool:
    try:
        done = subprocess.run(["systemctl", "--user", *arguments], capture_output=True, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _name_program(command: Sequence[str]) -> list[str]:
    # systemd looks for programs in the folders of the system alone.
    return [
        shutil.which(word) or word if position == 0 or word == "hydra" else word
        for position, word in enumerate(command)
    ]


def _quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
