"""Answers to a run's questions from an instance's right fix, as a person who knows it would give them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from activities.artifacts.store import put_model
from hydra_cli.bench.instance_tests import PreparedRepository, prepare
from hydra_cli.bench.suite import GOLD, BugInstance, apply_patch, build_tree, check_out
from hydranet.contracts import ArtifactRef, Candidate, Candidates, TrialRequest
from hydranet.patches import make_diff
from hydranet.question import BehaviourAnswer, BehaviourQuestion
from hydranet.settings import Settings


async def answer_by_gold(instance: BugInstance, question: BehaviourQuestion, settings: Settings) -> str:
    """Return `1` or `2` for what the right fix does too, else `neither`; `unknown` where no test makes the call."""
    with tempfile.TemporaryDirectory(prefix="hydra-gold-") as folder:
        base = await asyncio.to_thread(check_out, instance, Path(folder) / "base")
        gold = await asyncio.to_thread(_make_gold_diff, instance, base.path, Path(folder) / "gold")
        async with prepare(base.path, instance.merge_settings(settings)) as prepared:
            baseline = (await prepared.run_tests()).results
            agreed = [
                str(number)
                for number, choice in enumerate(question.choices, 1)
                if baseline is not None
                and await _agrees(prepared, baseline, gold, BehaviourAnswer(call=question.call, right=choice.result))
            ]
    # What nobody calls contradicts nothing.
    return "neither" if not agreed else agreed[0] if len(agreed) == 1 else "unknown"


def _make_gold_diff(instance: BugInstance, base: Path, target: Path) -> str:
    build_tree(instance, target)
    apply_patch(instance.folder / GOLD, target)
    files = ((file, (base / file).read_text(), (target / file).read_text()) for file in instance.gold_files)
    return "".join(make_diff(*file) for file in files)


async def _agrees(prepared: PreparedRepository, baseline: ArtifactRef, gold: str, answer: BehaviourAnswer) -> bool:
    candidates = Candidates(candidates=(Candidate(diff=gold, title="the right fix"),))
    trial = await prepared.sandbox.try_candidates(
        TrialRequest(
            snapshot=prepared.snapshot,
            parent=prepared.base,
            environment=prepared.environment,
            spec=prepared.spec,
            baseline=baseline,
            candidates=await put_model(prepared.artifacts, candidates),
            answers=(answer,),
        )
    )
    return trial.report.passed
