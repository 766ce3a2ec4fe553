"""What an attempt of a run changes, and how two attempts differ: `hydra show --diff`."""

from __future__ import annotations

from collections.abc import Sequence

from activities.artifacts.database import open_database
from activities.history.attempt_patches import AttemptPatch, AttemptPatches
from hydra_cli.run_records import read_log
from hydra_cli.session import Session
from hydra_cli.terminal import write_line
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy
from hydranet.lineage import AttemptKey, choose_attempt, list_lineage, parse_attempt


async def read_patch(session: Session, genealogy: Genealogy, keys: Sequence[AttemptKey]) -> AttemptPatch:
    """Return what one attempt changes of the run's base, or what leads from one attempt to another.

    Raises UsageError where there is no such attempt, or it has no patch.
    """
    for key in keys:
        list_lineage(genealogy, key)  # before a long history is read
    try:
        entries = await read_log(session, genealogy.run_id)
    except UsageError:
        entries = []  # The record of a run without a log still has the heads of its patches.
    async with open_database(session.stack.database) as pool:
        patches = AttemptPatches(pool, genealogy, entries)
        return await (patches.read(*keys) if len(keys) == 1 else patches.compare(*keys))


def split_names(run: str, names: Sequence[str]) -> tuple[str, list[AttemptKey]]:
    """Return the run and the attempts that a command line names: `hydra show --diff b02/3` means the latest run."""
    if run and "/" in run:
        run, names = "", [run, *names]
    if len(names) > 2:
        raise UsageError(f"{len(names)} attempts are named: --diff takes one, or two to compare.")
    return run, [parse_attempt(name) for name in names]


async def show_diff(session: Session, genealogy: Genealogy, keys: Sequence[AttemptKey]) -> None:
    """Print a patch: of the attempts that are named, by default of the one that passes, or else of the best."""
    chosen = list(keys) or [choose_attempt(genealogy)]
    patch = await read_patch(session, genealogy, chosen)
    # What is no part of the patch goes where no `git apply` reads it.
    if not keys:
        write_line(f"The patch of {chosen[0]}:", error=True)
    if patch.remark:
        write_line(patch.remark, error=True)
    if patch.text:
        write_line(patch.text.removesuffix("\n"))
    else:
        write_line("They change the same." if len(chosen) == 2 else "It changes nothing.", error=True)
