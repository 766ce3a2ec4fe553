"""The alert rules, played by Prometheus's own tool."""

import subprocess
from pathlib import Path

from tests.dashboards import ROOT, require_prometheus


def test_every_alert_comes_and_goes_as_its_series_do(tmp_path: Path) -> None:
    promtool = require_prometheus("promtool")
    played = Path(__file__).with_name("alerts.yml").read_text()
    (tmp_path / "alerts.yml").write_text(played.replace("RULES", str(ROOT / "prometheus" / "alerts.yml")))
    done = subprocess.run([promtool, "test", "rules", tmp_path / "alerts.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_of_one_machine_is_well_formed() -> None:
    promtool = require_prometheus("promtool")
    file = ROOT / "prometheus" / "prometheus.yml"
    done = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
