"""Suites of bugs: full copies or packages with patches, and what is wrong with a suite."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hydra_cli.bench.suite import BugInstance, build_tree, check_out, read_suite
from hydranet.errors import UsageError

OWN = Path(__file__).parents[3] / "benchmarks"
CLEAN = "def add(a, b):\n    return a + b\n"
BUGGY = "def add(a, b):\n    return a - b\n"
PATCH = "--- a/adding.py\n+++ b/adding.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a + b\n+    return a - b\n"


def write_suite(folder: Path, files: dict[str, str], **described: Any) -> Path:
    """A suite with one instance, `a`, and these files."""
    instance = json.dumps({"id": "a", "issue": "It breaks.", **described})
    files = {"suite.json": '{"name": "s", "instances": ["a"]}', "a/instance.json": instance, **files}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def read_one(suite: Path) -> BugInstance:
    return read_suite(suite, [])[1]["a"]


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_both_forms_give_the_same_tree(tmp_path: Path) -> None:
    copied = write_suite(tmp_path / "copied", {"a/repo/adding.py": BUGGY, "a/repo/doc/x.txt": "x"})
    files = {"packages/p/adding.py": CLEAN, "packages/p/doc/x.txt": "x", "a/bug.patch": PATCH}
    packed = write_suite(tmp_path / "packed", files, package="p")
    first = build_tree(read_one(copied), tmp_path / "first")
    second = build_tree(read_one(packed), tmp_path / "second")
    assert tree(first) == tree(second) == {"adding.py": BUGGY, "doc/x.txt": "x"}
    assert (packed / "packages/p/adding.py").read_text() == CLEAN


def test_a_package_may_have_the_bug_in_it(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "s", {"packages/p/adding.py": BUGGY}, package="p")
    assert tree(build_tree(read_one(suite), tmp_path / "tree")) == {"adding.py": BUGGY}


def test_modes_links_and_new_files_are_kept(tmp_path: Path) -> None:
    new = "--- /dev/null\n+++ b/tests/test_add.py\n@@ -0,0 +1 @@\n+import adding\n"
    suite = write_suite(tmp_path / "s", {"packages/p/adding.py": CLEAN, "a/bug.patch": PATCH + new}, package="p")
    (suite / "packages/p/adding.py").chmod(0o755)
    (suite / "packages/p/link").symlink_to("adding.py")
    built = build_tree(read_one(suite), tmp_path / "tree")
    assert (built / "adding.py").stat().st_mode & 0o777 == 0o755
    assert (built / "link").readlink() == Path("adding.py")
    assert (built / "tests/test_add.py").read_text() == "import adding\n"


def test_it_becomes_a_repository_of_one_commit_that_is_the_same_each_time(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "s", {"packages/p/adding.py": CLEAN, "a/bug.patch": PATCH}, package="p")
    repositories = [check_out(read_one(suite), tmp_path / name) for name in ("first", "second")]
    log = [
        subprocess.run(
            ["git", "log", "--format=%H"], cwd=repository.path, capture_output=True, text=True, check=True
        ).stdout
        for repository in repositories
    ]
    assert log[0] == log[1]
    assert len(log[0].split()) == 1
    assert not repositories[0].dirty


@pytest.mark.parametrize(
    ("key", "value"), [("apply.whitespace", "error"), ("core.autocrlf", "true"), ("core.whitespace", "trailing-space")]
)
@pytest.mark.parametrize("header", ["", "diff --git a/adding.py b/adding.py\n"])
def test_no_configuration_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, header: str
) -> None:
    """Neither the user's nor that of a repository around, in which git skips a patch with a header without a word."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "config", key, value], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "--file", tmp_path / "user", key, value], check=True)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "user"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    patch = header + PATCH.replace("return a - b", "return a - b  ")
    suite = write_suite(tmp_path / "s", {"packages/p/adding.py": CLEAN, "a/bug.patch": patch}, package="p")
    built = build_tree(read_one(suite), tmp_path / "tree")
    assert (built / "adding.py").read_bytes() == BUGGY.replace("b\n", "b  \n").encode()


