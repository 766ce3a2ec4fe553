"""`hydra replay`: a past run step by step, in a terminal by keys, in a pipe as plain lines."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live

from hydra_cli.follow import list_changes
from hydra_cli.session import attach_session
from hydra_cli.terminal import make_console, plain, print_plain
from hydra_cli.tree import render_tree
from hydranet import settings
from hydranet.genealogy import Genealogy
from hydranet.text.formatting import format_duration
from hydranet.timeline import list_moments, rewind

_HELP = "space pause, ← → step, + - speed, g G ends, q quit"
_SLOWEST, _FASTEST = 1 / 16, 4096.0
# A key counts at once, and a screen need not be drawn more often.
_TICK_SECONDS = 0.1
_KEY_BYTES = 8


def replay(
    run: Annotated[str, typer.Argument(help="The run's id or a part of it; by default the latest run.")] = "",
    speed: Annotated[float, typer.Option(min=_SLOWEST, max=_FASTEST, help="How many times as fast as it was.")] = 20.0,
) -> None:
    """Step through a past run: in a terminal with keys, in a pipe as plain lines."""
    genealogy = asyncio.run(_read(run))
    console = make_console()
    if console.is_terminal and sys.stdin.isatty():
        _play(genealogy, speed, console)
    else:
        _print_lines(genealogy, console)


async def _read(run: str) -> Genealogy:
    async with attach_session(settings.load_settings()) as session:
        return await session.genealogy(await session.find_run(run))


def list_lines(genealogy: Genealogy) -> Iterator[str]:
    """Yield a line for each thing that happened, with its time after the start of the run."""
    before: Genealogy | None = None
    for moment in list_moments(genealogy):
        after = rewind(genealogy, moment)
        for line in list_changes(before, after):
            yield f"{format_clock(moment)}  {line}"
        before = after


def format_clock(seconds: float) -> str:
    """Return a time of a run: `4:07`, `1:02:09`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Player:
    """Where a replay is: a step of the run, at a pace, going on or paused."""

    def __init__(self, moments: list[float], speed: float) -> None:
        self.moments = moments
        self.speed = speed
        self.step = 0
        self.paused = False
        self.ended = False
        self._seconds = moments[0]

    @property
    def moment(self) -> float:
        """The moment that is shown, in seconds after the start of the run."""
        return self.moments[self.step]

    @property
    def at_end(self) -> bool:
        """Whether the last step is shown."""
        return self.step == len(self.moments) - 1

    def advance(self, seconds: float) -> None:
        """Let time pass, as much as the pace makes of it."""
        if self.paused or self.at_end:
            return
        self._seconds += seconds * self.speed
        while not self.at_end and self.moments[self.step + 1] <= self._seconds:
            self.step += 1

    def press(self, key: str) -> None:
        """Obey a key; one that means nothing is left out."""
        match key:
            case "q" | "\x03" | "\x04":
                self.ended = True
            case " ":
                self.paused = not self.paused
            case "n" | "\x1b[C" | "\x1bOC":
                self._go_to(self.step + 1)
            case "p" | "\x1b[D" | "\x1bOD":
                self._go_to(self.step - 1)
            case "g":
                self._go_to(0)
            case "G":
                self._go_to(len(self.moments) - 1)
            case "+" | "=":
                self.speed = min(2 * self.speed, _FASTEST)
            case "-":
                self.speed = max(self.speed / 2, _SLOWEST)

    def _go_to(self, step: int) -> None:
        self.paused = True
        self.step = max(0, min(step, len(self.moments) - 1))
        self._seconds = self.moment

    def describe(self) -> str:
        """Return the line below the tree."""
        state = "end" if self.at_end else "paused" if self.paused else "playing"
        where = f"{format_clock(self.moment)} of {format_duration(self.moments[-1])}"
        return f"{state}  {where}  step {self.step + 1} of {len(self.moments)}  {self.speed:g} times as fast  {_HELP}"


def _print_lines(genealogy: Genealogy, console: Console) -> None:
    for line in list_lines(genealogy):
        print_plain(console, line)


def _play(genealogy: Genealogy, speed: float, console: Console) -> None:
    player = Player(list_moments(genealogy), speed)
    with _keys() as read_key, Live(console=console, auto_refresh=False, screen=True) as live:
        shown, last = "", time.monotonic()
        while not player.ended:
            if (line := player.describe()) != shown:
                tree = render_tree(rewind(genealogy, player.moment), recent=2)
                live.update(Group(tree, plain(line, "dim")), refresh=True)
                shown = line
            player.press(read_key())
            now = time.monotonic()
            player.advance(now - last)
            last = now
    console.print(render_tree(rewind(genealogy, player.moment)))


@contextmanager
def _keys() -> Iterator[Callable[[], str]]:
    """Yield a function that returns the key that was pressed within a tick, or nothing."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def read_key() -> str:
        ready, _, _ = select.select([terminal], [], [], _TICK_SECONDS)
        return os.read(terminal, _KEY_BYTES).decode(errors="replace") if ready else ""

    try:
        tty.setcbreak(terminal)
        yield read_key
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
