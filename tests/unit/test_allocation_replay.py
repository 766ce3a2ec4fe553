"""The simulator of allocations, on a pool of a few draws."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.allocation.policies import POLICIES
from benchmarks.allocation.pool import Place, read_pool
from benchmarks.allocation.replay import (
    Replays,
    average,
    bootstrap,
    count_bugs_needed,
    find_interval,
    replay,
)
from benchmarks.allocation.scenes import Scene, Stream, estimate_priors
from hydranet.allocation import DrawOutcome

ROOT = Path(__file__).parents[2]
FUNCTION = "def total(items):\n    return sum(items)\n"
CHANGED = "def total(items):\n    return sum(items) + {0}\n"


def make_rows(bug: str, symbol: str, rank: int | None, outcomes: list[str], *, right: bool) -> list[dict[str, Any]]:
    return [
        {
            "instance": bug,
            "file": f"{symbol}.py",
            "symbol": symbol,
            "first_line": 10,
            "last_line": 11,
            "right_place": right,
            "retrieval_rank": rank,
            "draw": number,
            "tokens": 100,
            "finish": "stop",
            "outcome": outcome,
            "text": f"```python\n{FUNCTION if outcome == 'unchanged' else CHANGED.format(number)}```",
        }
        for number, outcome in enumerate(outcomes)
    ]


def write_pool(folder: Path, rows: list[dict[str, Any]]) -> None:
    names = {
        "|".join(str(row[key]) for key in ("instance", "file", "symbol", "first_line", "last_line")) for row in rows
    }
    # 400 characters of prompt: 100 tokens.
    content = f"```python\n{FUNCTION}```".rjust(400)
    requests = [{"id": name, "messages": [{"role": "user", "content": content}]} for name in sorted(names)]
    (folder / "requests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in requests))
    (folder / "draws.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Two bugs: at the second place of the first every answer passes, that of the other is never seen."""
    rows = make_rows("a", "near", 1, ["unchanged"] * 4, right=False)
    rows += make_rows("a", "there", 2, ["passes"] * 4, right=True)
    rows += make_rows("b", "other", 1, ["fail"] * 4, right=False)
    rows += make_rows("b", "hidden", None, ["fail"] * 4, right=True)
    write_pool(tmp_path, rows)
    return tmp_path


@pytest.fixture
def bugs(pool: Path) -> dict[str, list[Place]]:
    return read_pool(pool)


def make_scene(bugs: dict[str, list[Place]]) -> Scene:
    return Scene(bugs, "a", estimate_priors(bugs, "a"), "seed", 0)


def make_stream(tmp_path: Path, outcomes: list[str]) -> Stream:
    write_pool(tmp_path, make_rows("c", "f", 1, outcomes, right=True))
    stream = Stream(read_pool(tmp_path)["c"][0], random.Random(0))
    stream.drawn = list(range(len(outcomes)))
    return stream


def test_a_draw_has_its_outcome_and_the_tokens_of_prompt_and_answer(bugs: dict[str, list[Place]]) -> None:
    near, there = bugs["a"]
    assert [draw.outcome for draw in near.draws] == [DrawOutcome.UNCHANGED] * 4
    assert near.draws[0].tokens == 200
    assert all(draw.passes for draw in there.draws)
    assert (there.right, there.rank, there.lines) == (True, 2, 2)


def test_the_facts_of_a_tested_draw_are_its_change_in_the_file(bugs: dict[str, list[Place]]) -> None:
    edit, *others = bugs["b"][0].draws[3].facts.patch.edits
    assert not others
    assert (edit.file, edit.start) == ("other.py", 11)
    assert edit.added == ("    return sum(items) + 3",)
    assert not bugs["a"][0].draws[0].facts.patch.edits


@pytest.mark.parametrize(
    ("policy", "tokens"),
    [
        ("first place", None),
        ("three per place", 800),
        ("stop on identical", 600),
        ("OpenHands' rules", 1000),
        ("right place known", 200),
    ],
)
def test_a_baseline_leaves_the_first_place_by_its_rule(
    bugs: dict[str, list[Place]], policy: str, tokens: int | None
) -> None:
    assert replay(POLICIES[policy](make_scene(bugs)), 4000).fixed == tokens


def test_todays_order_begins_where_no_template_has_been(tmp_path: Path) -> None:
    rows = [make_rows("a", f"f{rank}", rank, ["fail"], right=rank == 1) for rank in range(1, 9)]
    write_pool(tmp_path, sum(rows, make_rows("b", "g", 1, ["fail"], right=False)))
    assert POLICIES["today's order"](make_scene(read_pool(tmp_path))).choose() == 3


@pytest.mark.parametrize("policy", [name for name in POLICIES if name.startswith("allocation")])
def test_the_allocation_leaves_unchanged_answers_for_the_right_place(bugs: dict[str, list[Place]], policy: str) -> None:
    run = replay(POLICIES[policy](make_scene(bugs)), 20_000)
    assert run.fixed is not None
    assert run.right_draws >= 1


