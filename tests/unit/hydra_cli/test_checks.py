"""What `hydra doctor` thinks of clocks, disks and certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.node.machine import check_clock, list_restrictions
from hydra_cli.checks.certificates import check_expiry
from hydra_cli.checks.front import check_node
from hydranet.contracts import Level
from tests.tls import Authority
from workers.cluster.registry import CertificateRecord, NodeRecord

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "level", "text"),
    [
        (0, Level.OK, "it agrees with that of Temporal's server"),
        (1.5, Level.OK, "it agrees with that of Temporal's server"),
        (30, Level.WARN, "it is 30 s ahead of that of Temporal's server"),
        (-30, Level.WARN, "it is 30 s behind that of Temporal's server"),
        (90, Level.FAIL, "it is 90 s ahead of that of Temporal's server"),
    ],
)
def test_a_clock_that_is_off_is_told_by_how_much(ahead: float, level: Level, text: str) -> None:
    check = check_clock(NOW + timedelta(seconds=ahead), NOW)
    assert (check.level, check.text, bool(check.remedy)) == (level, text, level is not Level.OK)


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [(0, Level.OK, "it expires on"), (28.5, Level.WARN, "it expires on"), (31, Level.FAIL, "it expired on")],
)
def test_a_certificate_is_told_before_it_expires(tmp_path: Path, days: float, level: Level, text: str) -> None:
    certificate = Authority(tmp_path).issue("node", days=30)
    now = datetime.now(UTC) + timedelta(days=days)
    _, check = check_expiry("here", "your certificate", certificate.read_bytes(), "Have it renewed.", now)
    assert check.level is level
    assert check.text.startswith(text)
    assert check.remedy == ("" if level is Level.OK else "Have it renewed.")


def test_what_is_no_certificate_fails() -> None:
    _, check = check_expiry("here", "your certificate", b"nothing", "Have it renewed.")
    assert (check.level, check.text) == (Level.FAIL, "it cannot be read")


def test_what_keeps_users_from_namespaces_is_named(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    setting = tmp_path / "user" / "max_user_namespaces"
    setting.write_text("0\n")
    assert list_restrictions(tmp_path) == ["user.max_user_namespaces"]
    setting.write_text("15000\n")
    assert list_restrictions(tmp_path) == []


def test_a_node_whose_certificate_has_expired_is_warned_of() -> None:
    expires = datetime(2026, 3, 1, tzinfo=UTC)
    node = NodeRecord(
        name="lab",
        role="sandbox",
        login="node_lab",
        address="10.0.0.7",
        joined=expires,
        certificates=[CertificateRecord(serial="2f", expires=expires)],
    )
    assert check_node(node, expires - timedelta(days=1)).check.level is Level.OK
    expired = check_node(node, expires + timedelta(days=1)).check
    assert (expired.level, "hydra cluster revoke lab" in expired.remedy) == (Level.WARN, True)
