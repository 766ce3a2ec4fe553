"""`hydra up --observe` on runs with a reap and a parked model: every query of every panel is answered."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
import yaml

from activities.artifacts.observer import OBSERVER
from tests.dashboards import ROOT, list_queries, require_prometheus
from tests.e2e.conftest import SEEDED, SMALL, Hydra, following, repository, stack
from tests.e2e.test_endpoint import Server
from tests.nvml import build_nvml

# What this test's model server does not tell: Ollama does.
UNTOLD = {"Models that are loaded", "Memory of loaded models"}
# It shows what it was given, and stays.
GRAFANA = """#!/bin/sh
env >"$(dirname "$0")/environment"
echo "$@" >"$(dirname "$0")/arguments"
exec sleep 1000
"""


# A stack is started, and two runs work on it.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hydra]:
    """A stack that has been up for a while when somebody begins to observe it."""
    require_prometheus()
    folder = tmp_path_factory.mktemp("observed")
    with stack(folder / "data") as hydra:
        (folder / "bin").mkdir()
        (folder / "bin" / "grafana").write_text(GRAFANA)
        (folder / "bin" / "grafana").chmod(0o755)
        hydra.env["PATH"] = f"{folder / 'bin'}:{hydra.environment()['PATH']}"
        hydra.env["LD_LIBRARY_PATH"] = str(build_nvml(folder))
        hydra.env["HYDRA_TEMPLATES_FIRST"] = "false"
        hydra.env["HYDRA_BUDGET__TOKENS"] = "40000"
        assert hydra("up").returncode == 0
        up = hydra("up", "--observe")
        assert up.returncode == 0, up.stderr
        assert "Prometheus http://127.0.0.1:" in up.stdout
        wait_until(lambda: answers(hydra))
        yield hydra


def read_observation(hydra: Hydra) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((hydra.data / "stack.json").read_text())["observation"]
    return found


def answers(hydra: Hydra) -> bool:
    try:
        return bool(fetch(hydra, "status/runtimeinfo"))
    except urllib.error.URLError:
        return False


def fetch(hydra: Hydra, path: str) -> Any:
    """What Prometheus answers."""
    with urllib.request.urlopen(f"{read_observation(hydra)['prometheus']}/api/v1/{path}") as answer:
        document = json.load(answer)
    assert document["status"] == "success", document
    return document["data"]


def ask(hydra: Hydra, query: str, **parameters: Any) -> list[Any]:
    kind = "query_range" if parameters else "query"
    result: list[Any] = fetch(hydra, f"{kind}?{urlencode({'query': query, **parameters})}")["result"]
    return result


def wait_until(condition: Callable[[], Any], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def connect(hydra: Hydra, **changes: Any) -> psycopg.Connection[Any]:
    host, _, port = read_observation(hydra)["records"].partition(":")
    password = (hydra.data / "keys" / "observer-password").read_text()
    known = {"host": host, "port": port, "user": OBSERVER, "password": password, "dbname": "postgres"}
    return psycopg.connect(**{**known, **changes}, autocommit=True)


def spiral(hydra: Hydra, results: Path) -> str:
    """A run of which a branch is reaped at its third attempt, and the next strategy wins."""
    suite = SEEDED.parent / "spiral"
    model = f"scripted:{suite / 'model.jsonl'}"
    done = hydra("bench", "--suite", suite, "--model", model, "--json", results)
    assert done.returncode == 0, done.stderr
    (instance,) = json.loads(results.read_text())["instances"]
    assert instance["verdict"] == "fixed"
    return str(instance["run"])


def test_every_query_of_every_panel_is_answered(observed: Hydra, tmp_path: Path) -> None:
    began = time.time()
    wait_until(lambda: len(ask(observed, 'up{job="hydranet"} == 1')) == 3)
    server = Server()
    server.breaking = 1
    code = repository(tmp_path / "bounds", SMALL)
    parked = observed.start("fix", "--repo", code, "--issue", "f(1) is false", "--model", server.model)
    following(parked, "b01 started")
    assert server.broken.wait(60)
    server.stop()
    wait_until(lambda: ask(observed, 'hydra_open_runs{phase="parked"} == 1'))
    with connect(observed) as connection:
        # An open run is there with what it does.
        wait_until(lambda: connection.execute("SELECT FROM observed_runs WHERE verdict IS NULL").fetchone() is not None)
    server.start()
    said, _ = parked.communicate(timeout=120)
    server.stop()
    assert parked.returncode == 0, said
    run = spiral(observed, tmp_path / "results.json")
    wait_until(lambda: ask(observed, "sum(increase(hydra_reaps_total[10m])) > 0"))
    wait_until(lambda: ask(observed, 'sum(hydra_runs_total{verdict="fixed"}) == 2'))

    ended = time.time()
    empty = []
    with connect(observed) as connection:
        for query in list_queries():
            text = query.render(run)
            if query.source == "postgres":
                told = [value for row in connection.execute(text.encode()).fetchall() for value in row]
            else:
                series = ask(observed, text, start=began, end=ended, step="5s")
                told = [value for one in series for _, value in one["values"] if value != "NaN"]
            if all(value is None for value in told) and query.panel not in UNTOLD:
                empty.append(query)
        assert empty == []
        scores = connection.execute(
            "SELECT max(convergence - threshold) FROM observed_attempts WHERE run_id = %s", (run,)
        ).fetchone()
        steps = [step for (step,) in connection.execute("SELECT step FROM observed_steps ORDER BY at")]
    assert scores is not None
    assert scores[0] > 0
    assert any(step.startswith("reaped: ") for step in steps)
    assert any(step.startswith("fixed: ") for step in steps)
    names = {entry["metric"]["name"] for entry in ask(observed, "max by (name) (hydra_gpu_memory_used_bytes)")}
    assert names == {"Large GPU", "Small GPU"}
    rules = fetch(observed, "rules")["groups"]
    problems = [rule["lastError"] for group in rules for rule in group["rules"] if rule.get("lastError")]
    assert rules
    assert problems == []


def test_grafana_is_started_with_its_sources_and_dashboards(observed: Hydra) -> None:
    folder = observed.data.parent / "bin"
    wait_until((folder / "arguments").exists)
    assert (folder / "arguments").read_text().startswith("server --homepath ")
    lines = (folder / "environment").read_text().splitlines()
    variables = dict(line.partition("=")[::2] for line in lines)
    observation = read_observation(observed)
    assert variables["HYDRA_PROMETHEUS"] == observation["prometheus"]
    assert variables["HYDRA_RECORDS"] == observation["records"]
    assert variables["HYDRA_RECORDS_PASSWORD"] == (observed.data / "keys" / "observer-password").read_text()
    assert variables["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert (Path(variables["HYDRA_DASHBOARDS"]) / "war-room.json").is_file()
    assert (Path(variables["GF_PATHS_PROVISIONING"]) / "datasources").is_dir()
    assert "HYDRA_DATA_DIR" not in variables


def test_the_pages_of_a_run_are_printed_and_link_to_each_other(observed: Hydra) -> None:
    run = observed("runs").stdout.splitlines()[1].split()[0]
    done = observed("dashboard", run)
    assert done.returncode == 0, done.stderr
    pages = dict(line.split(maxsplit=1) for line in done.stdout.replace("War room", "War-room").splitlines()[:3])
    assert pages["War-room"] == f"{read_observation(observed)['grafana']}/d/hydra-war-room?var-run={run}"
    web_ui, _, token = pages["Web"].removeprefix("UI").strip().partition("?token=")
    report = Path(pages["Report"].removeprefix("file://"))
    assert (report.stat().st_mode & 0o777, report.name) == (0o600, f"{run}.html")
    page = report.read_text()
    assert f'<a href="{web_ui}">Web UI</a>' in page
    assert "War room</a>" in page
    assert token
    assert token not in page
    war_room = json.loads((observed.data / "observe" / "dashboards" / "war-room.json").read_text())
    assert web_ui.replace(run, "${run}") in [link["url"] for link in war_room["links"]]
    assert "no run 'nosuch'" in observed("dashboard", "nosuch").stderr


class Health(http.server.BaseHTTPRequestHandler):
    """What Grafana answers of itself."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
        self.wfile.write(b'{"database": "ok"}')


