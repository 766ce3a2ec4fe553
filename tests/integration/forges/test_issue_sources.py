"""Issues read from servers on real sockets, and what servers can do wrong."""

import asyncio
import gzip
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from activities.forges.addresses import read_issue_url
from activities.forges.issues import IssueText, read_issue_at
from activities.forges.server import ANSWER_BYTES, WAIT_SECONDS
from hydranet.errors import UsageError
from tests.stand_in_forge import PATH, Reply, StandInForge, serve, write_certificate

KINDS = ("github", "gitlab", "gitea")
VARIABLES = {
    "github": ("GITHUB_TOKEN", "GITHUB_SERVER_URL"),
    "gitlab": ("GITLAB_TOKEN", "GITLAB_HOST"),
    "gitea": ("GITEA_TOKEN", "GITEA_SERVER_URL"),
}
ISSUE: dict[str, Any] = {
    "title": "Totals are wrong",
    "body": "See https://example.org/log.txt ![shot](/uploads/1.png)",
    "comments": [("ann", "`total([1])` returns 0"), ("bob", "Same here.")],
}


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInForge]:
    """A forge of each kind with an issue 7, which wants a token."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(StandInForge(request.param, token="s3cret", issues={7: ISSUE})) as served:
        for name in (*VARIABLES[request.param], "GH_TOKEN", "GH_HOST", "CI_SERVER_URL", "FORGEJO_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        token, server = VARIABLES[request.param]
        monkeypatch.setenv(token, "s3cret")
        monkeypatch.setenv(server, served.address)
        yield served


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInForge]:
    """A forge whose kind the address tells, so that the first request is for the issue."""
    with serve(StandInForge("gitlab", issues={7: ISSUE})) as served:
        monkeypatch.setenv("GITLAB_TOKEN", "s3cret")
        monkeypatch.setenv("GITLAB_HOST", served.address)
        yield served


async def read(forge: StandInForge, number: int = 7, heard: list[str] | None = None) -> IssueText:
    return await read_issue_at(read_issue_url(forge.url(number)), (heard if heard is not None else []).append)


async def test_an_issue_comes_with_its_comments_and_no_link_is_followed(forge: StandInForge) -> None:
    text, left_out = await read(forge)
    parts = [
        "Totals are wrong",
        ISSUE["body"],
        "Comment by ann:\n`total([1])` returns 0",
        "Comment by bob:\nSame here.",
    ]
    assert text == "\n\n".join(parts)
    assert left_out == ""
    asked = [request for request in forge.requests if request.path.startswith(forge.root)]
    assert len(asked) == 2
    others = [request for request in forge.requests if request not in asked]
    assert all("authorization" not in request.headers for request in others)


async def test_comments_are_read_by_pages_up_to_a_limit(forge: StandInForge) -> None:
    forge.issues[7] = ISSUE | {"comments": [("ann", f"No. {number}.") for number in range(130)]}
    text, left_out = await read(forge)
    assert "No. 99." in text
    assert "No. 100." not in text
    assert left_out == "Left out of the issue: 30 of its comments."
    assert len(forge.requests) < 10


async def test_the_notes_of_gitlab_itself_are_no_comments(gitlab: StandInForge) -> None:
    gitlab.issues[7] = ISSUE | {"comments": [("ghost", "changed the label"), ("ann", "Yes.")]}
    text, _ = await read(gitlab)
    assert "label" not in text
    assert text.endswith("Comment by ann:\nYes.")


async def test_a_token_that_is_wrong_is_told(forge: StandInForge, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = VARIABLES[forge.kind]
    monkeypatch.setenv(token, "other")
    with pytest.raises(UsageError, match=rf"refuses access \(HTTP 401: Bad credentials\): see that .* {token} has not"):
        await read(forge)
    monkeypatch.delenv(token)
    with pytest.raises(UsageError, match=rf"set {token} to a token that may access the issue 7 of {PATH}"):
        await read(forge)


async def test_a_token_for_another_server_is_not_sent(forge: StandInForge, monkeypatch: pytest.MonkeyPatch) -> None:
    token, server = VARIABLES[forge.kind]
    monkeypatch.setenv(server, "git.example.org")
    with pytest.raises(UsageError, match=f"set {server}={forge.address} if {token} is for it"):
        await read(forge)
    assert not any("authorization" in request.headers for request in forge.requests)


async def test_an_issue_that_is_not_there_is_told(forge: StandInForge) -> None:
    with pytest.raises(UsageError, match=f"has no issue 8 of {PATH}, or does not show it") as refusal:
        await read(forge, 8)
    assert "if the project is private" in str(refusal.value)


@pytest.mark.parametrize("kind", ["github", "gitea"])
async def test_a_pull_request_is_no_issue(kind: str) -> None:
    issues = {7: ISSUE | {"pull_request": {"merged": False}}}
    refused = pytest.raises(UsageError, match="Issue 7 of acme/shop is a pull request")
    with serve(StandInForge(kind, issues=issues)) as forge, refused:
        await read(forge)


GARBAGE = [
    (Reply(404, {"message": "404 Project Not Found"}), "has no issue 7 of acme/shop"),
    (Reply(410, {"message": "gone"}), "has no issue 7 of acme/shop"),
    (Reply(403, {"message": "insufficient scope"}), "HTTP 403: insufficient scope.*token in GITLAB_TOKEN"),
    (Reply(500, b"<h1>Oops</h1>"), "is failing .HTTP 500: Oops.: try again later"),
    (Reply(400, {"message": "bad \x1b[2J"}), "refuses the issue 7 of acme/shop .HTTP 400.: bad"),
    (Reply(422, {"message": "Invalid", "errors": [{"message": "No commits"}]}), "HTTP 422.: Invalid: No commits"),
    (Reply(200, b"<title>Sign in</title>", {"content-type": "text/html; charset=utf-8"}), "a web page .Sign in."),
    (Reply(200, b'{"title": "Tot'), "is no whole JSON"),
    (Reply(200, b"[" * 100_000), "is no whole JSON"),
    (Reply(200, {"title": "Totals"}, cut=True), "cannot be reached"),
    (Reply(200, ["no", "object"]), "another form"),
    (Reply(200, b"x" * (ANSWER_BYTES + 1)), "more than 4 MB"),
    (Reply(200, gzip.compress(b"{}"), {"content-encoding": "gzip"}), "packs its answers"),
    (Reply(500, b"<script " * 400_000), "is failing"),
    (Reply(302, "", {"location": "https://git.example.org/api"}), "redirects to https://git.example.org:443, where"),
    (Reply(302, "", {"location": "/api/v4/projects/acme%2Fshop/issues/7"}), "redirects in a circle"),
    (Reply(302, "", {"location": "http://[::1"}), "cannot be reached"),
]


@pytest.mark.parametrize(("reply", "sentence"), GARBAGE, ids=[sentence for _, sentence in GARBAGE])
async def test_what_a_server_does_wrong_is_one_sentence(gitlab: StandInForge, reply: Reply, sentence: str) -> None:
    gitlab.replies[f"{gitlab.root}/issues/7"] = [reply]
    with pytest.raises(UsageError, match=sentence) as refusal:
        await read(gitlab)
    assert "\n" not in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


async def test_a_redirect_to_another_port_gets_no_request(gitlab: StandInForge) -> None:
    with serve(StandInForge("gitlab", issues={7: ISSUE})) as other:
        gitlab.replies[f"{gitlab.root}/issues/7"] = [Reply(307, "", {"location": f"{other.address}/api"})]
        with pytest.raises(UsageError, match="redirects to"):
            await read(gitlab)
    assert other.requests == []


async def test_a_project_that_moved_on_the_same_server_is_read(gitlab: StandInForge) -> None:
    moved = {"title": "Moved", "description": "", "user_notes_count": 0}
    gitlab.replies[f"{gitlab.root}/issues/7"] = [Reply(301, "", {"location": "/api/v4/projects/5/issues/7"})]
    gitlab.replies["/api/v4/projects/5/issues/7"] = [Reply(200, moved)]
    assert await read(gitlab) == ("Moved", "")


LIMITED = [
    Reply(429, {"message": "Retry later"}, {"retry-after": "1"}),
    Reply(403, {"message": "API rate limit exceeded"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "{soon}"}),
    Reply(403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "1"}),
    Reply(429, b"", {"ratelimit-reset": "{soon}"}),
]


@pytest.mark.parametrize("limited", LIMITED, ids=lambda reply: str(reply.headers))
async def test_a_rate_limit_is_waited_for(gitlab: StandInForge, limited: Reply) -> None:
    soon = str(int(time.time()) + 2)
    headers = {name: value.format(soon=soon) for name, value in limited.headers.items()}
    answer = Reply(200, {"title": "Late", "description": "", "user_notes_count": 0})
    gitlab.replies[f"{gitlab.root}/issues/7"] = [Reply(limited.status, limited.body, headers), answer]
    heard: list[str] = []
    assert (await read(gitlab, heard=heard)).text == "Late"
    (line,) = heard
    assert line.startswith(f"Waiting  {gitlab.server} takes no request before ")


@pytest.mark.parametrize(
    "headers", [{"retry-after": str(WAIT_SECONDS + 1)}, {"ratelimit-reset": "9" * 12}, {"retry-after": "1e300"}]
)
async def test_a_rate_limit_that_lasts_is_told_with_its_end(gitlab: StandInForge, headers: dict[str, str]) -> None:
    gitlab.replies[f"{gitlab.root}/issues/7"] = [Reply(429, b"", headers)]
    with pytest.raises(UsageError, match=r"takes no more requests \(HTTP 429\): run the command again after \d\d:"):
        await read(gitlab)
    assert len(gitlab.requests) == 1


async def test_a_wait_can_be_ended(gitlab: StandInForge) -> None:
    gitlab.replies[f"{gitlab.root}/issues/7"] = [Reply(429, b"", {"retry-after": "300"})]
    waiting = asyncio.Event()
    reading = asyncio.create_task(read_issue_at(read_issue_url(gitlab.url(7)), lambda _: waiting.set()))
    await asyncio.wait_for(waiting.wait(), 10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_a_server_that_is_silent_is_given_up(gitlab: StandInForge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.forges.server.REQUEST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gitlab.address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UsageError, match="does not answer in time"):
            await read(gitlab)


async def test_a_server_that_is_away_is_told(gitlab: StandInForge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gitlab.address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(UsageError, match=r"cannot be reached .*: check the address and the network"):
        await read(gitlab)


async def test_what_is_no_forge_is_told() -> None:
    page = Reply(200, b"<html>", {"content-type": "text/html"})
    refused = pytest.raises(UsageError, match="is no server of GitHub, GitLab, Gitea or Forgejo")
    with serve(StandInForge("gitea", replies={"/api/v1/version": [page]})) as other, refused:
        await read(other)


async def test_a_certificate_decides_whether_a_server_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("GITLAB_TOKEN", "s3cret")
    with serve(StandInForge("gitlab", token="s3cret", issues={7: ISSUE}), certificate) as forge:
        monkeypatch.setenv("GITLAB_HOST", forge.server)
        with pytest.raises(UsageError, match="has a certificate that is not trusted"):
            await read(forge)
        assert forge.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere"))
        with pytest.raises(UsageError, match=r"certificates that SSL_CERT_FILE .* cannot be read"):
            await read(forge)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert (await read(forge)).text.startswith("Totals are wrong")
    with serve(StandInForge("gitlab")) as plain:
        plain.address = plain.address.replace("http:", "https:")
        with pytest.raises(UsageError, match="or no TLS"):
            await read(plain)
