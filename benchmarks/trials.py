"""Candidates tried per second on one core, beside a plain loop that starts pytest anew for each; the goal is 20x.

Run with `python -m benchmarks.trials [SUITE INSTANCE]`. Both try candidates that fail, on the failing tests of
the instance; the plain loop runs outside of any sandbox, with the interpreter that runs this.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from activities.artifacts.store import get_model, put_model
from activities.repair.search import BATCH
from benchmarks import run
from benchmarks.engine import Engine, survey
from hydra_cli.bench.suite import read_suite
from hydranet import patches
from hydranet.contracts import Candidate, Candidates, StepRequest, StrategiesRequest, Trial

OWN = Path(__file__).parent / "seeded"
TRIED, PLAIN = 300, 20


@contextmanager
def measured(name: str, count: int, seconds: dict[str, float]) -> Iterator[None]:
    """Take down the seconds per candidate."""
    began = time.perf_counter()
    yield
    seconds[name] = (time.perf_counter() - began) / count
    print(f"{name:6} {count:4} candidates: {1 / seconds[name]:6.1f} a second")


async def candidates(engine: Engine) -> list[Candidate]:
    """Candidates of all strategies in turn, likeliest first."""
    found: list[Candidate] = []
    answer = await engine.backend.strategies(StrategiesRequest(work=engine.work, round=1, count=100))
    for strategy in answer.strategies:
        step = StepRequest(work=engine.work, branch=1, attempt=1, strategy=strategy)
        made = await engine.backend.implement(step)
        if made.candidates is not None:
            found += (await get_model(engine.prepared.artifacts, made.candidates, Candidates)).candidates[:40]
    return found


async def attempt(engine: Engine, batch: list[Candidate]) -> Trial:
    """Try a batch as an attempt does."""
    return await engine.trial(await put_model(engine.prepared.artifacts, Candidates(candidates=tuple(batch))))


async def failing(engine: Engine) -> list[Candidate]:
    """The first candidates without those that pass, at which an attempt would end."""
    left = await candidates(engine)
    kept: list[Candidate] = []
    while left and len(kept) < TRIED:
        trial = await attempt(engine, left[:BATCH])
        if trial.report.passed:
            kept += left[: trial.index]
            left = left[trial.index + 1 :]
        else:
            kept += left[:BATCH]
            left = left[BATCH:]
    return kept[:TRIED]


def plainly(engine: Engine, candidate: Candidate) -> None:
    """Write a candidate's files, start pytest on the failing tests, and put the files back."""
    tree = engine.repository
    texts: dict[str, str | None] = {}

    def read(path: str) -> str | None:
        texts[path] = (tree / path).read_text() if (tree / path).exists() else None
        return texts[path]

    for path, text in patches.apply_diff(candidate.diff, read).items():
        (tree / path).write_text(text or "")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *engine.baseline.failing]
    subprocess.run(command, cwd=tree, capture_output=True, check=False, timeout=60)
    for path, before in texts.items():
        (tree / path).write_text(before or "")


async def main() -> None:
    """Print both figures and how many times as many candidates the trials try."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    suite, name = (Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else (OWN, "depot-tiers")
    seconds: dict[str, float] = {}
    async with survey(read_suite(suite, [name])[1][name]) as engine:
        chosen = await failing(engine)
        with measured("plain", PLAIN, seconds):
            for candidate in chosen[:PLAIN]:
                plainly(engine, candidate)
        with measured("trials", len(chosen), seconds):
            for start in range(0, len(chosen), BATCH):
                await attempt(engine, chosen[start : start + BATCH])
    print(f"{name}: {seconds['plain'] / seconds['trials']:.0f} times as many")


if __name__ == "__main__":
    run(main)
