"""Where a stack is observed, and the files that a deployment needs for it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel


class Observation(BaseModel):
    """Where a stack is observed: the addresses of Prometheus, Grafana and the way to the records of runs.

    `missing` names the programs that are not installed on this machine, whose addresses await them.
    """

    prometheus: str
    grafana: str
    records: str
    missing: list[str] = []


def locate_deployment(name: str) -> Path:
    """Return the folder of what a deployment needs: `temporal`, `prometheus` or `grafana`."""
    # They lie beside our packages, in a checkout and when installed. They are not looked up as packages:
    # any folder of that name on the module path, such as one in the working directory, would do for that.
    return Path(__file__).parents[1] / name


def locate_request(data_dir: Path) -> Path:
    """Return the file that names the address of metrics, where a running stack is asked for them."""
    return data_dir / "observe" / "metrics-address"
