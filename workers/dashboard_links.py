"""The dashboards of a Grafana that the stack starts: ours, with links to this stack's Web UI."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from activities.private_file import make_private_folder, write_private

WAR_ROOM = "hydra-war-room"
"""The id of the dashboard of one run."""


def write_dashboards(source: Path, target: Path, web_ui: str, namespace: str) -> Path:
    """Write the dashboards of a folder into another one, the war room with a link to its run in the Web UI.

    The address of the Web UI is without a token: the browser has a cookie once it has been opened by its own.
    """
    make_private_folder(target)
    for file in sorted(source.glob("*.json")):
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        if dashboard.get("uid") == WAR_ROOM:
            pages = f"{web_ui}/namespaces/{quote(namespace, safe='')}/workflows"
            dashboard["links"] = [*dashboard.get("links", ()), _make_link("Temporal Web UI", f"{pages}/${{run}}")]
        write_private(target / file.name, json.dumps(dashboard, indent=1))
    return target


def _make_link(title: str, url: str) -> dict[str, object]:
    return {
        "title": title,
        "type": "link",
        "url": url,
        "icon": "external link",
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": True,
        "tooltip": "",
    }
