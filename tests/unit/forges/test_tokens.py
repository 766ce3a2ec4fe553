"""Tokens: each is for its own server, and what to do without one is told."""

import pytest

from activities.forges.addresses import ForgeKind, Project
from activities.forges.tokens import advise, find_token
from activities.inference.addresses import find_origin
from hydranet.errors import UsageError

NAMES = ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN")
SERVERS = ("GH_HOST", "GITHUB_SERVER_URL", "GITLAB_HOST", "CI_SERVER_URL", "GITEA_SERVER_URL", "FORGEJO_SERVER_URL")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *SERVERS):
        monkeypatch.delenv(name, raising=False)


def project(address: str) -> Project:
    return Project(find_origin(address), "acme/shop")


@pytest.mark.parametrize(
    ("variables", "address", "kind", "token"),
    [
        ({"GITHUB_TOKEN": "a"}, "https://github.com", ForgeKind.GITHUB, "a"),
        ({"GH_TOKEN": " b\n"}, "https://github.com", ForgeKind.GITHUB, "b"),
        ({"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}, "https://github.com", ForgeKind.GITHUB, "a"),
        ({"GITLAB_TOKEN": "c"}, "https://gitlab.com", ForgeKind.GITLAB, "c"),
        ({"FORGEJO_TOKEN": "d"}, "https://codeberg.org", ForgeKind.GITEA, "d"),
        ({"GITHUB_TOKEN": "a"}, "https://gitlab.com", ForgeKind.GITLAB, None),
        ({"GITHUB_TOKEN": "a"}, "https://gitlab.com", ForgeKind.GITHUB, None),
        ({"GITHUB_TOKEN": "a"}, "https://github.com:444", ForgeKind.GITHUB, None),
        ({"GITHUB_TOKEN": "a"}, "https://github.com.example.org", ForgeKind.GITHUB, None),
        ({"GITHUB_TOKEN": "a"}, "https://git.example.org", ForgeKind.GITHUB, None),
        ({"GITLAB_TOKEN": "c"}, "http://127.0.0.1:3000", ForgeKind.GITLAB, None),
        ({"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://git.example.org"}, "https://github.com", "GitHub", None),
        ({"GITLAB_TOKEN": "c", "GITLAB_HOST": "git.example.org"}, "http://git.example.org", "GitLab", None),
        ({"GITLAB_TOKEN": "c", "GITLAB_HOST": "https://git.example.org"}, "http://git.example.org", "GitLab", None),
        ({"GITLAB_TOKEN": "c", "GITLAB_HOST": "git.example.org:8443"}, "https://git.example.org:8443", "GitLab", "c"),
        ({"GITHUB_TOKEN": "a", "GH_HOST": "git.example.org"}, "https://git.example.org", ForgeKind.GITHUB, "a"),
        ({"GITLAB_TOKEN": "c", "GITLAB_HOST": "https://GIT.example.org/"}, "https://git.example.org", "GitLab", "c"),
        ({"GITLAB_TOKEN": "c", "GITLAB_HOST": "git.example.org"}, "https://git.example.org:8443", "GitLab", None),
        ({"GITEA_TOKEN": "e", "GITEA_SERVER_URL": "http://127.0.0.1:3000"}, "http://127.0.0.1:3000", None, "e"),
    ],
)
def test_a_token_is_for_its_own_server_alone(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str, kind: str | None, token: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert find_token(project(address), ForgeKind(kind or ForgeKind.GITEA)) == token


@pytest.mark.parametrize(
    ("variables", "address", "advice"),
    [
        ({}, "https://gitlab.com", "set GITLAB_TOKEN to a token that may read it"),
        (
            {},
            "https://git.example.org",
            "set GITLAB_TOKEN to a token that may read it, and GITLAB_HOST=git.example.org",
        ),
        (
            {"GITLAB_TOKEN": "c"},
            "https://git.example.org",
            "set GITLAB_HOST=git.example.org if GITLAB_TOKEN is for it, which is sent to one server alone",
        ),
        (
            {"CI_SERVER_URL": "https://gitlab.com"},
            "http://127.0.0.1:3000",
            "set GITLAB_TOKEN to a token that may read it, and CI_SERVER_URL=http://127.0.0.1:3000",
        ),
        (
            {"GITLAB_TOKEN": "c"},
            "https://gitlab.com",
            "see that the token in GITLAB_TOKEN has not expired and may read it",
        ),
    ],
)
def test_what_to_set_is_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str, advice: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert advise(project(address), ForgeKind.GITLAB, "read it") == advice


def test_what_names_no_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "c")
    monkeypatch.setenv("GITLAB_HOST", "[::1")
    with pytest.raises(UsageError, match="GITLAB_HOST names no server"):
        find_token(project("https://gitlab.com"), ForgeKind.GITLAB)


@pytest.mark.parametrize("token", ["hunter 22", "hünter22", "hunter\n22"])
def test_what_is_no_token_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(UsageError, match="GITHUB_TOKEN holds what no token does") as refusal:
        find_token(project("https://github.com"), ForgeKind.GITHUB)
    assert "22" not in str(refusal.value)
