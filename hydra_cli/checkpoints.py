"""The checkpoints of a run as `git log` would tell them."""

from collections.abc import Iterator
from textwrap import indent

from rich.console import Group, RenderableType
from rich.text import Text

from hydranet import checkpoint
from hydranet.genealogy import AttemptRecord, BranchRecord, Genealogy


def render_checkpoints(genealogy: Genealogy) -> RenderableType:
    """Every attempt with its commit, if it has one, and its message, oldest first."""
    told = [
        part
        for branch in genealogy.branches
        for attempt in branch.attempts
        for part in _checkpoint(genealogy.run_id, branch, attempt)
    ]
    return Group(*told) if told else Text("No attempt has been made yet.")


def _checkpoint(run_id: str, branch: BranchRecord, attempt: AttemptRecord) -> Iterator[Text]:
    name = f"hydra/{run_id}/{checkpoint.format_name(branch.number, attempt.number)}"
    commit = (attempt.checkpoint[:12], "yellow") if attempt.checkpoint else ("no commit", "dim")
    yield Text.assemble((name, "bold"), "  ", commit)
    yield Text(indent(checkpoint.format_message(branch.number, branch.strategy.title, attempt), "    ") + "\n")
