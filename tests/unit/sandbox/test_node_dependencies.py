"""What is installed for tests that Node runs, by the files of a repository."""

import json

import pytest

from activities.sandbox.node_dependencies import calls_node, is_shared, list_install_commands

NEEDS = json.dumps({"devDependencies": {"vitest": "^2.0.0"}})


@pytest.mark.parametrize(
    "command",
    [
        "npm test",
        "npx vitest run",
        "node --test",
        "cd web && pnpm test",
        "CI=1 yarn test",
        "./node_modules/.bin/jest",
        "jest",
    ],
)
def test_a_command_that_calls_node_is_recognised(command: str) -> None:
    assert calls_node(command)


@pytest.mark.parametrize(
    "command", ["pytest", "python -m pytest tests/node", "make test", "pytest -k npm_registry", ""]
)
def test_other_commands_are_not(command: str) -> None:
    assert not calls_node(command)


@pytest.mark.parametrize(
    ("declared", "commands"),
    [
        ({"package.json": NEEDS, "package-lock.json": "{}"}, ["npm ci --no-audit --no-fund"]),
        ({"package.json": NEEDS, "npm-shrinkwrap.json": "{}"}, ["npm ci --no-audit --no-fund"]),
        ({"package.json": NEEDS}, ["npm install --no-audit --no-fund"]),
        ({"package.json": "{}"}, []),
        ({"package.json": "no JSON"}, []),
        ({}, []),
        (
            {"package.json": NEEDS, "pnpm-lock.yaml": "lockfileVersion: '6.0'\n"},
            ["npm install --global --prefix /env --no-audit --no-fund pnpm@8", "pnpm install --frozen-lockfile"],
        ),
        (
            {"package.json": '{"packageManager": "pnpm@9.1.2+sha512.0"}', "pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
            ["npm install --global --prefix /env --no-audit --no-fund pnpm@9.1.2", "pnpm install --frozen-lockfile"],
        ),
        (
            {"package.json": NEEDS, "yarn.lock": "# yarn lockfile v1\n"},
            [
                "npm install --global --prefix /env --no-audit --no-fund yarn@1",
                "yarn install --frozen-lockfile --non-interactive",
            ],
        ),
        (
            {"package.json": '{"packageManager": "yarn@4.5.0"}', "yarn.lock": "__metadata:\n  version: 8\n"},
            [
                "npm install --global --prefix /env --no-audit --no-fund @yarnpkg/cli-dist@4.5.0",
                "yarn install --immutable",
            ],
        ),
    ],
)
def test_the_lock_file_decides(declared: dict[str, str], commands: list[str]) -> None:
    assert list_install_commands(declared) == commands


@pytest.mark.parametrize(
    ("package", "others", "shared"),
    [
        ({"devDependencies": {"vitest": "2.1.9"}, "scripts": {"test": "vitest"}}, {}, True),
        ({"dependencies": {"a": "npm:b@^1"}}, {".npmrc": "engine-strict=true"}, True),
        ({"scripts": {"postinstall": "node setup.js"}}, {}, False),
        ({"workspaces": ["packages/*"]}, {}, False),
        ({"dependencies": {"a": "file:../a"}}, {}, False),
        ({"dependencies": {"a": "workspace:*"}}, {}, False),
        ({"overrides": {"a": {"b": "./vendor/b"}}}, {}, False),
        ({}, {"pnpm-workspace.yaml": "packages: [a]"}, False),
    ],
)
def test_only_what_no_other_file_decides_serves_other_commits(
    package: dict[str, object], others: dict[str, str], shared: bool
) -> None:
    assert is_shared({"package.json": json.dumps(package), **others}) is shared