@pytest.mark.skipif(bool(shutil.which("grafana") or shutil.which("grafana-server")), reason="Grafana is installed here")
def test_a_grafana_in_a_container_is_found(tmp_path: Path) -> None:
    with stack(tmp_path / "data") as hydra:
        told = hydra("dashboard")
        assert (told.returncode, "In containers: docker compose " in told.stdout) == (0, True), told.stderr
        assert "War room" not in told.stdout
        port = int(read_observation(hydra)["grafana"].rpartition(":")[2])
        with http.server.HTTPServer(("127.0.0.1", port), Health) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            told = hydra("dashboard")
            server.shutdown()
        assert f"War room   http://127.0.0.1:{port}/d/hydra-war-room\n" in told.stdout
        assert "grafana-password" in told.stdout
        assert "Grafana is not installed" not in told.stdout


def test_the_compose_file_fits_what_the_stack_writes_for_it(observed: Hydra) -> None:
    if (command := shutil.which("docker-compose")) is None:
        pytest.skip("docker-compose is not installed here")
    files = ("--env-file", observed.data / "observe" / "compose.env", "--file", ROOT / "grafana" / "compose.yaml")
    done = subprocess.run([command, *files, "config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    grafana = yaml.safe_load(done.stdout)["services"]["grafana"]
    assert grafana["environment"]["HYDRA_RECORDS"] == read_observation(observed)["records"]
    # Neither warns of a variable that is not set.
    assert "variable is not set" not in done.stderr


def test_who_observes_reads_the_views_of_runs_and_nothing_else(observed: Hydra) -> None:
    with connect(observed) as connection:
        for statement in (
            "SELECT FROM runs",
            "SELECT FROM run_states",
            "SELECT FROM artifacts",
            "SELECT FROM sandbox_variables",
            "SELECT read_artifact('')",
            "CREATE TABLE mine ()",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(statement)
    with pytest.raises(psycopg.OperationalError, match=f"Only {OBSERVER} may come by this port"):
        connect(observed, user="postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(observed, password="wrong")


def test_all_ends_with_the_stack(observed: Hydra) -> None:
    processes = [process for process in observed.processes() if process.info["name"] == "prometheus"]
    assert processes
    assert observed("down").returncode == 0
    assert [process for process in processes if process.is_running()] == []
