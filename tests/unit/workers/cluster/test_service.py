from pathlib import Path

import pytest

from workers.cluster import service

# It notes what it is asked for, as systemd would be.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$CALLS"
exit $STATUS
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `systemctl` was called with, a line per call."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("STATUS", "0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "calls"


def test_a_unit_keeps_the_worker_running_until_it_is_removed(calls: Path, tmp_path: Path) -> None:
    command_line = ["env", f"HYDRA_DATA_DIR={tmp_path}/my $data 100%", "/opt/hydra", "worker"]
    assert service.install(command_line, {"HYDRA_MODELS__PURPOSES": '["repairs"]'}, 1200.0)
    unit = tmp_path / "config" / "systemd" / "user" / service.UNIT
    lines = unit.read_text().splitlines()
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert command.endswith(f'env" "HYDRA_DATA_DIR={tmp_path}/my $$data 100%%" "/opt/hydra" "worker"')
    assert {"Restart=always", "KillMode=mixed", "TimeoutStopSec=1230"} <= set(lines)
    assert 'Environment="HYDRA_MODELS__PURPOSES=[\\"repairs\\"]"' in lines
    assert unit.stat().st_mode & 0o777 == 0o600
    assert calls.read_text().splitlines() == [
        "--user show-environment",
        "--user daemon-reload",
        f"--user enable --now {service.UNIT}",
    ]
    service.remove()
    assert not unit.exists()
    assert f"--user disable --now --no-block {service.UNIT}" in calls.read_text()


def test_without_systemd_nothing_is_written(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS", "1")
    assert not service.install(["/opt/hydra", "worker"], {}, 1.0)
    service.remove()
    assert calls.read_text() == "--user show-environment\n"
    assert not (tmp_path / "config").exists()


def test_the_command_names_the_data_folder_where_it_is_another(tmp_path: Path) -> None:
    assert service.build_command(tmp_path)[:2] == ["env", f"HYDRA_DATA_DIR={tmp_path}"]
    assert service.build_command(tmp_path)[-1] == "worker"
