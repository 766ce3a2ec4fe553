"""Looking around: the commands that a plan asks for, judged by the guard and run in the sandbox."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from activities.sandbox.results import clean_output
from activities.sandbox.test_run import make_shell_command
from hydranet.contracts import Checkpoint, Finding
from hydranet.convergence.score import Command
from hydranet.policy import command_guard, investigation
from hydranet.policy.constitution import Constitution, Decision, Effect

if TYPE_CHECKING:
    from activities.sandbox.protocol import Execution
    from activities.sandbox.test_run import TestBench

# One look is short: what takes longer is no way to find out where the bug is.
SECONDS = 20.0

_OUTPUT_LIMIT = 1500
_END = 400


async def run_investigation(
    bench: TestBench, asked: str, rules: Constitution, checkpoint: Checkpoint
) -> tuple[Command, Finding]:
    """Run one command, if guard and constitution let it; the record of it, and what the model is told.

    Each command has a sandbox and a copy of the tree of its own, so none changes what the next one sees. Its
    digest is of the checkpoint and of what it printed: the same command on other files is no repetition.
    """
    line = investigation.parse_command(asked)
    decision = _judged(line, rules)
    if decision.effect is not Effect.ALLOWED:
        refused = f"{decision.rule}: {decision.reason}"
        return Command(command=asked, refused=refused), Finding(asked=asked, output=f"Refused: {decision.reason}")
    seconds = min(SECONDS, bench.spec.test_timeout)
    _, execution = await bench.run(make_shell_command(line), plugin=None, seconds=seconds)
    output = _told(execution)
    result = hashlib.sha256(f"{checkpoint.commit}\0{output}".encode()).hexdigest()[:16]
    return Command(command=asked, result=result), Finding(asked=asked, output=output)


def _judged(line: str, rules: Constitution) -> Decision:
    """What the guard says, and where it lets a command through, what the constitution says; nobody is there to ask."""
    decision = command_guard.decide(line)
    return rules.decide("run", line) if decision.effect is Effect.ALLOWED else decision


def _told(execution: Execution) -> str:
    """What was printed, defused and bounded, and how the command ended where that is not plain."""
    text = clean_output(execution.output).strip("\n")
    if len(text) > _OUTPUT_LIMIT:
        text = f"{text[: _OUTPUT_LIMIT - _END]}\n…\n{text[-_END:]}"
    ended = execution.reason or (f"exit status {execution.exit_status}" if execution.exit_status else "")
    if ended:
        text = f"{text}\n({ended})".strip()
    return text or "(printed nothing)"
