"""Dashboards and alerts ask for nothing that no worker tells, and are what Grafana reads."""

import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.dashboards import BOARDS, ROOT, list_queries, load_boards

SOURCES = (
    *("activities/metrics.py", "workflows/run_state.py"),
    *(f"workers/{name}.py" for name in ("telemetry", "node_metrics", "fleet_metrics")),
)
TOLD = {name for source in SOURCES for name in re.findall(r'"(hydra_\w+)"', (ROOT / source).read_text())}
RULES = [
    rule for group in yaml.safe_load((ROOT / "prometheus/alerts.yml").read_text())["groups"] for rule in group["rules"]
]


def test_every_metric_that_is_shown_is_told_and_every_one_that_is_told_is_shown() -> None:
    queries = [query.text for query in list_queries() if query.source == "prometheus"]
    names = {name for query in queries for name in re.findall(r"hydra_\w+", query)}
    assert {re.sub(r"_(total|bucket|count)$", "", name) for name in names} - {"hydra_gpu_memory", "hydra_host"} >= TOLD
    asked = names | {name for rule in RULES for name in re.findall(r"hydra_\w+", rule["expr"])}
    assert all(name in TOLD or re.sub(r"_(total|bucket|count)$", "", name) in TOLD for name in asked)


def test_every_metric_that_is_told_is_in_the_reference_and_no_other() -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    names = set(re.findall(r"`(hydra_\w+)`", reference))
    assert {name if name in TOLD else name.removesuffix("_total") for name in names} == TOLD


def test_every_alert_is_in_the_reference() -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    assert set(re.findall(r"^\| `(Hydra\w+)` \|", reference, re.MULTILINE)) >= {rule["alert"] for rule in RULES}


def test_every_panel_has_a_source_that_is_provisioned() -> None:
    known = yaml.safe_load((ROOT / "grafana/provisioning/datasources/hydranet.yml").read_text())["datasources"]
    used = {
        target["datasource"]["uid"]
        for board in load_boards().values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }
    assert used == {source["uid"] for source in known}


@pytest.mark.parametrize("name", [board.stem for board in BOARDS])
def test_grafanas_own_model_of_a_dashboard_reads_all_of_it(name: str) -> None:
    board = load_boards()[name]
    read = JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board))
    lost = list(find_lost(board, yaml.safe_load(read)))
    assert lost == []
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def find_lost(before: Any, after: Any, place: str = "") -> list[str]:
    """Name what is in the first document and not, or otherwise, in the second."""
    if isinstance(before, dict) and isinstance(after, dict):
        pairs = [(f"{place}.{key}", value, after.get(key)) for key, value in before.items()]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = [(f"{place}[{n}]", *pair) for n, pair in enumerate(zip(before, after, strict=True))]
    else:
        return [] if before == after or not before else [f"{place}: {before!r} became {after!r}"]
    return [text for place, one, other in pairs for text in find_lost(one, other, place)]
