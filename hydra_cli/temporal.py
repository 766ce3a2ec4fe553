"""`hydra temporal`: Temporal's own command on the stack's server, which no port leads to."""

import subprocess
from typing import Annotated

import typer

from hydranet import settings
from workers.stack import attach
from workers.temporal_server import build_client_command

# What looks like an option is the other command's.
CONTEXT_SETTINGS = {"ignore_unknown_options": True}


def temporal(
    arguments: Annotated[list[str], typer.Argument(metavar="ARGUMENT...", help="The arguments of `temporal`.")],
) -> None:
    """Run Temporal's own command on the stack's server.

    For example: hydra temporal workflow list
    """
    with attach(settings.load_settings()) as stack:
        command, env = build_client_command(stack)
        done = subprocess.run([*command, *arguments], env=env)
    raise typer.Exit(done.returncode)
