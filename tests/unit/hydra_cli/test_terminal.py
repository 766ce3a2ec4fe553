"""The one writer: whatever is printed, a terminal shows it and obeys nothing."""

import ast
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import Progress, TextColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from hydra_cli import terminal
from hydra_cli.console import SafeConsole
from hydranet.text.escaping import escape_controls

ROOT = Path(__file__).parents[3]
SGR = re.compile(r"\x1b\[[0-9;]*m")
# What Rich's own live displays add: to the line's start, up, clear, hide and show the cursor.
CURSOR = re.compile(r"\r|\x1b\[(?:\d*A|2K|\?25[lh])")
ANYTHING = st.text(st.characters(categories=None), max_size=200)
HOSTILE = [
    "\x1b]0;owned\x07",
    "\x1b]8;;http://x\x1b\\\\link\x1b]8;;\x1b\\\\",
    "\x1b[2J\x1b[H",
    "\x9b31m\x9d0;x\x9c",
    "a\rb\x08\x0b\x0c",
    "\u202etxt.exe\u202c\u2066x\u2069\u200f",
    "\x1bP+q\x1b\\\\ \x1b_x\x1b\\\\ \x1b^y\x1b\\\\",
    "\x1b[31mred\x1b[0m",
    "\udc9b2J \ud800",
    "[link=http://x]markup[/link] [red]x[/] [/]",
    "\U000e0041\u2028\x85",
]


def obeyed(screen: str) -> str:
    """Return what of a screen would steer the terminal, styles of our own left out."""
    rest = SGR.sub("", screen)
    return "".join(char for char in rest if char not in "\n\t" and escape_controls(char) != char)


@pytest.mark.parametrize("text", HOSTILE)
def test_lines_and_errors_are_shown(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.write_line(text)
    terminal.write_line(text, error=True)
    terminal.write_json({"a": text})
    try:
        raise ValueError(text)
    except ValueError as error:
        terminal.write_failure(error)
    out, err = capsys.readouterr()
    assert obeyed(out + err) == ""
    assert SGR.search(out + err) is None
    assert json.loads(out.splitlines()[-1]) == {"a": text}


def draw(text: str, colour: bool = True) -> str:
    output = io.StringIO()
    console = SafeConsole(file=output, width=80, force_terminal=colour, color_system="truecolor", legacy_windows=False)
    table, tree = Table("head", box=None), Tree(Text(text))
    table.add_row(Text(text, Style(color="red", link=text)))
    tree.add(Group(Text(text, "bold"), Panel(Text(text), title=Text(text))))
    console.print(Text(text, "dim"), table, tree, sep="\n")
    console.print(text, markup=False, style="yellow")
    terminal.print_plain(console, text, "red")
    console.log(Text(text))
    console.rule(Text(text))
    return output.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_what_rich_draws_is_shown(text: str) -> None:
    screen = draw(text)
    assert SGR.search(screen), "our own styles stay"
    assert obeyed(screen) == ""


@settings(max_examples=60, deadline=None)
@given(ANYTHING)
def test_nothing_but_our_own_styles_comes_out(text: str) -> None:
    assert obeyed(draw(text)) == ""
    assert obeyed(draw(text, colour=False)) == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_live_displays_move_the_cursor_and_obey_nothing_else(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    console = SafeConsole(file=output, width=80, force_terminal=True, legacy_windows=False)
    with Live(Text(text), console=console, transient=True, auto_refresh=False) as live:
        live.update(Text(text), refresh=True)
        terminal.write_line(text)
    with Progress(TextColumn("{task.description}", markup=False), console=console, transient=True) as bar:
        bar.add_task(text)
    assert obeyed(CURSOR.sub("", output.getvalue())) == ""


def test_what_a_library_logs_goes_through_the_writer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    errors = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", errors)
    terminal.guard_streams()
    terminal.guard_logs()
    assert logging.lastResort is not None
    logging.lastResort.handle(logging.LogRecord("x", logging.ERROR, "", 0, "\x1b]0;x\x07 \u202e é", (), None))
    errors.seek(0)
    assert errors.buffer.read() == b"?]0;x? ? ?\n"


def test_an_output_without_our_characters_takes_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="surrogateescape"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO()))
    terminal.guard_streams()
    terminal.write_line("≤ \udc9b é")
    assert raw.getvalue() == b"? ? ?\n"


# The only other modules that write: what runs inside a sandbox, and the processes of the stack, to each other.
WRITERS = {"hydra_cli/terminal.py", "hydra_cli/console.py"}
PROCESSES = {"workers/embedded.py", "workers/worker.py"}


def writes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "input" as name)):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="typer" | "click"), attr="echo" | "secho" as name)):
                yield name
            case ast.Attribute(
                value=ast.Name(id="sys"), attr="stdout" | "stderr" | "__stdout__" | "__stderr__" as name
            ):
                yield f"sys.{name}"
            case ast.Call(func=ast.Name(id="Console" | "SafeConsole" as name)):
                yield name
            case ast.Call(func=ast.Attribute(attr="Console" | "set_window_title" | "print_json" | "out" as name)):
                yield name
            case ast.ImportFrom(module="rich"):
                yield "rich.print"
            case ast.Call(func=ast.Name(id="Progress" | "track" | "Live" as name), keywords=keywords):
                # Without a console of ours these make one of their own.
                if not any(keyword.arg == "console" for keyword in keywords):
                    yield f"{name} without a console"


def test_nothing_else_writes_to_the_terminal() -> None:
    found = {}
    for package in ("hydranet", "activities", "workflows", "workers", "hydra_cli"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in WRITERS | PROCESSES or "/inside/" in name:
                continue
            if own := set(writes(ast.parse(path.read_text()))) - (
                {"sys.stdout", "sys.stderr"} & FLUSHED.get(name, set())
            ):
                found[name] = own
    assert found == {}


FLUSHED = {"hydra_cli/__init__.py": {"sys.stdout", "sys.stderr"}}


@pytest.mark.parametrize(
    "line",
    [
        "print('x')",
        "typer.echo('x')",
        "import sys\nsys.stderr.write('x')",
        "from rich.console import Console\nConsole().print('x')",
        "rich.console.Console()",
        "from rich import print",
        "console.set_window_title('x')",
        "with Progress() as bar: pass",
        "track([])",
    ],
)
def test_the_walk_finds_a_line_that_writes(line: str) -> None:
    assert list(writes(ast.parse(line)))
