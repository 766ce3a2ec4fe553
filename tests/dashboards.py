"""The dashboards and alert rules of the project, and the queries in them as Grafana would send them."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
BOARDS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))


@dataclass(frozen=True)
class Query:
    """A query of a panel, in the language of its source (`prometheus` or `postgres`)."""

    board: str
    panel: str
    source: str
    text: str

    def render(self, run: str = "", span: str = "30s") -> str:
        """The query with what Grafana puts in for its variables and macros."""
        literal = "'" + run.replace("'", "''") + "'"
        text = self.text.replace("${run:sqlstring}", literal)
        text = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN now() - interval '6 hours' AND now()", text)
        return text.replace("$__rate_interval", span).replace("$__range", "6h")


def load_boards() -> dict[str, dict[str, Any]]:
    return {board.stem: json.loads(board.read_text()) for board in BOARDS}


def list_queries() -> Iterator[Query]:
    for name, board in load_boards().items():
        for variable in board["templating"]["list"]:
            yield Query(name, f"variable {variable['name']}", variable["datasource"]["type"], variable["query"])
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                text = target.get("expr") or target["rawSql"]
                yield Query(name, panel["title"], target["datasource"]["type"], text)


def require_prometheus(program: str = "prometheus") -> str:
    """The path of one of Prometheus's programs; without it the test is skipped, unless Prometheus is required."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("HYDRA_REQUIRE_PROMETHEUS"):
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    return found
