"""Who may import whom, so that any behaviour is found where its name says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {"hydranet", "workflows", "activities", "workers"}
HEAVY = {
    "docker",
    "git",
    "httpx",
    "ollama",
    "psycopg",
    "psycopg_pool",
    "temporalio",
    "tree_sitter",
    "typer",
    "subprocess",
    "socket",
    "asyncio",
}
WIRING = {"cli", "settings"}
DOMAIN = sorted(
    path.relative_to(ROOT) for path in (ROOT / "hydranet").rglob("*.py") if not WIRING & {*path.parts, path.stem}
)


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def roots(module: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(module)}


@pytest.mark.parametrize("path", DOMAIN, ids=str)
def test_the_domain_is_pure(path: Path) -> None:
    module = ROOT / path
    assert roots(module) & (OURS - {"hydranet"} | HEAVY) == set()
    assert not any(name.split(".")[1] in WIRING for name in imports(module) if name.startswith("hydranet."))


@pytest.mark.parametrize("module", modules("activities"), ids=str)
def test_activities_know_no_workflow_and_no_worker(module: Path) -> None:
    assert roots(module) & {"workflows", "workers"} == set()


@pytest.mark.parametrize("module", modules("workflows"), ids=str)
def test_workflows_know_the_domain_and_activity_classes_only(module: Path) -> None:
    assert roots(module) & (HEAVY - {"temporalio", "asyncio"} | {"workers"}) == set()
    used = {name for name in imports(module) if name.startswith("activities")}
    assert all(name.endswith((".activities", ".records")) for name in used)


@pytest.mark.parametrize("module", modules("hydranet"), ids=str)
def test_only_the_command_line_wires_things_together(module: Path) -> None:
    if "cli" not in module.parts:
        assert roots(module) & (OURS - {"hydranet"}) == set()


@pytest.mark.parametrize(
    "module", [m for folder in sorted(OURS) for m in modules(folder)], ids=lambda m: str(m.relative_to(ROOT))
)
def test_modules_stay_small(module: Path) -> None:
    limit = 300 if module.parts[-2] == "workflows" else 400
    assert len(module.read_text().splitlines()) <= limit
