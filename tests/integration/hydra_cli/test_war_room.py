"""The war room on a real run, 80 columns by 24 lines, with keys."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from psycopg_pool import AsyncConnectionPool
from temporalio.client import WorkflowHandle
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import OptionList, RichLog, Static

from activities.inference.broadcast import Broadcaster, begin_answer, show_piece
from activities.inference.events import Piece
from hydra_cli.session import Session
from hydra_cli.war_room.app import WarRoom
from hydra_cli.war_room.screens import ChoiceScreen, QuestionScreen, TextScreen
from hydranet.contracts import FIX_WORKFLOW, SANDBOX_QUEUE, SUPERVISOR_QUEUE, RunResult
from hydranet.genealogy import Genealogy, Verdict
from hydranet.names import ROLES_BY_QUEUE
from hydranet.settings import Settings, TemporalSettings
from tests.workflows.environment import REQUEST, dev_server
from tests.workflows.node import make_host, serve, spawn
from tests.workflows.test_answers import THREE, world_of
from tests.workflows.world import Held, World, failed, passed, strategy
from workers.sealing import KeyRing
from workers.stack import Stack

KEYS = KeyRing(Path(), [bytes(32)])
SECONDS = 15.0
TEXT = ("m", "i", "n", "d", "space", "p", "space", "q")
PANELS = ("#head", "#branches Static", "#nodes Static", "#log", "#call Static", "#waits", "#answer", "#keys")
Handle = WorkflowHandle[Any, RunResult]


@contextlib.asynccontextmanager
async def working(pool: AsyncConnectionPool, world: World, **changes: Any) -> AsyncIterator[tuple[Session, Handle]]:
    """Yield a session and a run on a server of its own, whose workers are those of the host alpha."""
    async with dev_server() as server, pool.connection() as connection:
        address = server.service_client.config.target_host
        stack = Stack(temporal=TemporalSettings(), database=connection.info.dsn)
        async with serve(address, make_host("alpha"), world, list(ROLES_BY_QUEUE)):
            handle: Handle = await server.start_workflow(
                FIX_WORKFLOW,
                REQUEST.model_copy(update=changes),
                id="fix-demo",
                task_queue=SUPERVISOR_QUEUE,
                result_type=RunResult,
            )
            yield Session(Settings(), stack, server, KEYS), handle


def read(room: WarRoom, selector: str) -> str:
    widget = room.screen_stack[0].query_one(selector)
    if isinstance(widget, RichLog):
        return "\n".join(line.text for line in widget.lines)
    assert isinstance(widget, Static)
    return str(widget.render())


async def wait_for(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, show(pilot.app)
        await pilot.pause(0.05)


def show(app: App[None]) -> str:
    """Return all that the panels say."""
    assert isinstance(app, WarRoom)
    texts = (f"{name}: {read(app, name)}" for name in PANELS)
    return "\n".join((*texts, repr(app.failure), repr(app.screen)))


async def ask(handle: Handle) -> Genealogy:
    genealogy: Genealogy = await handle.query("genealogy", result_type=Genealogy)
    return genealogy


async def test_a_run_is_seen_and_steered_while_it_works(pool: AsyncConnectionPool) -> None:
    held = Held()
    world = World(rounds=[[strategy("one")], [strategy("two")]], trials={"one": [failed("x")]}, on={"implement": held})
    async with working(pool, world) as (session, handle), Broadcaster(pool, KEYS).open() as broadcaster:
        room = WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot:
            await wait_for(pilot, lambda: "b01 ▶ running  one" in read(room, "#branches Static"))
            await wait_for(pilot, lambda: "supervisor alpha" in read(room, "#nodes Static"))
            await wait_for(pilot, lambda: "b01 plan" in read(room, "#log"))
            with broadcaster.show("fix-demo", "implement", 1, 1, "ollama:coder"):
                begin_answer()
                show_piece(Piece(thoughts="Hm, "))
                for word in ("def ", "f(x)", ":\x1b[2J [bold]"):
                    show_piece(Piece(text=word))
                await wait_for(pilot, lambda: "Hm, def f(x):␛[2J [bold]" in read(room, "#call Static"))
            assert "b01/1 implement · ollama:coder" in str(room.query_one("#call").border_title)
            await pilot.press("p")
            await wait_for(pilot, lambda: "paused" in read(room, "#head"))
            await pilot.press("r")
            await wait_for(pilot, lambda: "paused" not in read(room, "#head"))
            await pilot.press("o", *TEXT, "enter")
            await wait_for(pilot, lambda: "b01 will read it in the next attempt" in read(room, "#answer"))
            await wait_for(pilot, lambda: ": mind p q" in read(room, "#log"))
            await pilot.press("y")
            await wait_for(pilot, lambda: "nothing to approve or to reject yet" in read(room, "#answer"))
            await pilot.press("a", "escape")
            assert (await ask(handle)).verdict is None
            assert room.is_running
            await pilot.press("a", *"enough", "enter")
            await wait_for(pilot, lambda: "aborted: Aborted by" in read(room, "#head"))
            await wait_for(pilot, lambda: "The run has ended" in read(room, "#answer"))
            await pilot.press("p")
            await wait_for(pilot, lambda: "The run fix-demo has ended" in read(room, "#answer"))
            await pilot.press("q")
        assert room.failure is None
        assert (await handle.result()).reason.endswith(": enough")


async def test_a_fix_is_approved_with_its_diff_in_view_by_one_of_two_who_watch(pool: AsyncConnectionPool) -> None:
    world = World(rounds=[[strategy("one")]], trials={"one": [failed("nearly", "t1"), passed()]})
    async with working(pool, world, require_approval=True) as (session, handle):
        room, other = WarRoom(session, [("fix-demo", "")]), WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot, other.run_test(size=(120, 40)) as second:
            await wait_for(pilot, lambda: "waiting for approval" in read(room, "#head"))
            await pilot.press("n")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            assert "-x = 1\n+the fix" in str(room.screen.query_one("VerticalScroll Static", Static).render())
            await pilot.press("y")
            assert isinstance(room.screen, QuestionScreen), "it asks whether to reject"
            await pilot.press("escape", "y")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            await pilot.press("y")
            await wait_for(pilot, lambda: "fixed: b01 one" in read(room, "#head"))
            await wait_for(second, lambda: "fixed: b01 one" in read(other, "#head"))
            await wait_for(second, lambda: "approve by" in read(other, "#log"))
            assert "all pass" in read(other, "#branches Static")
        assert (await handle.result()).verdict is Verdict.FIXED


async def test_a_question_is_answered_by_a_key_with_what_each_fix_does_in_view(pool: AsyncConnectionPool) -> None:
    async with working(pool, world_of(THREE), questions=3) as (session, handle):
        room = WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot:
            await wait_for(pilot, lambda: "waiting" in read(room, "#head"))
            await wait_for(pilot, lambda: "1 2 n v u answer" in read(room, "#keys"))
            await pilot.press("2")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            body = str(room.screen.query_one("VerticalScroll Static", Static).render())
            assert body.startswith(
                "from a import f\nf(1)\nbefore: returns 9\nfix 1: returns 1 (a)\nfix 2: returns 2 (b)\n"
            )
            assert "\n1: it returns 1\n2: it returns 2\nn: both are wrong: the search goes on\nv: it returns an" in body
            await pilot.press("escape", "n")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            await pilot.press("1")
            await wait_for(pilot, lambda: "Taken: f(1) returns 1." in read(room, "#answer"))
            await wait_for(pilot, lambda: "arguments='2'" in repr(room.genealogy and room.genealogy.waits))
            await pilot.press("v")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            await pilot.press("v")
            await wait_for(pilot, lambda: isinstance(room.screen, TextScreen))
            await pilot.press("x", "enter")
            await wait_for(pilot, lambda: "The value is no Python literal: x." in read(room, "#answer"))
            await pilot.press("y")
            await wait_for(pilot, lambda: isinstance(room.screen, QuestionScreen))
            await pilot.press("2")
            await wait_for(pilot, lambda: "fixed: b01 one" in read(room, "#head"))
            await wait_for(pilot, lambda: "answer by" in read(room, "#log"))
            await wait_for(pilot, lambda: "The run has ended" in read(room, "#answer"))
            await pilot.press("1")
            await wait_for(pilot, lambda: "There is no question to answer" in read(room, "#answer"))
        assert (await handle.result()).verdict is Verdict.FIXED


async def test_a_run_that_ends_with_a_question_says_how_it_is_answered(pool: AsyncConnectionPool) -> None:
    async with working(pool, world_of()) as (session, _):
        room = WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot:
            await wait_for(pilot, lambda: "ambiguous (2 fixes the tests cannot tell apart)" in read(room, "#head"))
            await wait_for(pilot, lambda: "leaves a question open: `hydra show fix-demo`" in read(room, "#answer"))


async def test_a_node_that_is_killed_is_lost_within_fifteen_seconds(pool: AsyncConnectionPool) -> None:
    async with working(pool, World(rounds=[[strategy("one")]], on={"implement": Held()})) as (session, _):
        address = session.client.service_client.config.target_host
        room = WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot, spawn(address, "delta", SANDBOX_QUEUE) as node:
            await wait_for(pilot, lambda: "sandbox delta" in read(room, "#nodes Static"))
            node.kill()
            await wait_for(pilot, lambda: "sandbox delta  LOST for" in read(room, "#nodes Static"))
            assert "sandbox alpha  idle" in read(room, "#nodes Static")


async def test_of_several_runs_one_is_chosen(pool: AsyncConnectionPool) -> None:
    async with working(pool, World(rounds=[[strategy("one")]], on={"implement": Held()})) as (session, _):
        room = WarRoom(session, [("fix-[bold]other", "since today"), ("fix-demo", "since today")])
        async with room.run_test(size=(80, 24)) as pilot:
            assert isinstance(room.screen, ChoiceScreen)
            assert "fix-[bold]other" in str(room.screen.query_one(OptionList).get_option_at_index(0).prompt)
            await pilot.press("down", "enter")
            await wait_for(pilot, lambda: "fix-demo" in read(room, "#head"))
        leaving = WarRoom(session, [("fix-other", ""), ("fix-demo", "")])
        async with leaving.run_test() as pilot:
            await pilot.press("q")
        assert (leaving.run_id, leaving.failure) == ("", None)


async def test_what_cannot_be_watched_any_more_ends_it_with_the_sentence(pool: AsyncConnectionPool) -> None:
    async with working(pool, World(rounds=[[strategy("one")]], on={"implement": Held()})) as (session, _):
        # As after `hydra down`: the address of the stack is gone.
        session.stack = session.stack.model_copy(update={"pid": 1})
        session.settings = Settings(data_dir=Path("/nonexistent"))
        room = WarRoom(session, [("fix-demo", "")])
        async with room.run_test(size=(80, 24)) as pilot:
            await wait_for(pilot, lambda: room.failure is not None)
        assert "The stack was ended, and the run waits" in str(room.failure)
