"""`hydra worker`: a worker of this machine, for one or more roles."""

from typing import Annotated

import typer

from hydranet.names import Role
from workers import worker as process


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