def test_a_run_ends_before_its_limit(bugs: dict[str, list[Place]]) -> None:
    assert replay(POLICIES["three per place"](make_scene(bugs)), 799).fixed is None
    assert replay(POLICIES["three per place"](make_scene(bugs)), 800).is_fixed(800)


def test_a_kill_before_a_passing_draw_is_false(tmp_path: Path) -> None:
    rows = make_rows("a", "f", 1, ["unchanged"] * 20 + ["passes"], right=True)
    write_pool(tmp_path, [*rows, *make_rows("b", "g", 1, ["fail"], right=False)])
    bugs = read_pool(tmp_path)
    replays = Replays(bugs, {"reaped": POLICIES["allocation, Reaper"]}, pools=3, runs=3, seed=1)
    wrong, passing = replays.find_kill_rate("reaped", 32_000)
    assert 0 < wrong <= passing
    assert replays.find_kill_rate("reaped", 4_000)[1] <= passing
    alive = Replays(bugs, {"alive": POLICIES["allocation"]}, pools=3, runs=3, seed=1)
    assert alive.find_kill_rate("alive", 32_000)[0] == 0


def test_the_reaper_judges_the_best_draw_of_each_attempt(tmp_path: Path) -> None:
    stream = make_stream(tmp_path, ["unchanged", "fail", "unchanged", "unchanged"] * 2)
    assert stream.judge(3, 1).dead
    assert not stream.judge(0, 4).dead
    assert stream.judge(1, 4).score > 0


def test_a_draw_that_the_small_pool_gives_again_is_no_repetition(tmp_path: Path) -> None:
    stream = make_stream(tmp_path, ["fail", "fail"])
    stream.drawn = [0, 0, 1, 1]
    assert stream.classify(1) is DrawOutcome.FAILS
    assert not stream.judge(1, 1).dead


def test_an_answer_that_was_given_before_repeats_it(tmp_path: Path) -> None:
    rows = make_rows("c", "f", 1, ["fail", "fail", "syntax"], right=True)
    rows[1]["text"] = rows[0]["text"]
    write_pool(tmp_path, rows)
    stream = Stream(read_pool(tmp_path)["c"][0], random.Random(0))
    stream.drawn = [0, 1, 2]
    assert [stream.classify(n) for n in range(3)] == [DrawOutcome.FAILS, DrawOutcome.REPEATS, DrawOutcome.UNUSABLE]


def test_the_priors_of_a_bug_come_from_the_others(bugs: dict[str, list[Place]]) -> None:
    of_a, of_b = estimate_priors(bugs, "a"), estimate_priors(bugs, "b")
    assert len(of_a) == len(of_b) == 30
    assert sum(of_a) < sum(of_b) < 1
    # The other bug's place is at rank 2: (1 + 0.5) / 3 for ranks 2 and 3 together.
    assert of_b[1] == of_b[2] == pytest.approx(0.25)
    assert of_a[1] == pytest.approx(0.5 / 3 / 2)


def test_replays_are_the_same_for_the_same_seed_and_rates_are_of_runs(bugs: dict[str, list[Place]]) -> None:
    policies = {name: POLICIES[name] for name in ("allocation", "right place known")}
    first, second = (Replays(bugs, policies, pools=2, runs=2, seed=3) for _ in range(2))
    assert first.rows == second.rows
    rates = first.find_rates("right place known", 4_000)
    assert rates["a"] == [1.0, 1.0]
    assert rates["b"] == [0.0, 0.0]
    assert average(rates) == 0.5
    assert first.count_seen("right place known") >= 50


def test_an_interval_is_of_resampled_bugs() -> None:
    rates = {str(number): [1.0 if number < 50 else 0.0] for number in range(100)}
    low, high = find_interval([mean for (mean,) in bootstrap([rates], replicates=400, seed=0)])
    # The standard error of 50 of 100 is 0.05.
    assert low == pytest.approx(0.4, abs=0.03)
    assert high == pytest.approx(0.6, abs=0.03)
    equal = bootstrap([rates, rates], replicates=20, seed=0)
    assert all(first == second for first, second in equal)


def test_the_bugs_needed_are_those_at_which_intervals_part() -> None:
    # Half-widths at n bugs: 1.96 * 0.5 / sqrt(n) and 1.96 * 0.4 / sqrt(n); together 0.3 at 34.6.
    assert count_bugs_needed(0.5, 0.2) == 35
    assert count_bugs_needed(0.2, 0.5) == 35
    assert count_bugs_needed(0.5, 0.5) is None


@pytest.mark.parametrize("content", [None, "", "nonsense", '{"instance": "a"}\n'])
def test_what_is_no_pool_is_refused_in_one_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "requests.jsonl").write_text("")
        (tmp_path / "draws.jsonl").write_text(content)
    command = [sys.executable, "-m", "benchmarks.allocation", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "draws.jsonl" in done.stderr


def test_the_command_prints_its_tables(pool: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.allocation", str(pool)]
    options = ["--pools", "1", "--runs", "1", "--replicates", "20"]
    table = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"\n{name} " in table for name in POLICIES)
    assert "4,000 tokens: allocation" in table
    fit = subprocess.run([*command, "--fit"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "right places: 2, 8 draws, 4 pass (0.500)" in fit
