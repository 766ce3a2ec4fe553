"""The issue and the expectations as a command is given them."""

import io
import sys
from pathlib import Path

import pytest

from hydra_cli.issue import read_expectations, read_issue, read_target
from hydranet.bounded_models import ISSUE_CHARACTERS
from hydranet.contracts.expectations import CODE_CHARACTERS
from hydranet.errors import UsageError


class Input(io.TextIOWrapper):
    """A standard input that holds some bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))


def test_the_issue_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input("\ufeffIt breaks – often\n".encode()))
    assert read_issue("", Path("-")).text == "It breaks – often"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff\xfe\x00", "cannot be read"),
        (b"x" * (4 * ISSUE_CHARACTERS + 1), "is too large"),
        (b"x" * (ISSUE_CHARACTERS + 1), "The issue has 65,537 characters"),
        (b" \n", "The issue is empty"),
    ],
)
def test_what_is_no_issue_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, sentence: str
) -> None:
    (tmp_path / "issue").write_bytes(data)
    for file in (Path("-"), tmp_path / "issue"):
        monkeypatch.setattr(sys, "stdin", Input(data))
        with pytest.raises(UsageError, match=sentence):
            read_issue("", file)


def test_scripts_are_bounded_and_read_from_files(tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text("raise SystemExit(1)\n")
    (wish,) = read_expectations(None, None, None, [script])
    assert (wish.code, wish.source) == ("raise SystemExit(1)", f"--script {script}")
    script.write_text("#" * (CODE_CHARACTERS + 1))
    with pytest.raises(UsageError, match="is too large"):
        read_expectations(None, None, None, [script])
    with pytest.raises(UsageError, match="at most 20 expectations"):
        read_expectations(["x == 1"] * 21, None, None, None)


@pytest.mark.parametrize("names", [[""], ["x" * 201], ["x"] * 51])
def test_names_of_tests_are_bounded(names: list[str]) -> None:
    with pytest.raises(UsageError, match="--target takes at most 50 names of 1 to 200 characters"):
        read_target(names)
