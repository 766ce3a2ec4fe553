"""Investigation: the commands that a plan asks for, judged by policy and run in the sandbox."""

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
    from activities.sandbox.test_run import TestRunner

# Seconds for one command: reading and searching take less, and a plan should not wait longer.
SECONDS = 20.0

# Characters that a prompt gets of one command's output, and how many of them from its end.
_OUTPUT_LIMIT = 1500
_END = 400


async def run_investigation(
    runner: TestRunner, asked: str, rules: Constitution, checkpoint: Checkpoint
) -> tuple[Command, Finding]:
    """Run a command that a model asked for, if policy allows it, and return its record and its output.

    Each command has a sandbox and a copy of the tree of its own, so none changes what the next one sees.
    """
    line = investigation.parse_command(asked)
    decision = _decide(line, rules)
    if decision.effect is not Effect.ALLOWED:
        refused = f"{decision.rule}: {decision.reason}"
        return Command(command=asked, refused=refused), Finding(asked=asked, output=f"Refused: {decision.reason}")
    seconds = min(SECONDS, runner.spec.test_timeout)
    _, execution = await runner.run(make_shell_command(line), plugin=None, seconds=seconds)
    output = _format_output(execution)
    # With the checkpoint, because the same command on changed files is no repetition.
    result = hashlib.sha256(f"{checkpoint.commit}\0{output}".encode()).hexdigest()[:16]
    return Command(command=asked, result=result), Finding(asked=asked, output=output)


def _decide(line: str, rules: Constitution) -> Decision:
    # The constitution may also say that a person is to be asked; here nobody is, so that is no permission.
    decision = command_guard.decide(line)
    return rules.decide("run", line) if decision.effect is Effect.ALLOWED else decision


def _format_output(execution: Execution) -> str:
    text = clean_output(execution.output).strip("\n")
    if len(text) > _OUTPUT_LIMIT:
        text = f"{text[: _OUTPUT_LIMIT - _END]}\n…\n{text[-_END:]}"
    ending = execution.reason or (f"exit status {execution.exit_status}" if execution.exit_status else "")
    if ending:
        text = f"{text}\n({ending})".strip()
    return text or "(printed nothing)"
