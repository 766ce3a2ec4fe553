"""Asking the person at the terminal what is right, while a run waits for it."""

from __future__ import annotations

import asyncio

from hydra_cli.conclusion import list_question
from hydra_cli.control import ask_run
from hydra_cli.session import Session
from hydra_cli.terminal import read_line, write_line
from hydranet.errors import UsageError
from hydranet.genealogy import Genealogy

_HINT = "1, 2, neither, unknown, or a value such as [1, 2]; empty to answer later by `hydra answer`: "


async def ask_person(session: Session, genealogy: Genealogy) -> None:
    """Ask what the run waits for, until an answer is taken or the person leaves it for later."""
    for line in list_question(genealogy):
        write_line(line)
    while words := (await asyncio.to_thread(read_line, _HINT)).strip():
        arguments = [words] if words in ("1", "2", "neither", "unknown") else ["value", words]
        try:
            write_line(await ask_run(session.run_handle(genealogy.run_id), "answer", arguments))
            return
        except UsageError as error:
            write_line(str(error), error=True)
