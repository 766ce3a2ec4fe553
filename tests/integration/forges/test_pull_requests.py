"""Pull requests on servers of each kind: where they go, that there is one, and what is refused before a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.forges.addresses import read_issue_url, read_remote
from activities.forges.pull_requests import Destination, find_destination, open_pull_request, refer_to
from activities.git.user_repository import UserRepository
from hydranet.errors import UsageError
from tests.integration.forges.test_issue_sources import KINDS, VARIABLES
from tests.integration.git.repositories import git, make_repository
from tests.stand_in_forge import PATH, Reply, StandInForge, serve

BRANCH = "hydra/fix-x"


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInForge]:
    with serve(StandInForge(request.param, token="s3cret")) as served:
        token, server = VARIABLES[request.param]
        for name in ("GH_TOKEN", "GH_HOST", "CI_SERVER_URL", "FORGEJO_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(token, "s3cret")
        monkeypatch.setenv(server, served.address)
        yield served


@pytest.fixture
def clone(tmp_path: Path, forge: StandInForge) -> Path:
    """A clone whose commit the forge has."""
    repository = make_repository(tmp_path / "clone")
    git(repository, "remote", "add", "origin", f"{forge.address}/{PATH}.git")
    forge.commits.add(git(repository, "rev-parse", "HEAD"))
    return repository


def pulls_path(forge: StandInForge) -> str:
    return f"{forge.root}/{'merge_requests' if forge.kind == 'gitlab' else 'pulls'}"


async def find(clone: Path, issue: str = "") -> Destination:
    repository = UserRepository.find(clone)
    address = read_issue_url(issue) if issue else None
    return await find_destination(repository, address, repository.resolve_head(), lambda _: None)


async def open_one(destination: Destination) -> str:
    return await open_pull_request(destination, "It breaks", "Fixes #7", BRANCH, lambda _: None)


async def test_it_is_opened_once(forge: StandInForge, clone: Path) -> None:
    destination = await find(clone)
    assert (destination.project.name, destination.base) == (f"{forge.server}/{PATH}", "main")
    address = await open_one(destination)
    assert await open_one(destination) == address
    (pull,) = forge.pulls
    assert pull["title"] == "It breaks"
    assert pull.get("description", pull.get("body")) == "Fixes #7"
    assert (pull.get("target_branch") or pull["base"]) == "main"
    assert address.startswith(f"{forge.address}/{PATH}/")


async def test_one_that_is_opened_in_the_same_moment_is_taken(forge: StandInForge, clone: Path) -> None:
    destination = await find(clone)
    await open_one(destination)
    path = pulls_path(forge)
    # It is not there yet when it is looked for, and there when it is to be opened.
    forge.replies[path] = [Reply(200, []), Reply(422, {"message": "exists"}), Reply(200, forge.pulls)]
    assert await open_one(destination)
    assert len(forge.pulls) == 1


async def test_that_of_a_fork_is_another(forge: StandInForge, clone: Path) -> None:
    head = {"ref": BRANCH, "repo": {"full_name": "eve/shop"}}
    of_fork = {"source_branch": BRANCH, "source_project_id": 2, "target_project_id": 1}
    forge.pulls.append({**of_fork, "head": head, "html_url": "x", "web_url": "x", "state": "open"})
    destination = await find(clone)
    forge.replies[pulls_path(forge)] = [
        Reply(200, forge.pulls),
        Reply(201, {"html_url": "mine", "web_url": "mine"}),
    ]
    assert await open_one(destination) == "mine"


async def test_the_branch_that_is_checked_out_is_merged_into_if_the_project_has_it(
    forge: StandInForge, clone: Path
) -> None:
    git(clone, "checkout", "--quiet", "-b", "release/2")
    assert (await find(clone)).base == "main"
    forge.branches.add("release/2")
    assert (await find(clone)).base == "release/2"


async def test_commits_of_ones_own_are_not_pushed_along(forge: StandInForge, clone: Path) -> None:
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "mine")
    with pytest.raises(UsageError, match=f"{PATH} lacks the commit .* push your branch first"):
        await find(clone)


async def test_the_remote_of_the_issues_project_comes_first(forge: StandInForge, clone: Path) -> None:
    git(clone, "remote", "set-url", "origin", "git@git.example.org:me/fork.git")
    git(clone, "remote", "add", "upstream", f"ssh://git@127.0.0.1:22/{PATH}")
    destination = await find(clone, forge.url(7))
    assert destination.remote == f"ssh://git@127.0.0.1:22/{PATH}"
    assert destination.project.name == f"{forge.server}/{PATH}"


async def test_without_a_token_no_run_begins(forge: StandInForge, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forge.token = ""
    monkeypatch.delenv(VARIABLES[forge.kind][0])
    with pytest.raises(UsageError, match=f"needs a token: set .* to a token that may open pull requests in {PATH}"):
        await find(clone)


async def test_a_token_that_may_not_write_is_told(forge: StandInForge, clone: Path) -> None:
    destination = await find(clone)
    path = pulls_path(forge)
    forge.replies[path] = [Reply(200, []), Reply(403, {"message": "Resource not accessible"})]
    with pytest.raises(UsageError, match=r"refuses access \(HTTP 403: Resource not .*see that the token in"):
        await open_one(destination)
    forge.replies[path] = [Reply(200, []), Reply(307, "", {"location": f"{forge.address}/moved"})]
    with pytest.raises(UsageError, match=f"{PATH} has moved"):
        await open_one(destination)


@pytest.mark.parametrize(
    ("remotes", "sentence"),
    [
        ({}, "has no remote .* `git -C .* remote add origin URL`"),
        ({"origin": "/srv/git/shop.git"}, "The remote origin ./srv/git/shop.git. is no project of a forge"),
        ({"origin": "ext::sh -c x"}, "is no project of a forge"),
        ({"a": "/x", "b": "/y"}, "several remotes .a, b.: say which one .* remote.pushDefault NAME"),
        ({"origin": "https://me:hunter22@github.com/acme/shop"}, "has a password in its address"),
        ({"origin": "http://8.8.8.8/acme/shop"}, "without TLS"),
    ],
)
async def test_what_is_no_remote_of_a_forge_is_one_sentence(
    tmp_path: Path, remotes: dict[str, str], sentence: str
) -> None:
    repository = make_repository(tmp_path / "r")
    for name, address in remotes.items():
        git(repository, "remote", "add", name, address)
    with pytest.raises(UsageError, match=sentence) as refusal:
        await find(repository)
    assert "hunter22" not in str(refusal.value)


@pytest.mark.parametrize(
    ("issue", "words"),
    [
        ("https://github.com/Acme/Shop/issues/7", "Fixes #7"),
        ("https://github.com/acme/other/issues/7", "For https://github.com/acme/other/issues/7"),
        ("https://git.example.org/acme/shop/-/issues/7", "For https://git.example.org/acme/shop/-/issues/7"),
    ],
)
def test_an_issue_is_closed_in_its_own_project_alone(issue: str, words: str) -> None:
    project = read_remote("git@github.com:acme/shop.git")
    assert project is not None
    assert refer_to(read_issue_url(issue), project) == words
