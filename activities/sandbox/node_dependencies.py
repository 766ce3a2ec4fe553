"""The dependencies of tests that Node runs, installed by the lock file that a repository has."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

DECLARING = (
    r"package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|\.pnpmfile\.cjs"
    r"|yarn\.lock|\.npmrc|\.yarnrc(?:\.yml)?"
)

# What a test command calls when Node runs the tests.
_CALL = re.compile(
    r"(?<![\w./-])(?:node|npm|npx|pnpm|yarn|tsx|vitest|jest|mocha|(?:\S*/)?node_modules/\.bin/\w+)(?![\w-])"
)
_PINNED = re.compile(r"(npm|pnpm|yarn)@(\d[\w.-]*)")
_PNPM_LOCK = re.compile(r"^lockfileVersion:\s*'?(\d+)", re.MULTILINE)
# The newest release that writes a lock file of a version.
_PNPM_RELEASES = {"5": "7", "6": "8"}
_NEWEST_PNPM = "10"
_NEWEST_YARN = "4"
# npm runs these scripts of the project itself, which may read any file.
_LIFECYCLE = {"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"}
_TABLES = ("dependencies", "devDependencies", "optionalDependencies")
_LOCAL = re.compile(r"(?:file|link|portal|workspace|patch):|\.{0,2}/")


def calls_node(command: str) -> bool:
    """Return whether a test command has Node run tests."""
    return _CALL.search(command) is not None


def list_install_commands(declared: Mapping[str, str]) -> list[str]:
    """Return the shell lines that install what `declared`, files by path, lock or else name."""
    package = _parse(declared.get("package.json"))
    pinned = _PINNED.match(str(package.get("packageManager", "")))
    version = pinned[2] if pinned else ""
    if "pnpm-lock.yaml" in declared:
        lock = _PNPM_LOCK.search(declared["pnpm-lock.yaml"])
        release = version or _PNPM_RELEASES.get(lock[1] if lock else "", _NEWEST_PNPM)
        return [_install_tool(f"pnpm@{release}"), "pnpm install --frozen-lockfile"]
    if "yarn.lock" in declared:
        if "__metadata:" not in declared["yarn.lock"]:
            return [_install_tool(f"yarn@{version or 1}"), "yarn install --frozen-lockfile --non-interactive"]
        return [_install_tool(f"@yarnpkg/cli-dist@{version or _NEWEST_YARN}"), "yarn install --immutable"]
    if "package-lock.json" in declared or "npm-shrinkwrap.json" in declared:
        return ["npm ci --no-audit --no-fund"]
    return ["npm install --no-audit --no-fund"] if any(package.get(name) for name in _TABLES) else []


def is_shared(declared: Mapping[str, str]) -> bool:
    """Return whether only the declaring files decide what is installed: no workspace, no script, nothing local."""
    package = _parse(declared.get("package.json"))
    if "workspaces" in package or {"pnpm-workspace.yaml", ".pnpmfile.cjs"} & declared.keys():
        return False
    if _LIFECYCLE & _table(package.get("scripts")).keys() or re.search(
        r"\byarnPath\b", declared.get(".yarnrc.yml", "")
    ):
        return False
    names = (*_TABLES, "overrides", "resolutions", "pnpm", "patchedDependencies")
    texts = json.dumps([package.get(name) for name in names])
    return not any(_LOCAL.match(text) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', texts))


def _install_tool(name: str) -> str:
    return f"npm install --global --prefix /env --no-audit --no-fund {shlex.quote(name)}"


def _parse(text: str | None) -> dict[str, Any]:
    try:
        return _table(json.loads(text or ""))
    except (ValueError, RecursionError):
        return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
