"""Investigation: the commands that a plan asks for, judged by policy and run in the sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from activities.sandbox.results import clean_output
from activities.sandbox.test_run import make_shell_command
from hydranet.contracts import Checkpoint, Finding
from hydranet.convergence.readings import parse_reading, strip_line_numbers
from hydranet.convergence.score import Command
from hydranet.policy import command_guard, investigation
from hydranet.policy.constitution import Constitution, Decision, Effect
from hydranet.text.truncation import keep_ends

if TYPE_CHECKING:
    from activities.sandbox.protocol import Execution
    from activities.sandbox.test_run import TestRunner

# Seconds for one command: reading and searching take less, and a plan should not wait longer.
SECONDS = 20.0

# Characters of one command's output in a prompt.
_OUTPUT_LIMIT = 1500
# What a file or a search says first matters more than its end.
_FIRST_SHARE = 0.7


async def run_investigation(
    runner: TestRunner, asked: Sequence[str], rules: Constitution, checkpoint: Checkpoint
) -> tuple[tuple[Command, ...], tuple[Finding, ...]]:
    """Run the commands that a model asked for, unless policy refuses them; return their records and their outputs.

    Each command has a sandbox and a copy of the tree of its own, so none changes what the next one sees.
    """
    runs = [await _run_command(runner, line, rules, checkpoint) for line in asked]
    return tuple(command for command, _ in runs), tuple(finding for _, finding in runs)


async def _run_command(
    runner: TestRunner, asked: str, rules: Constitution, checkpoint: Checkpoint
) -> tuple[Command, Finding]:
    line = investigation.parse_command(asked)
    decision = _decide(line, rules)
    if decision.effect is not Effect.ALLOWED:
        refused = f"{decision.rule}: {decision.reason}"
        return Command(command=asked, refused=refused), Finding(asked=asked, output=f"Refused: {decision.reason}")
    seconds = min(SECONDS, runner.spec.test_timeout)
    _, execution = await runner.run(make_shell_command(line), plugin=None, seconds=seconds, at_top=True)
    output = _format_output(execution)
    news = strip_line_numbers(clean_output(execution.output)) if parse_reading(asked) else output
    # With the checkpoint, because the same command on changed files is no repetition.
    result = hashlib.sha256(f"{checkpoint.commit}\0{news}".encode()).hexdigest()[:16]
    return Command(command=asked, result=result), Finding(asked=asked, output=output)


def _decide(line: str, rules: Constitution) -> Decision:
    # The constitution may also say that a person is to be asked; here nobody is, so that is no permission.
    decision = command_guard.decide(line)
    return rules.decide("run", line) if decision.effect is Effect.ALLOWED else decision


def _format_output(execution: Execution) -> str:
    text = keep_ends(clean_output(execution.output).strip("\n"), _OUTPUT_LIMIT, _FIRST_SHARE)
    ending = execution.reason or (f"exit status {execution.exit_status}" if execution.exit_status else "")
    if ending:
        text = f"{text}\n({ending})".strip()
    return text or "(printed nothing)"
