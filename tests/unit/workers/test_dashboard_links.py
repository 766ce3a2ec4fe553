"""The war room of a stack's Grafana links to the run in that stack's Web UI."""

import json
from pathlib import Path

from workers.dashboard_links import WAR_ROOM, write_dashboards

SOURCE = Path(__file__).parents[3] / "grafana" / "dashboards"


def test_the_war_room_links_to_the_run_and_the_rest_stays(tmp_path: Path) -> None:
    target = write_dashboards(SOURCE, tmp_path / "observe" / "dashboards", "http://127.0.0.1:8233", "a b")
    for file in SOURCE.glob("*.json"):
        ours, theirs = json.loads(file.read_text()), json.loads((target / file.name).read_text())
        if theirs["uid"] == WAR_ROOM:
            assert theirs["links"].pop()["url"] == "http://127.0.0.1:8233/namespaces/a%20b/workflows/${run}"
        assert theirs == ours
        assert (target / file.name).stat().st_mode & 0o077 == 0