@pytest.mark.parametrize(
    "target", ["../../evil.py", "../evil.py", "/tmp/evil.py", ".git/config", "doc/../../evil.py", "link/evil.py"]
)
def test_a_patch_stays_in_the_tree(tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    patch = f"--- /dev/null\n+++ b/{target}\n@@ -0,0 +1 @@\n+evil\n"
    suite = write_suite(tmp_path / "s", {"packages/p/adding.py": CLEAN, "a/bug.patch": patch}, package="p")
    (suite / "packages/p/link").symlink_to(outside)
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="does not apply"):
        read_one(suite)
    assert tree(tmp_path) == before


def test_a_repository_in_a_suite_is_a_plain_tree(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "s", {"a/repo/adding.py": BUGGY})
    subprocess.run(["git", "init", "-q", suite / "a/repo"], check=True)
    assert tree(build_tree(read_one(suite), tmp_path / "tree")) == {"adding.py": BUGGY}


@pytest.mark.parametrize(
    ("files", "described", "sentence"),
    [
        ({}, {}, "a/repo is not a folder"),
        ({"a/repo": "a file"}, {}, "a/repo is not a folder"),
        ({}, {"package": "p"}, "packages/p is not a folder"),
        ({"packages/p/x": "", "a/repo/x": ""}, {"package": "p"}, "keep one of them"),
        ({"packages/p/x": ""}, {"package": "../p"}, "'../p' is not the plain name of a folder"),
        ({"packages/p/x": ""}, {"package": "/p"}, "'/p' is not the plain name of a folder"),
        ({"packages/p/x": ""}, {"package": ""}, "'' is not the plain name of a folder"),
        ({"packages/p/adding.py": BUGGY, "a/bug.patch": PATCH}, {"package": "p"}, r"adding.py:1\): make the patch"),
        ({"packages/p/adding.py": CLEAN, "a/bug.patch": "no patch"}, {"package": "p"}, "No valid patches"),
        ({"packages/p/x": "", "a/bug.patch": PATCH}, {"package": "p"}, "adding.py: No such file"),
        ({"a/repo/x": ""}, {"test_timeout_s": -1}, "instance.json: 'test_timeout' must be more than 0"),
        ({"a/repo/x": ""}, {"setup": "pip"}, "instance.json: 'setup' must be a list"),
        ({"a/repo/x": ""}, {"issue": " "}, "instance.json: 'issue' has characters"),
        ({"a/instance.json": "{"}, {}, "instance.json: "),
        ({"suite.json": "[]"}, {}, "suite.json: "),
        (
            {"suite.json": '{"name": "s", "instances": ["../a"]}'},
            {},
            "'instances.0' is refused: .*'../a' is not the plain name",
        ),
        ({"suite.json": '{"name": "s", "instances": ["b"]}'}, {}, "b/instance.json cannot be read"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    tmp_path: Path, files: dict[str, str], described: dict[str, Any], sentence: str
) -> None:
    suite = write_suite(tmp_path, files, **described)
    with pytest.raises(UsageError, match=sentence) as raised:
        read_suite(suite, [])
    assert len(str(raised.value).splitlines()) == 1


def test_files_that_cannot_be_copied(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "s", {"a/repo/adding.py": BUGGY})
    subprocess.run(["mkfifo", suite / "a/repo/pipe"], check=True)
    with pytest.raises(UsageError, match="pipe cannot be copied"):
        build_tree(read_one(suite), tmp_path / "tree")


@pytest.mark.parametrize("name", ["seeded", "questions", "questions_aside", "hops", "spiral"])
def test_our_own_suites_are_whole(name: str) -> None:
    suite, instances = read_suite(OWN / name, [])
    assert suite.name == name
    assert {path.parent.name for path in (OWN / name).glob("*/instance.json")} == set(instances)
    assert {path.name for path in (OWN / name / "packages").iterdir()} == {
        instance.package for instance in instances.values()
    }
    assert all((instance.files / path).is_file() for instance in instances.values() for path in instance.gold_files)
