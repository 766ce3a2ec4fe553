import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hydra_cli.score import score
from hydranet import patches
from hydranet.convergence.error_signature import extract_signature
from hydranet.convergence.score import Attempt
from hydranet.errors import UsageError

ERROR = "E   TypeError: unsupported operand type(s) for +: 'int' and 'str'\n\nshop/cart.py:{line}: TypeError\n"


def patch(added: str, start: int = 47) -> str:
    return (
        f"--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -{start} +{start} @@\n-    total = total + item.price\n+{added}\n"
    )


SPIRAL: list[dict[str, Any]] = [
    {"patch": patch(f"    total = total + {code}"), "error": ERROR.format(line=47 + number), "failing_tests": ["t"]}
    for number, code in enumerate(("int(item.price)", "float(item.price)", "float(item.price or 0)"))
]


def write(tmp_path: Path, *lines: dict[str, Any] | str) -> Path:
    file = tmp_path / "attempts.jsonl"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: dict[str, Any] | str) -> list[dict[str, Any]]:
    score(write(tmp_path, *lines), json=True)
    judgements: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return judgements


def test_json_has_score_terms_and_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = judged(tmp_path, capsys, *SPIRAL)
    assert (first["score"], first["nearest"], first["dead"]) == (0.0, None, False)
    assert first["terms"] == {"patch_similarity": None, "command_repetition": None, "error_match": None}
    assert 0 < second["score"] < 0.75 < third["score"]
    assert (second["dead"], third["dead"]) == (False, True)
    assert third["nearest"] in (1, 2)
    assert third["terms"]["error_match"] == 1.0
    assert third["terms"]["patch_similarity"] > 0.7
    assert "shop/cart.py" in third["evidence"]


def test_lines_for_people(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(score)
    outage = {"infrastructure": True, "error": "429 Too Many Requests"}
    result = CliRunner().invoke(app, [str(write(tmp_path, SPIRAL[0], outage, SPIRAL[0]))])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "attempt 1: alive 0.00 (patch -, commands -, error -)",
        "attempt 2: not an attempt (infrastructure)",
        "attempt 3: dead  1.00 (patch 1.00, commands -, error 1.00), nearest to attempt 1",
        "    The patch to shop/cart.py is the same as that of attempt 1 and the same error follows (TypeError in "
        "shop/cart.py): convergence 1.00 is above 0.75.",
    ]


def test_everything_is_optional_and_the_rest_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing: dict[str, Any] = {"patch": None, "error": None, "failing_tests": None, "commands": None, "tokens": 12}
    judgements = judged(tmp_path, capsys, "{}", "", nothing, {"patch": "I cannot produce a patch."})
    assert [line["score"] for line in judgements] == [0.0, 1.0, 1.0]


def test_progress_and_commands_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grep = {"command": "grep -n price shop/cart.py", "result": "x" * 5000, "workspace_changed": False}
    lines = [
        {**attempt, "failing_tests": failing, "commands": [grep]}
        for attempt, failing in zip(SPIRAL, (["a", "b", "c"], ["a", "b"], ["a"]), strict=True)
    ]
    judgements = judged(tmp_path, capsys, *lines)
    assert [line["terms"]["error_match"] for line in judgements] == [None, 0.0, 0.0]
    assert [line["terms"]["command_repetition"] for line in judgements] == [0.0, 0.5, pytest.approx(2 / 3)]
    other = {**grep, "result": "x" * 4999 + "y"}
    lines[2]["commands"] = [other]
    assert judged(tmp_path, capsys, *lines)[2]["terms"]["command_repetition"] == pytest.approx(1 / 3)


def test_branches_are_kept_apart_but_dead_ones_are_remembered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{**attempt, "branch": "b01"} for attempt in SPIRAL]
    fresh = {**SPIRAL[0], "patch": SPIRAL[0]["patch"].replace("shop/cart", "shop/tax"), "branch": "b02"}
    judgements = judged(tmp_path, capsys, *lines, fresh, {**SPIRAL[1], "branch": "b03"}, {**SPIRAL[2], "branch": "b02"})
    assert [line["dead"] for line in judgements] == [False, False, True, False, True, False]
    again = judgements[4]
    assert (again["novelty"], again["nearest"], again["branch"]) == (True, 2, "b03")
    assert judgements[5]["nearest"] == 4


def test_facts_as_a_run_records_them_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = judged(tmp_path, capsys, *SPIRAL)
    recorded = [
        Attempt(
            patch=patches.parse_diff(str(line["patch"])),
            error=extract_signature(str(line["error"])),
            failing_tests=("t",),
            failing_count=1,
        ).model_dump(mode="json")
        for line in SPIRAL
    ]
    assert judged(tmp_path, capsys, *recorded) == written


