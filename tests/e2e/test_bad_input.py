"""Bad input: one sentence, exit code 2, nothing changed."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import Hydra, git, repository

PASSING = {"test_a.py": "def test_it():\n    assert True\n"}
FAILING = {"test_a.py": "def test_it():\n    assert False\n"}


def refused(hydra: Hydra, sentence: str, *arguments: str | Path) -> None:
    done = hydra(*arguments)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1


def test_not_a_folder(hydra: Hydra, tmp_path: Path) -> None:
    refused(hydra, "is not a folder", "fix", "--repo", tmp_path / "nowhere", "--issue", "x")


def test_not_a_repository(hydra: Hydra, tmp_path: Path) -> None:
    refused(hydra, "is not in a Git repository", "fix", "--repo", tmp_path, "--issue", "x")


def test_no_commits(hydra: Hydra, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    refused(hydra, "has no commit", "fix", "--repo", tmp_path, "--issue", "x")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "one of --issue TEXT, --issue-file FILE and --issue-url URL"),
        (("--issue", "x", "--issue-file", "y"), "one of --issue TEXT, --issue-file FILE and --issue-url URL"),
        (("--issue", "  "), "The issue is empty"),
        (("--issue-file", "nowhere.txt"), "cannot be read"),
        (("--issue", "x", "--model", "gpt"), "'gpt' is not a model"),
        (("--issue", "x", "--model", "scripted:nowhere.jsonl"), "nowhere.jsonl"),
        (("--issue", "x", "--model", "openai:http://0.0.0.0:9/v1#m"), "add it to 'models.endpoints'"),
        (("--issue", "x", "--budget-branches", "0"), "'budget.branches' is wrong"),
    ],
)
def test_wrong_arguments(hydra: Hydra, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    root = repository(tmp_path / "r", FAILING)
    refused(hydra, sentence, "fix", "--repo", root, *arguments)


def test_a_model_endpoint_that_does_not_answer(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FAILING)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"openai:http://127.0.0.1:{taken.getsockname()[1]}/v1#m"
        refused(hydra, "127.0.0.1", "fix", "--repo", root, "--issue", "x", "--model", url)


def test_an_unknown_test_command(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FAILING)
    arguments = ("fix", "--repo", root, "--issue", "x", "--test", "nosuchtool", "--model", "templates")
    refused(hydra, "was not found in the sandbox", *arguments)


def test_no_failing_test(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", PASSING)
    refused(hydra, "No test fails at HEAD", "fix", "--repo", root, "--issue", "x", "--model", "templates")
    assert git(root, "for-each-ref", "refs/hydra", "refs/heads/hydra") == ""


def test_a_repository_above_the_limit(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FAILING)
    (root / "noise").write_bytes(bytes((n * n // 7 + n * 31) % 256 for n in range(3_000_000)))
    import random

    (root / "noise").write_bytes(random.Random(1).randbytes(3_000_000))
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "noise")
    hydra.env["HYDRA_REPOSITORY_LIMIT_MB"] = "1"
    try:
        refused(hydra, "above the limit of 1 MB", "fix", "--repo", root, "--issue", "x", "--model", "templates")
    finally:
        del hydra.env["HYDRA_REPOSITORY_LIMIT_MB"]


def test_a_settings_file_with_a_wrong_key(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {**FAILING, "hydra.config.json": '{"sandbocks": {}}'})
    refused(hydra, "'sandbocks'", "fix", "--repo", root, "--issue", "x")


def test_a_set_up_that_fails(hydra: Hydra, tmp_path: Path) -> None:
    config = '{"sandbox": {"setup": ["echo no such thing >&2; exit 3"]}}'
    root = repository(tmp_path / "r", {**FAILING, "hydra.config.json": config})
    done = hydra("fix", "--repo", root, "--issue", "x", "--model", "templates")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no such thing" in done.stderr
    assert "sandbox.setup" in done.stderr


def test_an_unknown_run(hydra: Hydra) -> None:
    refused(hydra, "There is no run 'nothing-of-that-name'", "show", "nothing-of-that-name")
    refused(hydra, "There is no run", "abort", "nothing-of-that-name")


def test_a_taken_port(own_hydra: Hydra) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        own_hydra.env["HYDRA_TEMPORAL__UI_PORT"] = str(taken.getsockname()[1])
        refused(own_hydra, "is taken", "runs")


def test_an_unwritable_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused(Hydra(tmp_path / "file" / "data"), "cannot be written", "runs")


def test_a_suite_that_is_none(hydra: Hydra, tmp_path: Path) -> None:
    refused(hydra, "suite.json", "bench", "--suite", tmp_path)


@pytest.mark.parametrize("flags", [(), ("--retrieval",)])
def test_a_suite_without_its_package(hydra: Hydra, tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "suite.json").write_text('{"name": "s", "instances": ["a"]}')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "instance.json").write_text('{"id": "a", "issue": "x", "package": "p"}')
    refused(hydra, "packages/p is not a folder", "bench", "--suite", tmp_path, *flags)


def test_repositories_are_registered_and_taken_out_by_commands(tmp_path: Path) -> None:
    hydra, repo = Hydra(tmp_path / "data"), repository(tmp_path / "depot", {"a.py": ""})
    added = hydra("repo", "add", repo)
    assert (added.returncode, added.stdout) == (0, f"Runs may work in {repo}.\n"), added.stderr
    assert hydra("repo", "add", repo).stdout == f"Runs may work in {repo}, as before.\n"
    assert hydra("repo", "list").stdout == f"{repo}\n"
    shutil.rmtree(repo)
    assert hydra("repo", "remove", repo).returncode == 0
    assert hydra("repo", "list").stdout == ""
    again = hydra("repo", "remove", repo)
    assert (again.returncode, again.stderr.count("\n"), "hydra repo list" in again.stderr) == (2, 1, True)
    assert not (tmp_path / "data" / "stack.json").exists(), "no stack is needed for it"
