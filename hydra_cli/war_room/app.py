"""The war room as an application of the terminal: panels that follow a run, and keys that speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from rich.text import Text
from temporalio.service import RPCError
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import RichLog, Static

from hydra_cli.attempt_diff import read_patch
from hydra_cli.cluster_status import list_nodes
from hydra_cli.control import ask_run, tell_run
from hydra_cli.follow import watch_run
from hydra_cli.live_calls import follow_calls
from hydra_cli.log_follow import follow_log
from hydra_cli.node_survey import Answers, survey_in_turn
from hydra_cli.session import Session
from hydra_cli.terminal import plain
from hydra_cli.war_room.pictures import CallPicture, draw_branches, draw_diff, draw_head, draw_nodes, join_lines
from hydra_cli.war_room.screens import ChoiceScreen, QuestionScreen, TextScreen
from hydra_cli.war_room.steps import describe_entry
from hydranet.errors import HydraError, UsageError
from hydranet.genealogy import Genealogy
from hydranet.lineage import choose_attempt
from hydranet.person_wait import WaitKind, WaitSubject
from hydranet.report.question import ask_behaviour, ask_question
from workers.nodes import BEAT, NodeReader

_KEYS = "p pause  r resume  a abort  o override  {}  q leave  tab ↑↓"
_APPROVAL, _ANSWER = "y approve  n reject", "1 2 n v u answer"
# What the keys answer to a question, in the order of its answers.
_CHOICES = {"1": "1", "2": "2", "n": "neither", "v": "value", "u": "unknown"}
_LOG_LINES = 1_000
_SURVEY_SECONDS = 15


class WarRoom(App[None]):
    """A run as it works: branches, nodes, log and the model call under way.

    `failure` is what ended it, where it did not end by a key.
    """

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS_PATH = "war_room.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,ctrl+c,ctrl+q", "quit", "leave"),
        ("p", "pause", "pause"),
        ("r", "resume", "resume"),
        ("a", "abort", "abort"),
        ("o", "override", "override"),
        ("y", "approve", "approve"),
        ("n", "reject", "reject"),
        ("1,2,v,u", "answer", "answer"),
    ]

    def __init__(self, session: Session, runs: Sequence[tuple[str, str]]) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.failure: BaseException | None = None
        self.genealogy: Genealogy | None = None
        self.run_id = runs[0][0] if len(runs) == 1 else ""
        self._session = session
        self._runs = runs
        self._call = CallPicture()
        self._answered = asyncio.Event()
        self._began: datetime | None = None
        self._ended = False

    def compose(self) -> ComposeResult:
        """Lay out the panels."""
        yield Static(id="head", markup=False)
        with Horizontal(id="top"):
            with VerticalScroll(id="branches"):
                yield Static(markup=False)
            with VerticalScroll(id="nodes"):
                yield Static(markup=False)
        yield RichLog(id="log", wrap=True, markup=False, highlight=False, max_lines=_LOG_LINES, min_width=1)
        with VerticalScroll(id="call"):
            yield Static(markup=False)
        yield Static(id="waits", markup=False)
        yield Static(id="answer", markup=False)
        yield Static(plain(_KEYS.format(_APPROVAL)), id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to follow the run, or ask which."""
        for name in ("branches", "nodes", "log", "call"):
            self._name_panel(name, "model" if name == "call" else name)
        self._show("#call Static", self._call.draw())
        for name in ("#waits", "#answer"):
            self.query_one(name).display = False
        if self.run_id:
            self._follow(self.run_id)
        else:
            self.push_screen(ChoiceScreen(self._runs), self._choose)

    def _choose(self, run_id: str | None) -> None:
        if run_id:
            self._follow(run_id)
        else:
            self.exit()

    def _follow(self, run_id: str) -> None:
        self.run_id = run_id
        self.set_interval(1.0, self._draw_head)
        for work in (
            self._find_start,
            self._follow_genealogy,
            self._follow_log,
            self._follow_calls,
            self._follow_nodes,
        ):
            self.run_worker(self._guard(work), exit_on_error=False)

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Leave with what a worker meets, which the command then says."""
        try:
            await work()
        except Exception as error:
            self.failure = self.failure or error
            self.exit()

    async def _follow_genealogy(self) -> None:
        async for genealogy, parked in watch_run(self._session, self.run_id):
            self._tell_lines("#waits", [f"waiting: {text}" for text in parked], "yellow")
            if genealogy is not None and genealogy != self.genealogy:
                self.genealogy = genealogy
                self._answered.set()
                self._draw_head()
                self._show("#keys", plain(_KEYS.format(_ANSWER if self._asks_behaviour else _APPROVAL)))
                self._show("#branches Static", draw_branches(genealogy), follow=True)
        self._ended = True
        is_open = self.genealogy is not None and ask_behaviour(self.genealogy) is not None
        question = f", and leaves a question open: `hydra show {self.run_id}`. q" if is_open else ": q"
        self._answer(f"The run has ended{question} leaves.")

    async def _find_start(self) -> None:
        with suppress(RPCError):
            if (described := await self._session.find_description(self.run_id)) is not None:
                self._began = described.start_time

    def _draw_head(self) -> None:
        if self.genealogy is not None:
            self._show("#head", draw_head(self.genealogy, None if self._ended else self._began))

    async def _follow_log(self) -> None:
        log = self.query_one("#log", RichLog)
        async for entry in follow_log(self._session, self.run_id, lambda _wait: None):
            # The threshold and the number of failing tests are the genealogy's.
            await self._answered.wait()
            if (step := describe_entry(entry, self.genealogy)) is not None:
                log.write(plain(step.text, step.style), width=max(1, log.scrollable_content_region.width))

    async def _follow_calls(self) -> None:
        async for message in follow_calls(self._session, self.run_id):
            self._call.add(message)
            self._name_panel("call", self._call.title)
            self._show("#call Static", self._call.draw(), follow=True)

    async def _follow_nodes(self) -> None:
        reader, answers = NodeReader(self._session.client), Answers()
        asking: asyncio.Task[Answers] | None = None
        asked = datetime.min.replace(tzinfo=UTC)
        while True:
            if reader.client is not self._session.client:
                reader = NodeReader(self._session.client)
            try:
                view, problem = await reader.read(), ""
            except RPCError:
                await asyncio.sleep(BEAT.total_seconds())
                continue
            now = datetime.now(UTC)
            if asking is None and now - asked > timedelta(seconds=_SURVEY_SECONDS):
                asking, asked = asyncio.create_task(survey_in_turn(self._session.client, view, _SURVEY_SECONDS)), now
            if asking is not None and asking.done():
                answers, asking = asking.result(), None
                problem = answers.problem
            self._show("#nodes Static", draw_nodes(list_nodes(view, answers), problem))
            await asyncio.sleep(BEAT.total_seconds() / 2)

    def _name_panel(self, name: str, title: str) -> None:
        # A string would be read as markup. Text is what the setter takes as it is.
        setattr(self.query_one(f"#{name}"), "border_title", plain(title))  # noqa: B010

    def _show(self, selector: str, text: Text, *, follow: bool = False) -> None:
        widget = next(iter(self.query(selector).results(Static)), None)
        if widget is None:
            return  # The application ends, and its panels have gone.
        parent = widget.parent
        widget.update(text)
        # Who has gone into a panel scrolls it by hand.
        if follow and isinstance(parent, VerticalScroll) and not parent.has_focus:
            parent.scroll_end(animate=False)

    def _tell_lines(self, selector: str, texts: Sequence[str], style: str) -> None:
        for panel in self.query(selector):
            panel.display = bool(texts)
        self._show(selector, join_lines(texts, style))

    def _answer(self, text: str, style: str = "bold") -> None:
        self._tell_lines("#answer", [text], style)

    def action_pause(self) -> None:
        """Pause the run."""
        self._send(self._tell("pause", [], "The run is paused: r goes on."))

    def action_resume(self) -> None:
        """Let the run go on."""
        self._send(self._tell("resume", [], "The run goes on."))

    def action_abort(self) -> None:
        """Abort the run, once that is confirmed."""
        self.push_screen(TextScreen(f"Abort {self.run_id}? Say why, or leave it empty:"), self._abort)

    def _abort(self, reason: str | None) -> None:
        if reason is not None:
            self._send(self._tell("abort", [reason], "The run is being aborted."))

    def action_override(self) -> None:
        """Tell the next attempts something."""
        self.push_screen(TextScreen("What must the next attempt take into account?"), self._override)

    def _override(self, instruction: str | None) -> None:
        if instruction:
            self._send(self._ask("override", [instruction]))

    def action_approve(self) -> None:
        """Approve what waits for it, once it has been in view."""
        self._send(self._review("approve"))

    def action_reject(self) -> None:
        """Reject what waits for approval, once it has been in view."""
        self._send(self._review("reject"))

    def action_answer(self) -> None:
        """Answer what the code is to do, once the question has been in view."""
        self._send(self._answer_question())

    @property
    def _asks_behaviour(self) -> bool:
        waits = self.genealogy.waits if self.genealogy is not None else None
        return waits is not None and waits.kind is WaitKind.ANSWER

    def _send(self, message: Coroutine[Any, Any, None]) -> None:
        async def send() -> None:
            try:
                await message
            except HydraError as error:
                self._answer(str(error), "yellow")
            except RPCError as error:
                self._answer(f"The message was not sent, since Temporal does not answer ({error.message}).", "yellow")

        self.run_worker(self._guard(send), exit_on_error=False)

    async def _tell(self, signal: str, arguments: list[str], effect: str) -> None:
        await tell_run(self._session.run_handle(self.run_id), signal, arguments)
        self._answer(effect)

    async def _ask(self, update: str, arguments: list[Any]) -> None:
        self._answer("…")
        self._answer(await ask_run(self._session.run_handle(self.run_id), update, arguments))

    async def _answer_question(self) -> None:
        question = ask_behaviour(self.genealogy) if self.genealogy is not None and self._asks_behaviour else None
        if question is None:
            raise UsageError("There is no question to answer yet.")
        effects = [effect for _, effect in question.answers]
        # A line for each: what a fix gives may be long.
        keys = [f"{key}: {effect}" for key, effect in zip(_CHOICES, effects, strict=True)]
        facts = join_lines([f"{label.lower()}: {text}" for label, text in question.facts], "")
        body = Text("\n").join([plain(question.proposal, "bold"), facts, Text(), *map(plain, keys)])
        key = await self.push_screen_wait(QuestionScreen(question.text, body, dict.fromkeys(_CHOICES, "")))
        if key == "v":
            value = await self.push_screen_wait(TextScreen("Which value does it return? A Python literal:"))
            if value:
                await self._ask("answer", ["value", value])
        elif key:
            await self._ask("answer", [_CHOICES[key], ""])

    async def _review(self, update: str) -> None:
        if self._asks_behaviour:
            await self._answer_question()
            return
        question, body = await self._describe_question()
        answers = {"y": "approve"} if update == "approve" else {"n": "reject"}
        key = await self.push_screen_wait(QuestionScreen(f"{update.capitalize()}: {question}", body, answers))
        if key:
            await self._ask(update, [])

    async def _describe_question(self) -> tuple[str, Text]:
        """Return what the run asks, and what speaks for and against it, with the whole patch or the drafted test."""
        genealogy = self.genealogy
        if genealogy is None:
            raise UsageError("The run has not answered yet: try again in a moment.")
        question = ask_question(genealogy)
        if genealogy.waits is None or question is None:
            raise UsageError("There is nothing to approve or to reject yet.")
        facts = join_lines([f"{label.lower()}: {text}" for label, text in question.facts], "dim")
        if genealogy.waits.subject is WaitSubject.TEST:
            return question.text, Text("\n").join([facts, plain(question.proposal)])
        key = choose_attempt(genealogy)
        patch = await read_patch(self._session, genealogy, [key])
        remark = f" ({patch.remark.rstrip('.')})" if patch.remark else ""
        return question.text, Text("\n").join([facts, plain(f"{key}{remark}", "bold"), draw_diff(patch.text)])
