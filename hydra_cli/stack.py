"""`hydra up` and `hydra down`: keep the embedded stack running, or stop it."""

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from workers.stack import StackFolder, attach, stop
from workers.temporal_profile import choose_server


def up() -> None:
    """Start the stack, and keep it running until `hydra down`."""
    chosen = settings.load_settings()
    if choose_server(chosen.temporal).address:
        raise UsageError(
            "Another Temporal server is named ('temporal.address', or a variable TEMPORAL_*): start that one instead."
        )
    folder = StackFolder(chosen.data_dir)
    folder.create()
    folder.keep.touch()
    with attach(chosen) as stack:
        write_line(f"Temporal   {stack.temporal.address}")
        write_line(f"Web UI     {stack.web_ui}")
        if stack.network_ui:
            write_line(f"           {stack.network_web_ui}")
            write_line(f"           from other machines; SHA-256 of its certificate: {stack.network_ui_fingerprint}")
        write_line(f"Data       {folder.root}")
        write_line("The stack stays up until `hydra down`.")


def down() -> None:
    """Stop the stack; open runs continue when it starts again."""
    stopped = stop(settings.load_settings())
    write_line("The stack has stopped." if stopped else "No stack was running.")
