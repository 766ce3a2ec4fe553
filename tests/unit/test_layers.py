"""Who may import whom: one chain of packages, no arrow back, no circle."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAIN = ("hydranet", "activities", "workflows", "workers", "hydra_cli", "benchmarks")
OURS = CHAIN[:-1]
# What does I/O, or loads what does.
HEAVY = {
    "asyncio",
    "docker",
    "httpx",
    "psycopg",
    "psycopg_pool",
    "socket",
    "subprocess",
    "temporalio",
    "tree_sitter",
    "typer",
}
# Reads files and the environment, for all packages above.
IMPURE = {"hydranet.settings"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def paths_of(package: str) -> list[Path]:
    # What runs inside a sandbox stands alone, and imports its neighbours by their file names.
    pattern = "*.py" if package == "benchmarks" else "**/*.py"
    return sorted(path for path in (ROOT / package).glob(pattern) if "inside" not in path.parts[:-1])


MODULES = {name_of(path): path for package in CHAIN for path in paths_of(package)}


@cache
def imports(module: str) -> frozenset[str]:
    """Return all that a module imports, modules by their full names; also what only a type checker sees."""
    return frozenset(_imports(ast.parse(MODULES[module].read_text())))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module


def roots(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports(module)}


def members(package: str) -> list[str]:
    return [module for module in MODULES if module.split(".")[0] == package]


@pytest.mark.parametrize("module", MODULES)
def test_no_import_points_back(module: str) -> None:
    later = set(CHAIN[CHAIN.index(module.split(".")[0]) + 1 :])
    assert roots(module) & later == set()


def test_there_is_no_circle() -> None:
    graph = {module: {name for name in imports(module) if name in MODULES} - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports run in a circle: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("module", members("hydranet"))
def test_the_core_is_pure(module: str) -> None:
    if module not in IMPURE:
        assert roots(module) & HEAVY == set()
        assert imports(module) & IMPURE == set()


@pytest.mark.parametrize("module", members("workflows"))
def test_workflows_know_the_core_and_activity_classes_only(module: str) -> None:
    assert roots(module) & (HEAVY - {"temporalio", "asyncio"}) == set()
    activities = {name for name in imports(module) if name.startswith("activities")}
    assert all(name.endswith((".activities", ".records")) for name in activities)


@pytest.mark.parametrize("module", [module for package in OURS for module in members(package)])
def test_modules_stay_small(module: str) -> None:
    limit = 300 if module.startswith("workflows.") else 400
    assert len(MODULES[module].read_text().splitlines()) <= limit


# What an activity package may import: those before it.
ACTIVITIES = (
    *(
        "background",
        "cache_use",
        "private_file",
        "metrics",
        "heartbeat",
        "errors",
        "code",
        "review",
        "artifacts",
        "git",
        "checkpoints",
        "sandbox",
    ),
    *(
        "localisation",
        "repair",
        "inference",
        "forges",
        "retrieval",
        "waits",
        "contests",
        "history",
        "retention",
        "node",
        "notices",
    ),
)


@pytest.mark.parametrize("module", [module for module in members("activities") if "." in module])
def test_activity_packages_stand_in_an_order(module: str) -> None:
    own = ACTIVITIES.index(module.split(".")[1])
    later = {f"activities.{name}" for name in ACTIVITIES[own + 1 :]}
    assert {".".join(name.split(".")[:2]) for name in imports(module)} & later == set()


def test_no_public_class_has_the_name_of_another() -> None:
    homes: dict[str, list[str]] = {}
    for package in OURS:
        for module in members(package):
            for node in ast.walk(ast.parse(MODULES[module].read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(module)
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}
