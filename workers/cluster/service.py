"""The systemd user unit that keeps a node's worker running."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import platformdirs

UNIT = "hydranet-worker.service"
_SECONDS = 10


def build_command(data_dir: Path) -> list[str]:
    """Return the command line that works as the node that this machine is."""
    program = shutil.which("hydra")
    own = Path(sysconfig.get_path("scripts")) / "hydra"
    command = ["hydra" if program and Path(program).resolve() == own.resolve() else str(own), "worker"]
    if data_dir.absolute() == platformdirs.user_data_path("hydranet"):
        return command
    return ["env", f"HYDRA_DATA_DIR={data_dir.absolute()}", *command]


def install(command: Sequence[str]) -> bool:
    """Have systemd run the command now and after each login; return False where it does not run for this user."""
    if not _call("show-environment"):
        return False
    file = _locate()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        "[Unit]\n"
        "Description=HydraNet worker\n"
        "After=network-online.target\n"
        "\n[Service]\n"
        f"ExecStart={' '.join(_quote(word) for word in _name_program(command))}\n"
        "Restart=always\nRestartSec=10\n"
        "\n[Install]\nWantedBy=default.target\n"
    )
    return _call("daemon-reload") and _call("enable", "--now", UNIT)


def remove() -> None:
    """End the unit's worker and forget it, where there is one."""
    if _locate().exists():
        _call("disable", "--now", UNIT)
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
