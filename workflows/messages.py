"""The messages to a run: what people and branches tell it, what is refused and why."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from hydranet.contracts import RANKING_QUEUE, AttemptReport, FixRequest, ReapRequest
    from hydranet.genealogy import PersonMessage
    from hydranet.node_event import NodeEvent, NodeEventKind
    from hydranet.question import BehaviourAnswer, BehaviourQuestion
    from hydranet.strategy import TEMPLATES
    from hydranet.text.code_names import names_code
    from hydranet.text.formatting import join_words
    from workflows import answers, suggestions
    from workflows.allocator import Allocator
    from workflows.branch import BranchWorkflow
    from workflows.branches import Branches
    from workflows.preparation import PreparedRun
    from workflows.reap_order import ReapOrder
    from workflows.refusals import find_reapable, name_branch, refuse
    from workflows.run_state import RunState
    from workflows.signals import BranchParent, drop_malformed, refuse_malformed
    from workflows.strategies import StrategySupply

INSTRUCTION_LIMIT = 1500


class RunMessages(BranchParent):
    """The part of a run's workflow that is spoken to; the search acts on what it notes.

    A person's message is an update with a validator, so that its sender hears what became of it. Signals stay for
    what is true whenever it arrives (pause, resume, abort), and for an override from the Web UI or the command line.
    """

    def __init__(self, request: FixRequest) -> None:
        self._request = request
        self._state = RunState(request)
        self._branches = Branches(request, self._state)
        supply = StrategySupply(request, request.seed or self._state.genealogy.run_id)
        self._allocator = Allocator(request, self._state, self._branches, supply)
        self._reaps: list[ReapOrder] = []
        self._aborted: str | None = None
        self._asks_approval = ""
        self._rejected: str | None = None
        self._asked: BehaviourQuestion | None = None
        self._answer: BehaviourAnswer | None = None
        self._withdrawn: set[str] = set()
        self._closing = ""
        self._prepared: PreparedRun | None = None

    @workflow.signal
    @drop_malformed
    async def pause(self, sender: str = "") -> None:
        """Begin no further step until resumed; a step that is under way finishes."""
        if not self._state.clock.paused and not self._closing:
            self._state.add_message("pause", sender)
            self._state.pause()
            await self._branches.signal_all(BranchWorkflow.pause)

    @workflow.signal
    @drop_malformed
    async def resume(self, sender: str = "") -> None:
        """Go on after a pause."""
        if self._state.clock.paused:
            self._state.add_message("resume", sender)
            self._state.resume()
            await self._branches.signal_all(BranchWorkflow.resume)

    @workflow.signal
    @drop_malformed
    async def abort(self, reason: str = "", sender: str = "") -> None:
        """End the run: cancel what is under way, publish nothing."""
        if self._aborted is None and not self._closing:
            message = self._state.add_message("abort", sender, reason)
            self._aborted = f"Aborted by {message.author}{_explain(reason)}"

    @workflow.signal(name="override")
    @drop_malformed
    async def override_by_signal(self, instruction: str, sender: str = "") -> None:
        """Put an instruction into the prompts, if any are still to come; nobody hears whether."""
        if instruction.strip() and not self._closing:
            await self._instruct(instruction[:INSTRUCTION_LIMIT], sender)

    @workflow.update
    async def override(self, instruction: str, sender: str = "") -> str:
        """Put an instruction into the next attempt of every branch that has a model, and into later strategies."""
        readers = self._list_readers()
        await self._instruct(instruction, sender)
        now = f"{join_words(readers)} will read it in the next attempt" if readers else ""
        begin = "begin with the places that it names" if self._has_no_model else "read it from their first attempt"
        later = f"later branches will {begin}" if self._allocator.may_start_more else ""
        return f"{'; '.join(filter(None, (now, later)))}."

    @override.validator
    @refuse_malformed
    def _check_override(self, instruction: str, sender: str = "") -> None:  # noqa: ARG002 - named as in the handler
        self._check_open()
        if not instruction.strip():
            refuse("The instruction is empty: say what the next attempt must take into account.")
        if len(instruction) > INSTRUCTION_LIMIT:
            refuse(f"The instruction has {len(instruction)} characters: shorten it to {INSTRUCTION_LIMIT} at most.")
        if self._has_no_model and not names_code(instruction):
            refuse(
                "Repair templates take nothing from an instruction but the files and functions that it names: name "
                "some, as in `parse()` or src/parser.py, or start a run with a model."
            )
        if not self._list_readers() and not self._allocator.may_start_more:
            refuse("It can do nothing: no branch with a model is running, and no further branch will be started.")

    @workflow.update
    async def suggest(self, text: str, place: str = "", sender: str = "") -> str:
        """Take a strategy of the sender's own, which gets the next branch."""
        await workflow.wait_condition(lambda: self._prepared is not None or self._is_closing)
        self._check_suggest(text, place, sender)
        assert self._prepared is not None
        author = PersonMessage(kind="suggest", sender=sender).author
        strategy = await suggestions.make_strategy(self._request, self._prepared, text, place, author)
        self._check_suggest(text, place, sender)  # The run went on meanwhile.
        self._state.add_message("suggest", sender, suggestions.describe_message(strategy, text))
        self._allocator.suggest(strategy)
        waits = " if the fix that waits is not published" if self._branches.has_passing_attempt else ""
        return f"The suggestion gets the next branch{waits}: {suggestions.describe_aim(strategy)}."

    @suggest.validator
    @refuse_malformed
    def _check_suggest(self, text: str, place: str = "", sender: str = "") -> None:  # noqa: ARG002 - named as in the handler
        self._check_open()
        model = TEMPLATES if self._has_no_model else ""
        if fault := suggestions.find_fault(text, place) or self._allocator.find_refusal(model):
            refuse(fault)

    @workflow.update
    async def reap(self, branch: int = 0, reason: str = "", sender: str = "") -> str:
        """End a running branch and start the next strategy; 0 is the only one that is running."""
        running = find_reapable(self._branches, self._state, branch)
        name = name_branch(running)
        message = self._state.add_message("reap", sender, f"{name}: {reason}" if reason else name)
        order = ReapOrder(running.number, f"Reaped by {message.author}{_explain(reason)}", "hand")
        self._reaps.append(order)
        await workflow.wait_condition(lambda: order.done)
        if not order.reaped:
            ended = "passed the tests" if self._branches.has_passed(running) else "ended otherwise"
            refuse(f"{name} {ended} before it could be reaped: see `hydra show`.")
        return f"{name} is reaped."

    @reap.validator
    @refuse_malformed
    def _check_reap(self, branch: int = 0, reason: str = "", sender: str = "") -> None:  # noqa: ARG002 - named as in the handler
        self._check_open()
        find_reapable(self._branches, self._state, branch)

    @workflow.update
    async def approve(self, sender: str = "") -> str:
        """Let the verified fix be published, or take the drafted test for the target."""
        subject, self._asks_approval = self._asks_approval, ""
        message = self._state.add_message("approve", sender)
        if subject == "test":
            return "The run goes on with this test as its target."
        self._state.add_decision(True, f"Approved by {message.author}.")
        return f"The fix will be published{' when the run is resumed' if self._state.clock.paused else ''}."

    @approve.validator
    @refuse_malformed
    def _check_approve(self, sender: str = "") -> None:  # noqa: ARG002 - named as in the handler
        self._check_approval()

    @workflow.update
    async def reject(self, sender: str = "") -> str:
        """Refuse the verified fix, or the drafted test; the search goes on."""
        subject, self._asks_approval = self._asks_approval, ""
        message = self._state.add_message("reject", sender)
        self._rejected = f"Rejected by {message.author}."
        if subject == "test":
            return "The run goes on without that test."
        self._state.add_decision(False, self._rejected)
        return "The search goes on without that fix."

    @reject.validator
    @refuse_malformed
    def _check_reject(self, sender: str = "") -> None:  # noqa: ARG002 - named as in the handler
        self._check_approval()

    @workflow.update
    async def answer(self, choice: str, value: str = "", sender: str = "") -> str:
        """Take what is right for the call that the run asks about."""
        assert self._asked is not None
        answer = answers.read_answer(self._asked, choice, value, sender)
        self._state.add_message("answer", sender, answer.sentence)
        self._asked, self._answer = None, answer
        return f"Taken: {answer.sentence}."

    @answer.validator
    @refuse_malformed
    def _check_answer(self, choice: str, value: str = "", sender: str = "") -> None:
        self._check_open()
        if self._asked is None:
            refuse(f"The run asks nothing now ({self._state.genealogy.state}): wait until `hydra show` has a question.")
        try:
            answers.read_answer(self._asked, choice, value, sender)
        except ValueError as error:
            refuse(str(error))

    @workflow.signal
    @drop_malformed
    async def withdraw(self, update: str) -> None:
        """Refuse an update that nobody took in time, and whose sender was told so, when it arrives after all."""
        self._withdrawn.add(update)

    @workflow.signal(name="reap")
    @drop_malformed
    async def reap_circling(self, request: ReapRequest) -> None:
        """End a branch that its own scores show to circle, and start the next strategy."""
        self._reaps.append(ReapOrder(request.branch, request.evidence or "The branch circles.", "circled"))

    @workflow.signal
    @drop_malformed
    async def attempt_made(self, report: AttemptReport) -> None:
        """Take an attempt into the genealogy."""
        if order := self._branches.add_attempt(report):
            self._reaps.append(order)

    @workflow.signal
    @drop_malformed
    async def interrupted(self, seconds: float) -> None:
        """Leave out of the time budget what passed while nothing ran, such as a night switched off."""
        self._state.clock.leave_out_last(seconds)

    @workflow.signal(name=NodeEventKind.LOST.value)
    @drop_malformed
    async def node_lost(self, event: NodeEvent) -> None:
        """Note that a node which works for runs is lost, unless it did what this run never needs."""
        if event.queue == RANKING_QUEUE and not self._request.supervisor_model:
            return
        self._state.add_node_event(event)

    @workflow.signal(name=NodeEventKind.BACK.value)
    @drop_malformed
    async def node_back(self, event: NodeEvent) -> None:
        """Note that a node works for runs again."""
        self._state.add_node_event(event)

    async def _instruct(self, instruction: str, sender: str) -> None:
        self._state.add_message("override", sender, instruction)
        self._state.instruction = instruction
        await self._branches.signal_all(BranchWorkflow.override, instruction)

    @property
    def _is_closing(self) -> bool:
        return bool(self._closing) or self._aborted is not None

    @property
    def _has_no_model(self) -> bool:
        return self._request.model == TEMPLATES

    def _list_readers(self) -> list[str]:
        """Return the running branches that show instructions: those with a model that still make attempts."""
        return [
            name_branch(branch)
            for branch in self._branches.active
            if self._branches.find_record(branch.number).strategy.model != TEMPLATES
            and not self._branches.has_passed(branch)
        ]

    def _check_approval(self) -> None:
        self._check_open()
        if not self._asks_approval:
            refuse(
                f"The run does not wait for approval ({self._state.genealogy.state}): "
                "wait until `hydra show` says that it does, or start it with --require-approval."
            )

    def _check_open(self) -> None:
        update = workflow.current_update_info()
        if update is not None and update.id in self._withdrawn:
            refuse("The message was withdrawn, since no supervisor took it in time.")
        if closing := self._closing or (self._aborted and "is being aborted"):
            refuse(f"The run {closing} and takes no more messages: see `hydra show`.")


def _explain(reason: str) -> str:
    return f": {reason}" if reason else "."
