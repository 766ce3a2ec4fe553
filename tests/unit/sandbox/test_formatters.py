"""Which formatters a repository has, and what of their work is taken."""

from pathlib import Path

import pytest

from activities.sandbox.formatters import list_formatters
from activities.sandbox.formatting import is_same_program, keep_own_lines


def formatters(tmp_path: Path, files: dict[str, str], folder: str = "") -> tuple[str, ...]:
    environment = tmp_path / "env"
    scripts = tmp_path / "generated" / folder / "node_modules" / ".bin"
    for path in (environment / "bin" / "black", environment / "bin" / "ruff", scripts / "prettier"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return list_formatters(files.keys(), files.get, environment, folder)


CONFIGURED = [
    ({"pyproject.toml": "[tool.black]\n"}, ("black",)),
    ({"pyproject.toml": "[tool.ruff.lint]\n[tool.black]\n"}, ("black", "ruff")),
    ({".ruff.toml": ""}, ("ruff",)),
    ({".prettierrc": ""}, ("prettier",)),
    ({"package.json": '{"devDependencies": {"prettier": "3"}}'}, ("prettier",)),
    ({"package.json": '{"prettier": {}}', "ruff.toml": ""}, ("ruff", "prettier")),
    ({"pyproject.toml": "[tool.pytest]\n", "package.json": "{}"}, ()),
    ({"docs/ruff.toml": "", "docs/.prettierrc": ""}, ()),
    ({"pyproject.toml": "[tool", "package.json": "[" * 100_000}, ()),
    ({"pyproject.toml": "tool = 1", "package.json": '["prettier"]'}, ()),
]


@pytest.mark.parametrize(("files", "expected"), CONFIGURED)
def test_what_is_configured_and_installed_is_listed(
    files: dict[str, str], expected: tuple[str, ...], tmp_path: Path
) -> None:
    assert formatters(tmp_path, files) == expected
    assert list_formatters(files.keys(), files.get, tmp_path / "none" / "env", "") == ()


def test_a_project_in_a_folder_has_its_own_and_that_of_the_top(tmp_path: Path) -> None:
    files = {"web/package.json": '{"prettier": {}}', "pyproject.toml": "[tool.black]"}
    assert formatters(tmp_path, files, "web") == ("black", "prettier")


OLD = "a=1\nb=2\nc=3\nd=4\n"
NEW = "a=1\nb=20\nc=3\nd=4\n"


@pytest.mark.parametrize(
    ("formatted", "kept"),
    [
        ("a = 1\nb = 20\nc = 3\nd=4\n", "a = 1\nb = 20\nc = 3\nd=4\n"),
        ("a=1\nb = 20\nc=3\nd = 4\n", "a=1\nb = 20\nc=3\nd=4\n"),
        ("a = 1\nb=20\nc=3\nd=4\n", NEW),
        ("a=1\n\nb=20\nc=3\nd=4\n", "a=1\n\nb=20\nc=3\nd=4\n"),
        (NEW, NEW),
    ],
)
def test_only_lines_of_the_fix_and_few_beside_them_change(formatted: str, kept: str) -> None:
    assert keep_own_lines(OLD, NEW, formatted) == kept


def test_a_hunk_of_many_other_lines_is_left_out() -> None:
    old, new = "a=1\n" * 9, "a=1\n" * 4 + "b=2\n" + "a=1\n" * 4
    assert keep_own_lines(old, new, new.replace("=", " = ")) == new


@pytest.mark.parametrize(
    ("path", "old", "new", "same"),
    [
        ("a.py", "x = f( 'a' )", 'x = f("a")', True),
        ("a.py", "x = 1", "x = 2", False),
        ("a.py", "x = 1", "x = ", False),
        ("a.py", "\0", "\0", False),
        ("a.ts", "let x = 'a'", 'let x = "a";', True),
        ("a.ts", "let x = 1", "let x = (", False),
        ("a.unknown", "x", "x", False),
    ],
)
def test_a_program_stays_the_same(path: str, old: str, new: str, same: bool) -> None:
    assert is_same_program(path, old, new) is same
