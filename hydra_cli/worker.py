"""`hydra worker`: a worker of this machine, for one or more roles."""

from typing import Annotated

import typer

from workers import worker as process
from workers.roles import Role


def worker(
    roles: Annotated[
        list[Role] | None,
        typer.Argument(
            metavar="ROLE...",
            help="supervisor, inference or sandbox; on a machine that has joined a cluster, by default its role there.",
        ),
    ] = None,
) -> None:
    """Work for a role on this machine: supervisor, inference or sandbox, until Ctrl-C."""
    raise typer.Exit(process.main(roles or []))
