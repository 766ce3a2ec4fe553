"""What is installed from a wheel has all files that it reads."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "tests", "benchmarks", "docs")

# Run where nothing of the checkout is on the module path before what is installed.
READ = """
import sys
sys.path.insert(0, sys.argv[1])
from hydranet.policy.constitution import load_rules
from workers import namespace
assert namespace.__file__.startswith(sys.argv[1]), namespace.__file__
assert load_rules("").decide("publish", "hydra/fix-x")
print(sorted(namespace.load_definition().search_attributes))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a wheel of the checkout is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, folder / "source"], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def test_the_definition_of_the_namespace_is_found(installed: Path, tmp_path: Path) -> None:
    # Such a folder in the working directory must not be taken for ours.
    (tmp_path / "temporal").mkdir()
    (tmp_path / "temporal" / "server.yaml").write_text("namespace: another\n")
    command = [sys.executable, "-c", READ, str(installed)]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "HydraVerdict" in done.stdout


def test_data_files_are_installed(installed: Path) -> None:
    for path in (
        *(
            "temporal/server.yaml",
            "hydranet/policy/constitution.yaml",
            "hydranet/report/page.html",
            "hydra_cli/war_room/war_room.tcss",
        ),
        *("prometheus/alerts.yml", "grafana/compose.yaml", "grafana/dashboards/war-room.json"),
        "grafana/provisioning/datasources/hydranet.yml",
    ):
        assert (installed / path).read_text() == (ROOT / path).read_text()
    assert list(installed.glob("activities/**/*.sql"))
