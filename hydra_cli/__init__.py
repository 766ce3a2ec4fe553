"""The `hydra` command. Exit codes: 0 fixed or done, 1 not fixed, 2 bad input or set-up, 3 aborted."""

import gc
import os
import sys
import warnings
from typing import Any

import typer

from hydra_cli import terminal
from hydra_cli.commands import Commands
from hydranet.errors import HydraError

_LOOPBACK = "localhost,127.0.0.1,::1"

app = typer.Typer(
    name="hydra",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _hydra() -> None:
    """Fix bugs in a Git repository with your own models, and quit dead approaches on purpose."""


def main() -> None:
    """Run a command; a HydraError is one sentence on standard error and exit code 2."""
    warnings.simplefilter("ignore")
    # Imports make many objects and hardly any garbage: looking for it took a tenth of the time of `hydra runs`.
    gc.set_threshold(100_000)
    terminal.guard_streams()
    keep_proxies_off_loopback()
    code = _run()
    sys.stdout.flush()
    sys.stderr.flush()
    # The Temporal client's own threads may call into an interpreter that is being taken down, which aborts.
    os._exit(code)


def keep_proxies_off_loopback() -> None:
    """Have every client and process that reads the environment ask this machine without a proxy."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = known if _LOOPBACK in known else f"{known},{_LOOPBACK}".lstrip(",")
    os.environ.update(no_proxy=hosts, NO_PROXY=hosts)


def _run() -> int:
    try:
        code = app(prog_name="hydra", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except HydraError as error:
        return _refuse(str(error))
    except typer.Abort:
        return _refuse("Aborted.", 1)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        if (explain := getattr(error, "format_message", None)) is not None:
            return _refuse_arguments(explain(), getattr(error, "ctx", None))
        if (invalid := _explain_invalid(error)) is not None:
            return _refuse(invalid)
        if _is_lost_connection(error):
            return _refuse("The connection to Temporal was lost. Run the command again: runs carry on.")
        terminal.write_failure(error)
        return 1


def _refuse(sentence: str, code: int = 2) -> int:
    terminal.write_line(f"hydra: {sentence}", error=True)
    return code


def _refuse_arguments(message: str, context: Any) -> int:
    # Without a message it is the help that was printed, since the command has no arguments.
    command = context.command_path if context is not None else "hydra"
    # A list of choices comes one a line, and a choice that is none with the name of its exception.
    message = " ".join(message.split()).replace(": Value error, ", ": ")
    return _refuse(f"{message.rstrip('.')}: see `{command} --help`.") if message else 2


def _explain_invalid(error: Exception) -> str | None:
    # Imported here, for the commands that need no model of pydantic.
    from pydantic import ValidationError

    from hydranet.invalid_values import explain_field

    if not isinstance(error, ValidationError):
        return None
    return f"A value of {error.title} does not fit: {explain_field(error)}. If it is not yours, HydraNet is at fault."


def _is_lost_connection(error: Exception) -> bool:
    # Imported here, since it takes longer than many a command that needs no Temporal.
    from temporalio.service import RPCError, RPCStatusCode

    return isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE
