"""The commands by name, each with the module that holds it and its line in the list that `hydra --help` prints.

A command's module is imported when the command is called: the imports of the others would delay it.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import wraps
from importlib import import_module
from keyword import iskeyword
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

from hydra_cli import terminal
from hydranet.text.escaping import clean_text


class Listing(NamedTuple):
    """A command's module in `hydra_cli`, and its line of help.

    The module has a function of the command's name, or as `GROUP` the commands below it.
    """

    module: str
    help: str


LISTINGS = {
    "fix": Listing("fix", "Fix a bug; the same command again follows a run that is still open."),
    "runs": Listing("runs", "List the runs, newest first."),
    "waiting": Listing("waiting", "List what waits for a person in all open runs, and how to answer."),
    "show": Listing("show", "Show a run as a tree: every branch and attempt, with scores and reasons."),
    "report": Listing("report", "Write a run's post-mortem: what was tried, what failed and why, and what won."),
    "pull-request": Listing("pull_request", "Open a pull request for the fix of a run, or show the one that is open."),
    "log": Listing("log", "Print a run's history as JSON lines, oldest first."),
    "watch": Listing("watch", "Watch a run in the terminal as it works, and steer it by keys."),
    "replay": Listing("replay", "Step through a past run: in a terminal with keys, in a pipe as plain lines."),
    "import": Listing(
        "run_archive", "Take a run that was exported elsewhere into the records: show, log, report and replay read it."
    ),
    "models": Listing("models", "Show whether each model answers, and how fast."),
    "pause": Listing("control", "Begin no further step; a step that is under way finishes."),
    "resume": Listing("control", "Go on after a pause."),
    "abort": Listing("control", "End the run, cancel what is under way, publish nothing."),
    "override": Listing("control", "Tell the next attempts something: a model reads it, templates go where it says."),
    "suggest": Listing("control", "Add a strategy of your own, which gets the next branch."),
    "reap": Listing("control", "End a branch by hand and force the next strategy."),
    "approve": Listing("control", "Let the verified fix be published."),
    "answer": Listing("answer", "Say what is right where the tests do not tell two fixes apart."),
    "reject": Listing("control", "Refuse the verified fix; the search goes on."),
    "index": Listing("index", "Index the committed code of a repository; only what has changed is read again."),
    "index-status": Listing("index_status", "Show what the index of a repository covers, and what is stale."),
    "retrieve": Listing("retrieve", "Find the code that an issue or a traceback is about."),
    "localise": Listing("localise", "Find the places where a bug may be fixed, by its issue and its failing tests."),
    "ast-graph": Listing("graph", "Show which functions the functions of a file call, as a tree or a graph."),
    "path": Listing("graph", "Show how two symbols are connected: the shortest path between them in the code graph."),
    "repo": Listing("repo", "Say in which repositories of this machine runs may work."),
    "cluster": Listing("cluster", "Make this machine node A of several, and manage its nodes and their tokens."),
    "join": Listing("join", "Join the cluster of node A with a token, to work for a role on this machine."),
    "up": Listing("stack", "Start the stack, and keep it running until `hydra down`."),
    "dashboard": Listing(
        "dashboard", "Bring up the stack's pages, and print their addresses: war room, Web UI, report."
    ),
    "down": Listing("stack", "Stop the stack; open runs continue when it starts again."),
    "setup-temporal": Listing("setup_temporal", "Create what HydraNet needs on your own Temporal server; repeatable."),
    "worker": Listing("worker", "Work for a role on this machine: supervisor, inference or sandbox, until Ctrl-C."),
    "temporal": Listing("temporal", "Run Temporal's own command on the stack's server."),
    "notify": Listing("notify", "Show whom notices go to, and try it: webhooks, e-mail, the desktop, programs."),
    "clean": Listing(
        "clean", "Remove what is older than the settings keep it: runs, artifacts, checkpoints, caches, environments."
    ),
    "doctor": Listing("doctor", "Check this machine, Temporal, PostgreSQL and every node, and say what to do."),
    "score": Listing("score", "Score a history of attempts for convergence, as the Reaper does."),
    "bench": Listing("bench.runner", "Run a suite of bugs, and report every success and failure."),
}


def name_function(command: str) -> str:
    """Return the name of a command's function in its module: with `_` where the command's is a word of Python."""
    return f"{command}_" if iskeyword(command) else command.replace("-", "_")


class Commands(TyperGroup):
    """A group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast(MutableMapping[str, Any], _Commands())

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the group's help, which needs no command but its name and line."""
        self.commands = {name: TyperCommand(name, help=listing.help) for name, listing in LISTINGS.items()}
        super().format_help(ctx, formatter)


def _clean_texts(function: Callable[..., None]) -> Callable[..., None]:
    # What of a command line is not UTF-8 comes as lone surrogates, which no request and no database could hold.
    @wraps(function)
    def command(**arguments: Any) -> None:
        function(**{name: _clean(value) for name, value in arguments.items()})

    return command


def _clean_group(group: typer.Typer) -> typer.Typer:
    for command in group.registered_commands:
        assert command.callback is not None
        command.callback = _clean_texts(command.callback)
    for below in group.registered_groups:
        assert below.typer_instance is not None
        _clean_group(below.typer_instance)
    return group


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return clean_text(value) if type(value) is str else value


class _Commands(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        terminal.guard_logs()
        module = import_module(f"hydra_cli.{LISTINGS[name].module}")
        if isinstance(group := getattr(module, "GROUP", None), typer.Typer):
            return typer.main.get_command(_clean_group(group))
        command = typer.Typer(add_completion=False)
        context = getattr(module, "CONTEXT_SETTINGS", None)
        function = _clean_texts(getattr(module, name_function(name)))
        command.command(short_help=LISTINGS[name].help, context_settings=context)(function)
        return typer.main.get_command(command)

    def __iter__(self) -> Iterator[str]:
        return iter(LISTINGS)

    def __len__(self) -> int:
        return len(LISTINGS)
