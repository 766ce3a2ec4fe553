"""`hydra up` and `hydra down`: keep the embedded stack running, or stop it."""

import typer

from hydranet import settings
from hydranet.errors import UsageError
from workers.stack import StackFolder, attach, stop


def up() -> None:
    """Start the stack, and keep it running until `hydra down`."""
    chosen = settings.load_settings()
    if chosen.temporal.address:
        raise UsageError("The settings name another Temporal server ('temporal.address'): start that one instead.")
    folder = StackFolder(chosen.data_dir)
    folder.create()
    folder.keep.touch()
    with attach(chosen) as stack:
        typer.echo(f"Temporal   {stack.temporal.address}")
        typer.echo(f"Web UI     {stack.temporal.ui}")
        typer.echo(f"Data       {folder.root}")
        typer.echo("The stack stays up until `hydra down`.")


def down() -> None:
    """Stop the stack; open runs continue when it starts again."""
    stopped = stop(settings.load_settings())
    typer.echo("The stack has stopped." if stopped else "No stack was running.")
