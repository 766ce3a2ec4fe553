"""How a run has ended, as the command that followed it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hydra_cli.terminal import write_line
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy, Verdict
from hydranet.report.question import ask_behaviour, is_about_change
from hydranet.text.escaping import format_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hydra_cli.session import Session
    from hydranet.contracts import RunResult

EXIT_CODES = {Verdict.FIXED: 0, Verdict.EXHAUSTED: 1, Verdict.FAILED: 1, Verdict.ABORTED: 3, Verdict.AMBIGUOUS: 4}


def print_conclusion(session: Session, path: str, genealogy: Genealogy, result: RunResult) -> None:
    """Print where the fix is, what is left open, and where to look; UsageError where the input was refused."""
    run_id = genealogy.run_id
    if result.verdict.has_fix:
        git = ("git", "-C", path)
        has_rivals = result.verdict is Verdict.AMBIGUOUS and not is_about_change(genealogy)
        which = "likelier of the fixes" if has_rivals else "fix"
        write_line(f"\nThe {which} is on branch {result.published}. Look at it, then merge it:")
        write_line(f"  {format_command(*git, 'diff', f'HEAD...{result.published}')}")
        write_line(f"  {format_command(*git, 'merge', result.published)}")
        if result.note:
            write_line(result.note)
    if result.verdict is Verdict.AMBIGUOUS:
        write_line(f"The tests do not tell {'whether it' if is_about_change(genealogy) else 'which fix'} is right.")
        for line in list_question(genealogy):
            write_line(line)
        write_line(f"  {format_command('hydra', 'answer', run_id)} 1    (or 2, or neither, or --value LITERAL)")
    write_line(f"Every approach that was tried: {format_command('hydra', 'show', run_id)}")
    if page := session.stack.workflow_url(run_id):
        write_line(f"Its page{', while the stack is up (hydra up)' if session.stack.pid else ''}: {page}")
    if result.refused:
        raise UsageError(result.reason)


def list_question(genealogy: Genealogy) -> Iterator[str]:
    """Yield what a run asks about what the code is to do, in lines; nothing where it does not."""
    question = ask_behaviour(genealogy)
    if question is not None:
        yield question.text
        yield from (f"  {label.lower()}: {text}" for label, text in question.facts)
