"""`hydra up` and `hydra down`: keep the embedded stack running, or stop it."""

from typing import Annotated

import typer

from hydra_cli.terminal import write_line
from hydranet import settings
from hydranet.errors import UsageError
from hydranet.text.escaping import format_command
from hydranet.text.formatting import join_words
from workers.observation import Observation, locate_deployment
from workers.stack import StackFolder, attach, stop
from workers.temporal_profile import choose_server


def up(
    observe: Annotated[
        bool, typer.Option("--observe", help="Observe it: metrics, Prometheus and Grafana where they are installed.")
    ] = False,
) -> None:
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
        if observe:
            _write_observation(folder.request_observation(), folder)
        write_line(f"Data       {folder.root}")
        write_line("The stack stays up until `hydra down`.")


def _write_observation(observation: Observation, folder: StackFolder) -> None:
    absent = set(observation.missing)
    if "grafana" not in absent:
        password = folder.root / "keys" / "grafana-password"
        write_line(f"Grafana    {observation.grafana}/ (user admin, password in {password})")
    if "prometheus" not in absent:
        write_line(f"Prometheus {observation.prometheus}/")
    if absent:
        write_line(describe_missing(observation, folder))


def describe_missing(observation: Observation, folder: StackFolder) -> str:
    """Return the sentence about the programs that are not installed here, with the command for containers of them."""
    compose = locate_deployment("grafana") / "compose.yaml"
    variables = folder.observe.parent / "compose.env"
    files = ("--env-file", str(variables), "--file", str(compose))
    command = format_command("docker", "compose", *files, "up", "--detach", *observation.missing)
    names = join_words([name.capitalize() for name in observation.missing])
    return f"{names} {'is' if len(observation.missing) == 1 else 'are'} not installed here. In containers: {command}"


def down() -> None:
    """Stop the stack; open runs continue when it starts again."""
    stopped = stop(settings.load_settings())
    write_line("The stack has stopped." if stopped else "No stack was running.")
