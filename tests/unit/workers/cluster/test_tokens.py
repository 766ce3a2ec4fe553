from datetime import timedelta
from pathlib import Path

import pytest

from hydranet.errors import UsageError
from workers.cluster.folder import ClusterFolder
from workers.cluster.tokens import RefusedTokenError, Tokens, parse_token

AUTHORITY = "ab" * 32
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> ClusterFolder:
    folder = ClusterFolder(tmp_path)
    folder.create()
    return folder


def test_a_token_names_the_authority_and_opens_for_its_roles(folder: ClusterFolder) -> None:
    tokens = Tokens(folder)
    token = parse_token(f" {tokens.create(AUTHORITY, ['sandbox', 'inference'], HOUR, 2)}\n")
    assert token.authority == AUTHORITY
    tokens.take(token.secret, "sandbox")
    tokens.take(token.secret, "inference")
    with pytest.raises(RefusedTokenError, match="is used up: make another"):
        tokens.take(token.secret, "sandbox")


def test_only_digests_of_secrets_are_kept(folder: ClusterFolder) -> None:
    token = parse_token(Tokens(folder).create(AUTHORITY, ["sandbox"], HOUR, 1))
    assert token.secret not in folder.tokens.read_text()
    assert folder.tokens.stat().st_mode & 0o077 == 0


def test_a_token_is_refused_in_a_sentence_that_says_why(folder: ClusterFolder) -> None:
    tokens = Tokens(folder)
    expired = parse_token(tokens.create(AUTHORITY, ["sandbox"], timedelta(0), 1))
    other = parse_token(tokens.create(AUTHORITY, ["inference"], HOUR, 1))
    revoked = parse_token(tokens.create(AUTHORITY, ["sandbox"], HOUR, 1))
    tokens.revoke(tokens.list()[-1].id)
    for secret, reason in (
        (expired.secret, "expired at"),
        (other.secret, "is for the role inference, not sandbox"),
        (revoked.secret, "does not know this token, or it was revoked"),
        ("x" * 43, "does not know this token"),
    ):
        with pytest.raises(RefusedTokenError, match=reason):
            tokens.take(secret, "sandbox")
    assert [token.state for token in tokens.list()] == ["expired", "valid"]


def test_a_token_that_nobody_knows_cannot_be_revoked(folder: ClusterFolder) -> None:
    with pytest.raises(UsageError, match="no token 'abc'"):
        Tokens(folder).revoke("abc")


@pytest.mark.parametrize("text", ["", "hn1", "hn2." + AUTHORITY + "." + "s" * 43, f"hn1.{AUTHORITY}", "hn1.ab.cd"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no join token"):
        parse_token(text)
