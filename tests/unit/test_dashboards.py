"""Dashboards and alerts ask for nothing that no worker tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SOURCES = (
    *("activities/metrics.py", "workflows/run_state.py"),
    *(f"workers/{name}.py" for name in ("telemetry", "node_metrics", "fleet_metrics")),
)
TOLD = {name for source in SOURCES for name in re.findall(r'"(hydra_\w+)"', (ROOT / source).read_text())}


def asked() -> Iterator[str]:
    board = json.loads((ROOT / "grafana/dashboards/hydranet.json").read_text())
    targets: list[dict[str, Any]] = [target for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((ROOT / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    yield from (target.get("expr", "") for target in targets)
    yield from (rule["expr"] for rule in rules)


def test_every_metric_that_is_shown_is_told() -> None:
    names = {name for query in asked() for name in re.findall(r"hydra_\w+", query)}
    assert {re.sub(r"_(total|bucket|count)$", "", name) for name in names} <= TOLD


def test_every_metric_that_is_told_is_in_the_reference_and_no_other() -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    names = {name.removesuffix("_total") for name in re.findall(r"`(hydra_\w+)`", reference)}
    assert names == TOLD


def test_every_panel_has_a_source_that_is_provisioned() -> None:
    board = json.loads((ROOT / "grafana/dashboards/hydranet.json").read_text())
    known = yaml.safe_load((ROOT / "grafana/provisioning/datasources/hydranet.yml").read_text())["datasources"]
    used = {target["datasource"]["uid"] for panel in board["panels"] for target in panel["targets"]}
    assert used == {source["uid"] for source in known}
