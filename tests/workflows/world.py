"""A world of fake activities for the real workflows: what each step answers is written by the test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.artifacts.store import hash_content
from activities.errors import translate_errors
from activities.waits.activities import WaitActivities
from hydranet.allocation import SkillRecord
from hydranet.budget import Usage
from hydranet.contest import Contest
from hydranet.contracts import (
    SANDBOX_QUEUE,
    ArtifactRef,
    Checkpoint,
    CommitRequest,
    CoverageRequest,
    CritiqueAnswer,
    CritiqueRequest,
    EmbedRequest,
    EmbedResult,
    Environment,
    Expectation,
    FileSurvey,
    FormatRequest,
    Formatting,
    ImplementAnswer,
    IndexRequest,
    InvestigateRequest,
    Investigation,
    Judgement,
    JudgeRequest,
    LinkResult,
    ModelAnswer,
    ModelsAnswer,
    ModelsRequest,
    ParseRequest,
    Place,
    PlaceRequest,
    Plan,
    PlanAnswer,
    PrepareRequest,
    Publication,
    PublishRequest,
    RankAnswer,
    RankedPlaces,
    RankRequest,
    RecordLogRequest,
    RecordRequest,
    ReflectAnswer,
    RememberFixRequest,
    ReproduceAnswer,
    ReproduceRequest,
    Retrieval,
    RetrieveRequest,
    Review,
    Settlement,
    SettleRequest,
    Skills,
    Snapshot,
    SnapshotRequest,
    StepRequest,
    StrategiesAnswer,
    StrategiesRequest,
    SuggestedPlace,
    Target,
    TargetRequest,
    TestReport,
    TestRequest,
    Trial,
    TrialRequest,
    VoteAnswer,
    VoteRequest,
    WarmUpRequest,
    Work,
    WriteTestsRequest,
    WrittenTest,
    WrittenTests,
    name_host_queue,
)
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.score import Command
from hydranet.errors import FatalError
from hydranet.genealogy import KnownFailure
from hydranet.objection import Objections
from hydranet.patches import Edit, Patch
from hydranet.policy.constitution import Decision
from hydranet.question import Vote
from hydranet.strategy import Strategy

NOTHING = hash_content(b"", "text/plain")
TARGET = ("t1", "t2", "t3")


def strategy(title: str, file: str = "") -> Strategy:
    return Strategy(title=title, kind="rewrite", target_files=(file or f"{title}.py",))


def patch(text: str, file: str = "a.py", line: int = 10) -> Patch:
    return Patch(edits=(Edit(file=file, start=line, removed=("x = 1",), added=(text,)),))


def failed(text: str, *failing: str, error: str = "TypeError", file: str = "a.py", line: int = 10) -> Trial:
    """Return a trial that leaves `failing` (default: all targets) failing."""
    return Trial(
        index=0,
        title=text,
        patch=patch(text, file, line),
        diff=hash_content(text.encode(), "text/x-diff"),
        report=report(*(failing or TARGET), error=error),
        tried=1,
    )


def passed(text: str = "the fix") -> Trial:
    return Trial(
        index=0,
        title=text,
        patch=patch(text),
        diff=hash_content(text.encode(), "text/x-diff"),
        report=report(),
        tried=1,
        passing=1,
    )


def report(*failing: str, error: str = "TypeError") -> TestReport:
    signature = ErrorSignature(type=error, message="it broke", file="a.py", function="f")
    return TestReport(
        passed=not failing,
        failing=failing,
        failing_count=len(failing),
        passing_count=5,
        error=signature if failing else None,
        reason=f"{len(failing)} tests fail" if failing else "",
        results=NOTHING,
    )


@dataclass
class World:
    """What the activities answer.

    `rounds` are the strategies of each request; `trials` give, for a branch's start commit and strategy title, the
    attempts in order (the last one repeats); `looks` give by strategy title what every plan asks to see, of which what
    begins with "!" is refused; `offers`, by title too, after how many attempts a strategy has nothing more to offer.
    `reviews` are the constitution's decisions about each fix in turn, and `objections` the reviewer's; with
    `asks_always` each waits for a person, who is shown `diff`. The
    environment has `formatters`, which change a fix by `formatting`. `on`
    holds callbacks by activity name, awaited inside the activity with its request, so that a test can wait for it or
    hold it up. An index has `missing` files to parse; `vectors_left` are missing after each call that makes some, the
    last again and again. A supervisor model turns strategies round, or ranks them by `ranking`. `places` are what
    localisation ranks, and `meant` the tests that the issue speaks of, and `examples` what the issue shows. `drafts`
    are what a model writes of the issue, of which those whose source is in `reproducing` fail as it says. Environments
    are on the sandbox host called `host`, if one is. `bases` are the reports at a base with tests that were written,
    instead of `baseline`. Answers settle the `contest`, and a model `votes` for a choice of each question. It
    has a `critique` of each fix.
    """

    rounds: Sequence[Sequence[Strategy]] = ()
    trials: Mapping[str, Sequence[Trial | ImplementAnswer]] = field(default_factory=dict)
    baseline: TestReport = field(default_factory=lambda: report(*TARGET))
    verifications: list[TestReport] = field(default_factory=list)
    tokens: int = 0
    missing: int = 0
    ranking: Sequence[int] | None = None
    votes: int = 0
    critique: Objections = ()
    places: Sequence[Place] = ()
    meant: Sequence[str] = TARGET
    examples: Sequence[Expectation] = ()
    drafts: Sequence[Expectation] = ()
    reproducing: Sequence[str] = ()
    bases: list[TestReport] = field(default_factory=list)
    skills: Sequence[SkillRecord] = ()
    vectors_left: Sequence[int] = (1, 0)
    looks: dict[str, Sequence[str]] = field(default_factory=dict)
    offers: dict[str, int] = field(default_factory=dict)
    reviews: list[tuple[Decision, ...]] = field(default_factory=list)
    objections: list[Objections] = field(default_factory=list)
    asks_always: bool = False
    formatters: tuple[str, ...] = ()
    formatting: Formatting = field(default_factory=Formatting)
    diff: str = ""
    contest: Contest | None = None
    host: str = ""
    on: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    requests: dict[str, list[Any]] = field(default_factory=dict)
    recorded: dict[str, tuple[str, int]] = field(default_factory=dict)

    def requested(self, name: str) -> list[Any]:
        return self.requests.get(name, [])

    async def _called(self, name: str, request: Any) -> None:
        self.calls[name] += 1
        self.requests.setdefault(name, []).append(request)
        if name in self.on:
            answer = self.on[name](request)
            if asyncio.iscoroutine(answer):
                await answer

    @activity.defn
    @translate_errors
    async def snapshot_repository(self, request: SnapshotRequest) -> Snapshot:
        await self._called("snapshot_repository", request)
        return Snapshot(commit="base", pack=NOTHING)

    @activity.defn
    @translate_errors
    async def review_fix(self, request: PublishRequest) -> Review:
        await self._called("review_fix", request)
        decisions = self.reviews.pop(0) if self.reviews else ()
        objections = self.objections.pop(0) if self.objections else ()
        return Review(decisions=decisions, asks_always=self.asks_always, diff=self.diff, objections=objections)

    @activity.defn
    @translate_errors
    async def publish_fix(self, request: PublishRequest) -> Publication:
        await self._called("publish_fix", request)
        if request.fix is None:
            return Publication()
        return Publication(branch=f"hydra/fix-{request.slug}", commit=request.fix.commit)

    @activity.defn
    @translate_errors
    async def settle_contest(self, request: SettleRequest) -> Settlement:
        await self._called("settle_contest", request)
        assert self.contest is not None
        left = self.contest.list_left(request.answers)
        if not left:
            return Settlement()
        fix = self.contest.alternatives[left[0]]
        candidates = hash_content(b"left", "application/json")
        self.recorded[candidates.sha256] = ("left", 1)
        return Settlement(
            title=fix.title,
            diff=hash_content(fix.diff.encode(), "text/x-diff"),
            candidates=candidates,
            count=len(left),
            question=self.contest.find_question(left, request.answers),
        )

    @activity.defn
    @translate_errors
    async def store_issue(self, issue: str) -> ArtifactRef:
        await self._called("store_issue", issue)
        return hash_content(issue.encode(), "text/plain")

    @activity.defn
    @translate_errors
    async def record_genealogy(self, request: RecordRequest) -> None:
        await self._called("record_genealogy", request)

    @activity.defn
    @translate_errors
    async def record_log(self, request: RecordLogRequest) -> None:
        await self._called("record_log", request)

    @activity.defn
    @translate_errors
    async def prepare_environment(self, request: PrepareRequest) -> Environment:
        await self._called("prepare_environment", request)
        queue = name_host_queue(SANDBOX_QUEUE, self.host) if self.host else ""
        return Environment(
            key="environment",
            note="bubblewrap; nothing installed",
            queue=queue,
            host=self.host,
            formatters=self.formatters,
        )

    @activity.defn
    @translate_errors
    async def run_tests(self, request: TestRequest) -> TestReport:
        await self._called("run_tests", request)
        if request.baseline is None:
            self.baseline = self.bases.pop(0) if self.bases and request.checkpoint.commit != "base" else self.baseline
            return self.baseline
        return self.verifications.pop(0) if self.verifications else report()

    @activity.defn
    @translate_errors
    async def format_fix(self, request: FormatRequest) -> Formatting:
        await self._called("format_fix", request)
        return self.formatting

    @activity.defn
    @translate_errors
    async def measure_coverage(self, request: CoverageRequest) -> ArtifactRef:
        await self._called("measure_coverage", request)
        return NOTHING

    @activity.defn
    @translate_errors
    async def retrieve(self, request: RetrieveRequest) -> Retrieval:
        await self._called("retrieve", request)
        asked = str(request.asked) if request.asked else ""
        return Retrieval(context=hash_content(asked.encode(), "text/plain"))

    @activity.defn
    @translate_errors
    async def find_place(self, request: PlaceRequest) -> SuggestedPlace:
        await self._called("find_place", request)
        file, _, symbol = request.place.partition(":")
        return SuggestedPlace(file=file, symbol=symbol)

    @activity.defn
    @translate_errors
    async def write_tests(self, request: WriteTestsRequest) -> WrittenTests:
        await self._called("write_tests", request)
        wishes = request.expectations or self.examples
        tests = tuple(WrittenTest(name=f"new{n}", expectation=wish) for n, wish in enumerate(wishes))
        diff = hash_content(str(tests).encode(), "text/x-diff") if tests else None
        return WrittenTests(diff=diff, file="tests/test_new.py", tests=tests, drafted=request.drafted)

    @activity.defn
    @translate_errors
    async def reproduce(self, request: ReproduceRequest) -> ReproduceAnswer:
        await self._called("reproduce", request)
        return ReproduceAnswer(
            drafts=tuple(self.drafts),
            draws=len(self.drafts) + 1,
            refused=("draft 9: it is empty",),
            usage=self._usage(),
        )

    @activity.defn
    @translate_errors
    async def judge_drafts(self, request: JudgeRequest) -> Judgement:
        await self._called("judge_drafts", request)
        kept = [test for test in request.written.tests if test.source in self.reproducing]
        refused = [f"{test.source}: it passes at HEAD" for test in request.written.tests if test not in kept]
        return Judgement(kept=tuple(test.name for test in kept), refused=tuple(refused))

    @activity.defn
    @translate_errors
    async def choose_target(self, request: TargetRequest) -> Target:
        await self._called("choose_target", request)
        chosen = [test for test in self.baseline.failing if test in (request.patterns or self.meant)]
        others = [test for test in self.baseline.failing if test not in chosen]
        return Target(
            failing=tuple(chosen),
            failing_count=len(chosen),
            known=(
                *self.baseline.known,
                *(KnownFailure(test=test, cause="the issue does not speak of it") for test in others),
            ),
            known_count=self.baseline.known_count + len(others),
            error=self.baseline.error,
            results=hash_content(str(chosen).encode(), "application/json") if others else NOTHING,
            note=f"The issue speaks of {len(chosen)}." if others else "",
        )

    @activity.defn
    @translate_errors
    async def remember_fix(self, request: RememberFixRequest) -> None:
        await self._called("remember_fix", request)

    @activity.defn
    @translate_errors
    async def ask_models(self, request: ModelsRequest) -> ModelsAnswer:
        await self._called("ask_models", request)
        return ModelsAnswer(models=tuple(ModelAnswer(model="ollama:coder", facts="7B") for _ in request.models))

    @activity.defn
    @translate_errors
    async def warm_up(self, request: WarmUpRequest) -> None:
        await self._called("warm_up", request)

    @activity.defn
    @translate_errors
    async def rank_places(self, work: Work) -> RankedPlaces:
        await self._called("rank_places", work)
        return RankedPlaces(places=tuple(self.places))

    @activity.defn
    @translate_errors
    async def read_skills(self, model: str) -> Skills:
        await self._called("read_skills", model)
        return Skills(records=tuple(self.skills))

    @activity.defn
    @translate_errors
    async def record_skills(self, request: Skills) -> None:
        await self._called("record_skills", request)

    @activity.defn
    @translate_errors
    async def propose_strategies(self, request: StrategiesRequest) -> StrategiesAnswer:
        await self._called("propose_strategies", request)
        offered = self.rounds[request.round - 1] if request.round <= len(self.rounds) else ()
        return StrategiesAnswer(strategies=tuple(offered), usage=self._usage())

    @activity.defn
    @translate_errors
    async def rank_strategies(self, request: RankRequest) -> RankAnswer:
        await self._called("rank_strategies", request)
        order = tuple(reversed(range(len(request.strategies)))) if self.ranking is None else tuple(self.ranking)
        return RankAnswer(order=order, usage=self._usage())

    @activity.defn
    @translate_errors
    async def vote(self, request: VoteRequest) -> VoteAnswer:
        await self._called("vote", request)
        vote = Vote(model=request.work.model, right=self.votes, reason="It says so.")
        return VoteAnswer(vote=vote, usage=self._usage())

    @activity.defn
    @translate_errors
    async def criticise(self, request: CritiqueRequest) -> CritiqueAnswer:
        await self._called("criticise", request)
        return CritiqueAnswer(objections=self.critique, usage=self._usage())

    @activity.defn
    @translate_errors
    async def plan(self, request: StepRequest) -> PlanAnswer:
        await self._called("plan", request)
        return PlanAnswer(
            plan=Plan(summary=f"plan {request.attempt}"),
            investigate=tuple(self.looks.get(request.strategy.title, ())),
            prompt="plan@1",
            usage=self._usage(),
        )

    @activity.defn
    @translate_errors
    async def investigate(self, request: InvestigateRequest) -> Investigation:
        await self._called("investigate", request)
        commands = (
            Command(command=asked, refused="guard:any: No.")
            if asked.startswith("!")
            else Command(command=asked, result=request.checkpoint.commit)
            for asked in request.asked
        )
        return Investigation(commands=tuple(commands), findings=hash_content(b"seen", "application/json"))

    @activity.defn
    @translate_errors
    async def implement(self, request: StepRequest) -> ImplementAnswer:
        await self._called("implement", request)
        trials = self.trials.get(request.strategy.title, [failed("nothing")])
        answer = trials[min(request.attempt, len(trials)) - 1]
        if isinstance(answer, ImplementAnswer):
            return answer
        candidates = hash_content(f"{request.strategy.title} {request.attempt}".encode(), "application/json")
        self.recorded[candidates.sha256] = (request.strategy.title, request.attempt)
        exhausted = request.attempt == self.offers.get(request.strategy.title)
        return ImplementAnswer(
            candidates=candidates,
            count=1,
            prompt="implement@1",
            exhausted=exhausted,
            reason="Nothing is left to try." if exhausted else "",
            usage=self._usage(),
        )

    @activity.defn
    @translate_errors
    async def reflect(self, request: StepRequest) -> ReflectAnswer:
        await self._called("reflect", request)
        return ReflectAnswer(
            reflection="look elsewhere", look_at=("Parser.read",), prompt="reflect@1", usage=self._usage()
        )

    @activity.defn
    @translate_errors
    async def try_candidates(self, request: TrialRequest) -> Trial:
        await self._called("try_candidates", request)
        title, attempt = self.recorded[request.candidates.sha256]
        trials = self.trials.get(title, [failed("nothing")])
        trial = trials[min(attempt, len(trials)) - 1]
        assert isinstance(trial, Trial)
        return trial

    @activity.defn
    @translate_errors
    async def commit_checkpoint(self, request: CommitRequest) -> Checkpoint:
        await self._called("commit_checkpoint", request)
        assert request.diff is not None
        return Checkpoint(commit=f"c-{request.diff.sha256[:10]}", bundle=request.diff)

    @activity.defn
    @translate_errors
    async def forget_variables(self, run_id: str) -> None:
        await self._called("forget_variables", run_id)

    @activity.defn
    @translate_errors
    async def survey_repository(self, request: IndexRequest) -> FileSurvey:
        await self._called("survey_repository", request)
        return FileSurvey(manifest=NOTHING, missing=NOTHING, files=1000, missing_count=self.missing)

    @activity.defn
    @translate_errors
    async def parse_files(self, request: ParseRequest) -> None:
        await self._called("parse_files", request)

    @activity.defn
    @translate_errors
    async def link_files(self, request: ArtifactRef) -> LinkResult:
        await self._called("link_files", request)
        return LinkResult(commit="base", tree="1f", files=990, linked=7, skipped={"binary": 10})

    @activity.defn
    @translate_errors
    async def embed_nodes(self, request: EmbedRequest) -> EmbedResult:
        await self._called("embed_nodes", request)
        return EmbedResult(made=5, left=self.vectors_left[min(self.calls["embed_nodes"], len(self.vectors_left)) - 1])

    def activities(self) -> list[Callable[..., Any]]:
        names = (
            "snapshot_repository review_fix publish_fix store_issue record_genealogy prepare_environment"
            " run_tests measure_coverage retrieve remember_fix warm_up propose_strategies rank_strategies vote"
            " write_tests choose_target reproduce judge_drafts plan implement reflect try_candidates commit_checkpoint"
            " format_fix survey_repository parse_files link_files embed_nodes forget_variables rank_places"
            " read_skills record_skills record_log investigate ask_models find_place settle_contest criticise"
        )
        return [WaitActivities().measure_waits, *(getattr(self, name) for name in names.split())]

    def _usage(self) -> Usage:
        return Usage(model="fake", calls=1, prompt_tokens=self.tokens)


class Held:
    """A callback that holds an activity up until released, and knows when it began and was cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.released = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, _: object) -> None:
        self.began.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def fatal(message: str) -> Callable[[object], None]:
    """Return a callback that fails the activity for good."""

    def fail(_: object) -> None:
        raise FatalError(message)

    return fail


def flaky(times: int) -> Callable[[object], None]:
    """Return a callback that fails the activity the first `times` calls, as an endpoint that is down does."""
    left = times

    def fail(_: object) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ApplicationError("nobody answers", type="TransientError")

    return fail
