"""HydraNet beside a plain loop with the same token budget: the model is asked, tested, shown the error, asked again.

Run with `python -m benchmarks.plain_loop MODEL SUITE [INSTANCE...] [--json FILE]`. The arms take turns, instance by
instance, so that both have the same load. HydraNet is `hydra bench` with the settings that HYDRA_* say; the plain loop
has no strategies, no Reaper and no choice of candidates: one chat, whole files, until the tests pass or the tokens are
spent.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from activities.artifacts.store import put_model
from activities.inference.backend import connect
from activities.inference.edits import EditTarget, apply_edit
from activities.inference.http_errors import ContextOverflowError
from activities.inference.prompt_context import load_prompt_context
from activities.inference.protocols import ChatClient, Message, ModelCall
from activities.localisation.localiser import Localiser
from benchmarks import recording, run
from benchmarks.engine import Engine, load_settings, survey
from hydra_cli.bench.conditions import Conditions
from hydra_cli.bench.suite import BugInstance, read_suite
from hydranet import patches
from hydranet.budget import Usage
from hydranet.contracts import Candidate, Candidates
from hydranet.errors import PatchError
from hydranet.text.escaping import fence
from hydranet.text.truncation import keep_last_lines

_ERROR_CHARACTERS = 1500
_ANSWER_TOKENS = 900
_REPEATED_TEMPERATURE = 0.7

_FORM = "Answer with the complete corrected file in one Python code block and nothing else."


@dataclass(frozen=True)
class Spent:
    """What an arm came to on one bug; `rounds` are its attempts or questions."""

    fixed: bool
    rounds: int
    tokens: int
    seconds: float
    reason: str = ""


class PlainLoop:
    """One chat about one bug."""

    def __init__(self, engine: Engine, client: ChatClient) -> None:
        self._engine = engine
        self._client = client
        self._usage = Usage()

    async def run(self, tokens: int) -> Spent:
        """Ask until the tests pass or `tokens` are spent."""
        sources = await self._sources()
        question = self._question(sources)
        chat, rounds, error = [question], 0, ""
        while self._usage.tokens < tokens:
            try:
                answer = await self._ask(chat, rounds)
            except ContextOverflowError:
                if chat == [question]:
                    return self._spent(False, rounds, "The question does not fit into the context.")
                chat = [question]
                continue
            rounds += 1
            error = await self._error(answer, sources)
            if not error:
                return self._spent(True, rounds, "")
            chat += [
                {"role": "assistant", "content": answer},
                {"role": "user", "content": f"It still fails:\n\n{fence(error)}\n\n{_FORM}"},
            ]
        return self._spent(False, rounds, error.strip().rpartition("\n")[2])

    async def _sources(self) -> dict[str, str]:
        """The files that retrieval found, without tests."""
        artifacts, objects = self._engine.prepared.artifacts, self._engine.prepared.objects
        work = self._engine.work.model_copy(update={"spectrum": None})
        view = await load_prompt_context(work, artifacts, objects, Localiser(artifacts, objects))
        return {path: text for path, text in view.sources.items() if not view.is_test(path)}

    def _question(self, sources: dict[str, str]) -> Message:
        failing = fence(keep_last_lines(self._engine.baseline.tail, _ERROR_CHARACTERS))
        code = "\n\n".join(f"{path}:\n{fence(text, 'python')}" for path, text in sources.items())
        words = f"{self._engine.instance.issue}\n\nThe tests say:\n{failing}\n\n{code}\n\nFix the bug. {_FORM}"
        return {"role": "user", "content": words}

    async def _ask(self, chat: list[Message], rounds: int) -> str:
        done = await self._client.complete(
            ModelCall("implement", sample=rounds),
            chat,
            schema=None,
            temperature=_REPEATED_TEMPERATURE if rounds else 0.0,
            seed=rounds,
            max_tokens=_ANSWER_TOKENS,
        )
        self._usage += done.usage
        return done.text

    async def _error(self, answer: str, sources: dict[str, str]) -> str:
        """What the tests say of an answer; empty when they pass."""
        try:
            changed = apply_edit(answer, sources, EditTarget(tuple(sources)))
            diff = "".join(patches.make_diff(path, sources[path], changed[path]) for path in sorted(changed))
        except PatchError as problem:
            return str(problem)
        made = Candidates(candidates=(Candidate(diff=diff),))
        trial = await self._engine.trial(await put_model(self._engine.prepared.artifacts, made))
        if trial.report.passed:
            return ""
        return trial.refused or keep_last_lines(trial.report.tail, _ERROR_CHARACTERS) or trial.report.reason

    def _spent(self, fixed: bool, rounds: int, reason: str) -> Spent:
        return Spent(fixed, rounds, self._usage.tokens, round(self._usage.seconds, 1), reason)


async def plain(instance: BugInstance, model: str, tokens: int) -> Spent:
    """Run the plain loop on one bug."""
    async with survey(instance) as engine:
        return await PlainLoop(engine, connect(model, load_settings().models)).run(tokens)


async def hydra(instance: BugInstance, given: argparse.Namespace) -> dict[str, Any]:
    """Return what `hydra bench` says of one bug."""
    with tempfile.TemporaryDirectory(prefix="hydra-bench-") as folder:
        told = Path(folder) / "results.json"
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("hydra")), "bench", "--suite", str(given.suite)),
            *("--only", instance.folder.name),
            *("--model", given.model, "--json", str(told)),
            env=os.environ | {"HYDRA_BUDGET__TOKENS": str(given.tokens), "HYDRA_BUDGET__ATTEMPTS": str(given.attempts)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        if await process.wait():
            raise SystemExit(f"hydra bench ended with exit code {process.returncode}.")
        return dict(json.loads(told.read_text())["instances"][0])


def _said(name: str, fixed: bool, rounds: int, tokens: int, seconds: float) -> str:
    return f"{name} {'fixed' if fixed else '-':5} {rounds:3} {tokens:6} tokens {seconds:6.0f} s"


async def main() -> None:
    """Print a line for each instance and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("suite", type=Path)
    parser.add_argument("only", nargs="*")
    parser.add_argument("--attempts", type=int, default=6, help="HydraNet's attempts, in all branches together")
    parser.add_argument("--tokens", type=int, default=24_000, help="the budget of either arm")
    parser.add_argument("--arms", nargs="+", choices=("hydra", "plain"), default=("hydra", "plain"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    conditions, rows = Conditions(), list[dict[str, Any]]()
    suite, instances = read_suite(given.suite, given.only)
    budget = {"attempts": given.attempts, "tokens": given.tokens}
    for instance in instances.values():
        words = []
        if "hydra" in given.arms:
            own = await hydra(instance, given)
            rows.append({**own, "arm": "hydra"})
            words.append(_said("hydra", own["fixed"], own["attempts"], own["tokens"], own["seconds"]))
        if "plain" in given.arms:
            loop = await plain(instance, given.model, given.tokens)
            rows.append({"id": instance.id, "arm": "plain", **asdict(loop)})
            words.append(_said("plain", loop.fixed, loop.rounds, loop.tokens, loop.seconds))
        print(f"{instance.id:34} {' | '.join(words)}", flush=True)
        if given.json:
            recording.write(given.json, conditions, rows, suite=suite.name, model=given.model, budget=budget)
    for arm in given.arms:
        fixed = [row["fixed"] for row in rows if row["arm"] == arm]
        print(f"{arm}: {sum(fixed)} of {len(fixed)} fixed")


if __name__ == "__main__":
    run(main)
