"""Which test commands a repository's files speak of."""

import pytest

from activities.sandbox.command_offers import list_test_commands


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({}, []),
        ({"tox.ini": "[tox]"}, ["tox"]),
        ({"setup.cfg": "[tox:tox]\n"}, ["tox"]),
        ({"setup.cfg": "[metadata]\n"}, []),
        ({"pyproject.toml": "[tool.tox]\n"}, ["tox"]),
        ({"noxfile.py": ""}, ["nox"]),
        ({"manage.py": ""}, ["python manage.py test"]),
        ({"Makefile": "all:\n\ttrue\ntest: all\n\ttrue\n"}, ["make test"]),
        ({"GNUmakefile": "tests:\n\ttrue\n"}, ["make tests"]),
        ({"Makefile": "test := 1\nlatest:\n\ttrue\n"}, []),
        ({"justfile": "check:\n  true\n"}, ["just check"]),
        ({"pyproject.toml": "[tool.hatch.envs.default]\n"}, ["hatch test"]),
        ({"pyproject.toml": "[tool.pdm.scripts]\ntest = 'pytest'\n"}, ["pdm run test"]),
        ({"pyproject.toml": "[tool.poe.tasks]\ntest = 'pytest'\n"}, ["poe test"]),
        ({"pyproject.toml": "[tool.poetry]\n", "uv.lock": ""}, ["uv run pytest", "poetry run pytest"]),
        ({"package.json": '{"scripts": {"test": "jest"}}'}, ["npm test"]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""}, ["pnpm test"]),
        ({"package.json": '{"scripts": {"test": "jest"}}', "yarn.lock": ""}, ["yarn test"]),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": '{"scripts": []}'}, []),
        ({"package.json": "[" * 100_000, "pyproject.toml": "tool = 1\n[", "Makefile": "\0"}, []),
        ({"pyproject.toml": "tool = 3\n"}, []),
    ],
)
def test_the_commands_of_common_tools_are_listed(files: dict[str, str], commands: list[str]) -> None:
    assert list_test_commands(files, files.get) == commands


def test_a_file_that_cannot_be_read_offers_what_its_name_says() -> None:
    assert list_test_commands({"tox.ini", "package.json"}, lambda _: None) == ["tox"]
