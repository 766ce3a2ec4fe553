"""Which edit format a model writes best: of its first answers to a bug, how many become a valid diff and how many pass.

Run with `python -m benchmarks.edit_formats MODEL SUITE [INSTANCE...]`. The strategy aims at the function that is
wrong where the suite names it (`gold_symbols`), else at the most suspicious one, so that only the form of the answer
is judged. Every format gets one candidate at temperature 0, and one correction when the answer cannot be used.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from activities.artifacts.store import get_model
from activities.inference import hypotheses
from activities.inference.answers import REWRITE
from activities.inference.backend import connect
from activities.inference.chat import ChatBackend
from activities.inference.conversation import Transcript
from activities.inference.model_profile import ModelProfile
from activities.inference.prompt_context import load_prompt_context
from activities.localisation.localiser import Localiser
from benchmarks import recording, run
from benchmarks.engine import Engine, load_settings, survey
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.suite import read_suite
from hydranet.contracts import StepRequest
from hydranet.settings import EditFormat
from hydranet.strategy import Strategy


@dataclass(frozen=True)
class Draw:
    """What one format came to on one bug; `prompt` tells which was used, `answers` is 2 after a correction."""

    bug: str
    format: str
    prompt: str
    answers: int
    valid: bool
    passed: bool
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    seconds: float
    reason: str


async def aim(engine: Engine) -> Strategy:
    """Return the strategy that all formats pursue."""
    artifacts, objects = engine.prepared.artifacts, engine.prepared.objects
    if engine.instance.gold_symbols:
        file, _, symbol = engine.instance.gold_symbols[0].rpartition(":")
        return Strategy(
            title=f"Rewrite {symbol}() in {file}", kind=REWRITE, target_files=(file,), target_symbols=(symbol,)
        )
    view = await load_prompt_context(engine.work, artifacts, objects, Localiser(artifacts, objects))
    return hypotheses.build_strategies((), view, (), 1)[0]


async def draw(engine: Engine, model: str, name: EditFormat, strategy: Strategy) -> Draw:
    """Ask for the change in one format, and test it."""
    artifacts, objects = engine.prepared.artifacts, engine.prepared.objects
    profile = ModelProfile(formats=(name,), samples=1)
    backend = ChatBackend(connect(model, load_settings().models), profile, artifacts, objects)
    work = engine.work.model_copy(update={"model": model})
    step = StepRequest(work=work, branch=1, attempt=1, strategy=strategy, error=engine.baseline.error)
    answer = await backend.implement(step)
    assert answer.transcript is not None
    said = await get_model(artifacts, answer.transcript, Transcript)
    trial = await engine.trial(answer.candidates) if answer.candidates else None
    reason = answer.reason if trial is None else trial.refused or trial.report.reason
    return Draw(
        bug=engine.instance.id,
        format=name,
        prompt=answer.prompt,
        answers=len(said.exchanges),
        valid=trial is not None and not trial.refused,
        passed=trial is not None and trial.report.passed,
        prompt_tokens=answer.usage.prompt_tokens,
        cached_tokens=answer.usage.cached_tokens,
        output_tokens=answer.usage.output_tokens,
        seconds=round(answer.usage.seconds, 1),
        reason=reason,
    )


def table(draws: list[Draw]) -> str:
    """A row per format: shares in percent, mean tokens per bug."""
    rows = [
        "| format | bugs | valid at once | valid after a correction | pass | output tokens |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in get_args(EditFormat):
        own = [one for one in draws if one.format == name]
        if not own:
            continue
        at_once = sum(one.valid and one.answers == 1 for one in own)
        counts = (at_once, sum(one.valid for one in own), sum(one.passed for one in own))
        shares = " | ".join(f"{count} ({count / len(own):.0%})" for count in counts)
        tokens = sum(one.output_tokens for one in own) / len(own)
        rows.append(f"| {name} | {len(own)} | {shares} | {tokens:.0f} |")
    return "\n".join(rows)


async def main() -> None:
    """Print what becomes of every answer, and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--formats", nargs="+", choices=get_args(EditFormat), default=get_args(EditFormat))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    conditions, draws = Conditions(), list[Draw]()
    suite, instances = read_suite(given.suite, given.only)
    for instance in instances.values():
        async with survey(instance) as engine:
            strategy = await aim(engine)
            for name in given.formats:
                one = await draw(engine, given.model, name, strategy)
                draws.append(one)
                verdict = "passes" if one.passed else "valid" if one.valid else "unusable"
                print(f"{one.bug:34} {name:15} {verdict:9} {one.seconds:5.1f} s  {one.reason}", flush=True)
        if given.json:
            rows = [asdict(one) for one in draws]
            recording.write(given.json, conditions, rows, suite=suite.name, model=given.model)
    print(table(draws))


if __name__ == "__main__":
    run(main)
