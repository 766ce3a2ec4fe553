"""`hydra fix` from an issue on a forge to a pull request there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.e2e.conftest import Hydra, following, git, repository
from tests.stand_in_forge import PATH, Reply, StandInForge, serve

CODE = "def join(names):\n    return ', '.join(names[1:])\n"
TEST = "from names import join\n\n\ndef test_join():\n    assert join(['a', 'b']) == 'a, b'\n"
TITLE = "join forgets the first name"


@contextmanager
def project(kind: str, folder: Path, body: str, files: dict[str, str]) -> Iterator[tuple[StandInForge, Path]]:
    """A project with issue 7 on a forge, and a clone of it."""
    bare = folder / "projects" / f"{PATH}.git"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare")
    clone = repository(folder / "clone", files)
    issue = {"title": TITLE, "body": body, "comments": [("ann", "Since 1.2, @bob.")]}
    forge = StandInForge(kind, "s3cret", {7: issue}, projects=folder / "projects")
    forge.commits.add(git(clone, "rev-parse", "HEAD"))
    git(clone, "push", "-q", str(bare), "main")
    with serve(forge):
        git(clone, "remote", "add", "origin", f"{forge.address}/{PATH}.git")
        yield forge, clone


def as_user(hydra: Hydra, forge: StandInForge, folder: Path) -> Hydra:
    """The command of a user whose environment has a token, and whose git knows the login."""
    settings = folder / "gitconfig"
    settings.write_text('[credential]\n\thelper = "!f() { echo username=user; echo password=s3cret; }; f"\n')
    token, server = {
        "gitea": ("GITEA_TOKEN", "GITEA_SERVER_URL"),
        "gitlab": ("GITLAB_TOKEN", "GITLAB_HOST"),
    }[forge.kind]
    return replace(hydra, env={**hydra.env, token: "s3cret", server: forge.address, "GIT_CONFIG_GLOBAL": str(settings)})


def test_an_issue_on_a_forge_becomes_a_pull_request(hydra: Hydra, tmp_path: Path) -> None:
    files = {"names.py": CODE, "test_names.py": TEST}
    with project("gitea", tmp_path, "`join` lacks one", files) as (forge, clone):
        user = as_user(hydra, forge, tmp_path)
        command = user.start(
            "fix", "--repo", clone, "--issue-url", forge.url(7), "--model", "templates", "--pull-request"
        )
        run_id = following(command, "waiting for approval").split()[1]
        assert f"rule pull-request: open_pull_request {forge.server}/{PATH}" in user("show", run_id).stdout
        assert forge.pulls == []
        assert user("approve", run_id).returncode == 0
        printed, _ = command.communicate(timeout=60)
        assert command.returncode == 0, printed
        (pull,) = forge.pulls
        assert f"The pull request: {pull['html_url']}\n" in printed
        assert pull["title"] == TITLE
        assert pull["base"] == "main"
        assert pull["body"].startswith("Fixes #7\n\nHydraNet made this change")
        assert f"Issue: {forge.url(7)}".replace("://", ":\u2060//") in pull["body"]
        bare = tmp_path / "projects" / f"{PATH}.git"
        assert git(bare, "log", "--format=%s", f"main..{pull['head']['ref']}") == TITLE
        again = user("pull-request", run_id, "--repo", clone)
        assert (again.returncode, again.stdout) == (0, f"{pull['html_url']}\n"), again.stderr
        assert len(forge.pulls) == 1


def test_a_pull_request_that_is_refused_is_opened_later_and_tells_of_the_test_of_the_run(
    hydra: Hydra, tmp_path: Path
) -> None:
    body = "```python\n>>> from names import join\n>>> join(['a', 'b'])\n'a, b'\n```"
    files = {"names.py": CODE, "test_other.py": "def test_it():\n    pass\n"}
    with project("gitlab", tmp_path, body, files) as (forge, clone):
        user = as_user(hydra, forge, tmp_path)
        path = f"{forge.root}/merge_requests"
        forge.replies[path] = [Reply(200, []), Reply(403, {"message": "insufficient_scope"})]
        command = user.start(
            "fix", "--repo", clone, "--issue-url", forge.url(7), "--model", "templates", "--pull-request"
        )
        run_id = following(command, "waiting for approval").split()[1]
        assert user("approve", run_id).returncode == 0
        printed, _ = command.communicate(timeout=60)
        assert command.returncode == 2, printed
        assert "The fix is on branch hydra/fix-" in printed
        assert "No pull request was opened. " in printed
        assert "HTTP 403: insufficient_scope" in printed
        assert f"Then run `hydra pull-request {run_id} --repo {clone}`." in printed
        del forge.replies[path]
        later = user("pull-request", run_id, "--repo", clone)
        assert later.returncode == 0, later.stderr
        (pull,) = forge.pulls
        assert later.stdout == f"{pull['web_url']}\n"
        assert "**It passes a test that the run wrote itself**" in pull["description"]
        refused = user("pull-request", run_id, "--repo", repository(tmp_path / "other", {"a.py": ""}))
        assert refused.returncode == 2
        assert "has no remote to open a pull request at" in refused.stderr


def test_what_stands_in_the_way_of_a_pull_request_is_told_before_the_run(hydra: Hydra, tmp_path: Path) -> None:
    files = {"names.py": CODE, "test_names.py": TEST}
    with project("gitea", tmp_path, "`join` lacks one", files) as (forge, clone):
        user = as_user(hydra, forge, tmp_path)
        before = user("runs").stdout
        git(clone, "remote", "set-url", "origin", str(tmp_path / "projects" / f"{PATH}.git"))
        arguments = ("fix", "--repo", clone, "--issue-url", forge.url(7), "--pull-request")
        done = user(*arguments)
        assert done.returncode == 2
        assert "is no project of a forge" in done.stderr
        assert user(*arguments, "--detach").returncode == 2
        assert user("runs").stdout == before