def test_a_branch_that_ended_is_dead_whatever_its_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{**SPIRAL[0], "branch": "b01", "last": True}, {**SPIRAL[0], "branch": "b02"}]
    assert [(line["dead"], line["novelty"]) for line in judged(tmp_path, capsys, *lines)] == [
        (False, False),
        (True, True),
    ]


def test_more_failing_tests_than_are_kept_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [f"test_{number}" for number in range(100)]
    lines = [{**SPIRAL[0], "failing_tests": many}, {**SPIRAL[1], "failing_tests": many[1:]}]
    assert judged(tmp_path, capsys, *lines)[1]["terms"]["error_match"] == 0.0


def test_the_settings_decide(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not judged(tmp_path, capsys, *SPIRAL)[1]["dead"]
    monkeypatch.setenv("HYDRA_CONVERGENCE__THRESHOLD", "0.3")
    assert judged(tmp_path, capsys, *SPIRAL)[1]["dead"]


def test_wrong_line_counts_are_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**SPIRAL[0], "patch": patch("    total = 0").replace("-47 +47", "-47,5 +47,5")}
    other = {**SPIRAL[0], "patch": patch("    raise ValueError").replace("-47 +47", "-47,5 +47,5")}
    assert judged(tmp_path, capsys, wrong, other)[1]["score"] < 1.0


def test_text_that_is_half_a_character_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = r'{"error": "ValueError: \ud800", "failing_tests": ["t\ud800"], "branch": "\ud800", "patch": "\ud800"}'
    assert len(judged(tmp_path, capsys, line)) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("not json", "line 2: this is not JSON"),
        ("[1, 2]", "line 2: this is not a JSON object"),
        ('"text"', "line 2: this is not a JSON object"),
        ('{"patch": 3}', "line 2: `patch`"),
        ('{"failing_tests": "t"}', "line 2: `failing_tests`"),
        ('{"failing_tests": [1]}', "line 2: `failing_tests.0`"),
        ('{"commands": [{"result": "x"}]}', "line 2: `commands.0.command`"),
        ('{"infrastructure": "yes"}', "line 2: `infrastructure`"),
        ("[" * 100_000, "line 2: this is not JSON"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(UsageError) as refused:
        score(write(tmp_path, SPIRAL[0], line))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n\n")
    binary.write_bytes(b"\xff\xfe\x00")
    for file, complaint in (
        (tmp_path / "missing", "cannot be read"),
        (tmp_path, "cannot be read"),
        (empty, "no attempts"),
        (binary, "not UTF-8"),
    ):
        with pytest.raises(UsageError, match=complaint):
            score(file)


@pytest.mark.parametrize(
    "again",
    [
        {"patch": "", "error": "4 passed in 0.1s", "failing_tests": []},
        {"patch": "", "failing_tests": []},
        {"patch": SPIRAL[2]["patch"], "error": "Tests:  4 passed, 4 total\nRan all test suites.\n"},
        {"patch": "", "error": "3.57\n"},
    ],
)
def test_a_state_that_passes_may_be_checked_again(
    again: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passing = {"patch": SPIRAL[2]["patch"], "error": "4 passed in 0.1s", "failing_tests": []}
    judgements = judged(tmp_path, capsys, *SPIRAL[:2], passing, again, again)
    assert [line["dead"] for line in judgements] == [False] * 5
    assert judgements[-1]["score"] == 0.0


def test_an_attempt_without_tests_has_not_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    untested = {"patch": SPIRAL[0]["patch"]}
    nothing = {"patch": "", "error": "", "failing_tests": []}
    assert judged(tmp_path, capsys, untested, untested)[1]["dead"]
    assert judged(tmp_path, capsys, nothing, nothing)[1]["dead"]
    refused = {**untested, "failing_tests": [], "passed": False}
    assert judged(tmp_path, capsys, refused, refused)[1]["dead"]


def test_long_listings_are_the_same_with_and_without_line_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = [f"total_{number} = {number}" for number in range(1, 100)]
    plain = {"command": "cat shop/cart.py", "result": "\n".join(code)}
    numbered = {
        "command": "cat -n shop/cart.py",
        "result": "".join(f"{number:6}\t{line}\n" for number, line in enumerate(code, 1)),
    }
    lines = [{**SPIRAL[0], "commands": [plain]}, {**SPIRAL[1], "commands": [numbered]}]
    assert judged(tmp_path, capsys, *lines)[1]["terms"]["command_repetition"] == 0.5
