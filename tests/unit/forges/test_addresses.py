"""Addresses of issues and of git remotes: what they name, and what is refused."""

import pytest

from activities.forges.addresses import ForgeKind, read_issue_url, read_remote
from hydranet.errors import UsageError


@pytest.mark.parametrize(
    ("url", "kind", "server", "path", "number"),
    [
        ("https://github.com/acme/shop/issues/7", ForgeKind.GITHUB, "github.com", "acme/shop", 7),
        ("https://www.github.com/acme/shop.js/issues/7/?x=1#c-2", ForgeKind.GITHUB, "github.com", "acme/shop.js", 7),
        (" HTTPS://GitHub.com/Acme/Shop/issues/7 ", ForgeKind.GITHUB, "github.com", "Acme/Shop", 7),
        ("https://gitlab.com/a/b/c/-/issues/12", ForgeKind.GITLAB, "gitlab.com", "a/b/c", 12),
        ("https://git.example.org/a/b/-/work_items/3", ForgeKind.GITLAB, "git.example.org", "a/b", 3),
        ("https://gitlab.com/a/b/issues/12", ForgeKind.GITLAB, "gitlab.com", "a/b", 12),
        ("https://git.example.org/a/b/-/issues/3/designs", ForgeKind.GITLAB, "git.example.org", "a/b", 3),
        ("https://codeberg.org/a/.profile/issues/3", ForgeKind.GITEA, "codeberg.org", "a/.profile", 3),
        ("https://git.example.org:8443/a/b/issues/3", None, "git.example.org:8443", "a/b", 3),
        ("http://127.0.0.1:3000/a/b/issues/3", None, "127.0.0.1:3000", "a/b", 3),
        ("http://localhost/a/b/issues/3", None, "localhost", "a/b", 3),
        ("http://192.168.1.7/a/b/issues/3", None, "192.168.1.7", "a/b", 3),
        ("http://[::1]:3000/a/b/issues/3", None, "[::1]:3000", "a/b", 3),
    ],
)
def test_the_address_of_an_issue_names_it(
    url: str, kind: ForgeKind | None, server: str, path: str, number: int
) -> None:
    issue = read_issue_url(url)
    assert (issue.project.kind, issue.project.server, issue.project.path) == (kind, server, path)
    assert issue.number == number
    assert read_issue_url(issue.url) == issue


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://github.com/acme/shop/pull/7", "is a pull request"),
        ("https://git.example.org/acme/shop/pulls/7/files", "is a pull request"),
        ("https://gitlab.com/a/b/-/merge_requests/7", "is a pull request"),
        ("https://github.com/acme/shop", "is not the address of an issue"),
        ("https://github.com/acme/shop/issues", "is not the address of an issue"),
        ("https://github.com/acme/shop/issues/new", "is not the address of an issue"),
        ("https://github.com/acme/../issues/7", "is not the address of an issue"),
        ("https://github.com/%2e%2e/shop/issues/7", "is not the address of an issue"),
        ("https://github.com/acme/sh op/issues/7", "is not the address of an issue"),
        ("https://git.example.org/a/b/c/issues/7", "is not the address of an issue"),
        ("ftp://github.com/acme/shop/issues/7", "takes the address of an issue"),
        ("file:///acme/shop/issues/7", "takes the address of an issue"),
        ("acme/shop#7", "takes the address of an issue"),
        ("https://[::1/a/b/issues/1", "takes the address of an issue"),
        ("https://github.com/acme/shop/issues/7?" + "x" * 300, "takes the address of an issue"),
        ("http://8.8.8.8/acme/shop/issues/7", "without TLS"),
    ],
)
def test_what_is_no_issue_is_refused_in_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_issue_url(url)


@pytest.mark.parametrize("login", ["me:hunter22", "hunter22", "me:hunter22@proxy"])
def test_a_login_in_an_address_is_refused_and_not_repeated(login: str) -> None:
    with pytest.raises(UsageError, match="may hold no login") as refusal:
        read_issue_url(f"https://{login}@github.com/acme/shop/issues/7")
    assert "hunter22" not in str(refusal.value)


@pytest.mark.parametrize(
    ("remote", "name"),
    [
        ("https://github.com/acme/shop.git", "github.com/acme/shop"),
        ("https://me@git.example.org:8443/a/b/c/", "git.example.org:8443/a/b/c"),
        ("http://127.0.0.1:3000/acme/shop", "127.0.0.1:3000/acme/shop"),
        ("git@github.com:acme/shop.git", "github.com/acme/shop"),
        ("GitHub.com:acme/shop", "github.com/acme/shop"),
        ("ssh://git@git.example.org:2222/a/b/c.git", "git.example.org/a/b/c"),
        ("git@git.example.org:/acme/shop", "git.example.org/acme/shop"),
        ("/srv/git/shop.git", None),
        ("../shop.git", None),
        ("file:///srv/git/shop.git", None),
        ("ext::sh -c touch% /tmp/x", None),
        ("git://github.com/acme/shop.git", None),
        ("-oProxyCommand=x:acme/shop", None),
        ("ssh://-oProxyCommand=x/acme/shop", None),
        ("https://github.com/acme", None),
        ("git@github.com:acme/../shop", None),
        ("git@github.com:acme/shop\n--upload-pack=x", None),
        ("https://[::1/a/b", None),
    ],
)
def test_a_remote_is_a_project_or_nothing(remote: str, name: str | None) -> None:
    project = read_remote(remote)
    assert (project and project.name) == name


def test_a_password_in_a_remote_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="has a password") as refusal:
        read_remote("https://me:hunter22@github.com/acme/shop.git")
    assert "hunter22" not in str(refusal.value)
