"""Runs as they could have been: the material of the report's tests."""

from datetime import UTC, datetime

from hydranet.budget import Budget, Spent, Usage
from hydranet.convergence.error_signature import ErrorClass, ErrorSignature
from hydranet.convergence.score import Attempt, Score, Terms
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome, Verdict
from hydranet.patches import Edit, Patch
from hydranet.person_wait import PersonWait, WaitKind, WaitSubject
from hydranet.question import BehaviourAnswer, BehaviourQuestion, Call, CallResult, Choice, Comparison
from hydranet.report.postmortem import Postmortem, build_postmortem
from hydranet.strategy import Strategy

STARTED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MODEL = "ollama:coder"
CRASH = ErrorSignature(type="TypeError", file="shop/invoice.py", function="total", error_class=ErrorClass.TYPE)


def edit(file: str = "shop/invoice.py", start: int = 12, removed: str = "old", added: str = "new") -> Edit:
    return Edit(file=file, start=start, removed=(removed,), added=(added,))


def attempt(
    number: int,
    failing: int = 3,
    score: float = 0.0,
    *,
    edits: tuple[Edit, ...] = (edit(),),
    error: ErrorSignature | None = CRASH,
    tokens: int = 1000,
    after: float = 0.0,
    checkpoint: str = "",
    summary: str = "Guard the lookup",
) -> AttemptRecord:
    return AttemptRecord(
        number=number,
        summary=summary,
        outcome=Outcome.FAILED if failing else Outcome.PASSED,
        reason=f"{failing} tests fail." if failing else "All 40 tests pass.",
        score=Score(value=score, terms=Terms(patch_similarity=score)),
        facts=Attempt(patch=Patch(edits=edits), error=error if failing else None, failing_count=failing),
        spent=(Spent(purpose="plan", usage=Usage(prompt_tokens=tokens)),),
        seconds=10.0,
        after=after,
        checkpoint=checkpoint,
    )


def branch(
    number: int,
    *attempts: AttemptRecord,
    ending: Ending = Ending.REAPED,
    kind: str = "missing guard",
    files: tuple[str, ...] = ("shop/invoice.py",),
    symbols: tuple[str, ...] = ("total",),
    model: str = "",
    start: str = "base",
    began: float = 0.0,
    ended: float = 0.0,
    title: str = "Guard the lookup in total()",
    reason: str = "It circles.",
) -> BranchRecord:
    return BranchRecord(
        number=number,
        id=f"run/b{number:02d}",
        strategy=Strategy(
            title=title,
            rationale="The lookup may give nothing.",
            kind=kind,
            target_files=files,
            target_symbols=symbols,
            model=model,
        ),
        start=start,
        attempts=attempts,
        ending=ending,
        reason=reason,
        began=began,
        ended=ended,
    )


def run(*branches: BranchRecord, verdict: Verdict | None = Verdict.EXHAUSTED, **changes: object) -> Genealogy:
    tokens = sum(branch.usage.tokens for branch in branches)
    known = {
        "run_id": "fix-shop-1a2b3c4d",
        "repository_name": "shop",
        "title": "Invoices with a voucher crash",
        "base": "0123456789abcdef",
        "model": MODEL,
        "budget": Budget(attempts_per_branch=8, branches=12, tokens=100_000, seconds=600.0),
        "target_count": 3,
        "branches": branches,
        "verdict": verdict,
        "reason": "why it ended",
        "state": "working",
        "usage": Usage(prompt_tokens=tokens),
        "seconds": max((branch.ended for branch in branches), default=0.0) if verdict else 0.0,
    }
    return Genealogy.model_validate(known | changes)


def fixed() -> Genealogy:
    """Two branches that circle in the wrong file, and one that mends another."""
    rounding = edit("shop/voucher.py", 8, "    return price - amount", "    return max(price - amount, ZERO)")
    return run(
        branch(
            1,
            attempt(1, score=0.0, after=20.0),
            attempt(2, score=0.66, after=30.0),
            attempt(3, score=0.91, after=40.0),
            began=10.0,
            ended=42.0,
        ),
        branch(2, attempt(1, score=0.2, after=55.0), attempt(2, 2, 0.8, after=65.0), began=45.0, ended=66.0),
        branch(
            3,
            attempt(1, 0, 0.1, edits=(rounding,), after=80.0, summary="Keep the price above zero"),
            ending=Ending.PASSED,
            kind="boundary condition",
            files=("shop/voucher.py",),
            symbols=("Voucher.apply",),
            began=70.0,
            ended=90.0,
            title="A voucher may be worth more than the price",
            reason="Keep the price above zero",
        ),
        verdict=Verdict.FIXED,
        published="hydra/fix-invoices",
    )


def question(text: str = "", change: str = "vouchers = empty") -> BehaviourQuestion:
    """What two fixes make of one call; with `text`, all of it is in these words."""
    call = Call(
        file="shop/voucher.py",
        unit=text[:200] or "apply",
        test=text[:200] or "tests/test_voucher.py::test_two_vouchers",
        arguments=text or "[]",
        change=text or change,
        setup=text or "from shop.voucher import apply",
        code=text or "apply(40, [])",
    )
    return BehaviourQuestion(
        call=call,
        before=text or "raises IndexError('pop from empty list')",
        choices=(
            Choice(title=text or "Keep the price above zero", result=CallResult(text=text or "returns 40", code="40")),
            Choice(
                title=text or "Return early without vouchers", result=CallResult(text=text or "returns 0", code="0")
            ),
        ),
    )


def ambiguous(text: str = "") -> Genealogy:
    """The fixed run, but the tests leave open which of two fixes is right."""
    answered = BehaviourAnswer(
        call=Call(file="shop/voucher.py", unit="apply", arguments=text or "40, [50]", code=text or "apply(40, [50])"),
        right=CallResult(text=text or "returns 0"),
        sender=text[:100] or "ann@laptop",
    )
    return fixed().model_copy(
        update={
            "verdict": Verdict.AMBIGUOUS,
            "comparison": Comparison(candidates=5, behaviours=2, calls=34),
            "question": question(text),
            "answers": (answered,),
        }
    )


def asking(text: str = "") -> Genealogy:
    """The run while it asks which of two fixes is right."""
    wait = PersonWait(
        kind=WaitKind.ANSWER,
        subject=WaitSubject.BEHAVIOUR,
        since=STARTED,
        branch=3,
        attempt=1,
        question=question(text),
    )
    changes = {"verdict": None, "published": "", "waits": wait, "state": "waiting for an answer: hydra answer"}
    return ambiguous(text).model_copy(update=changes)


def build_story(genealogy: Genealogy) -> Postmortem:
    return build_postmortem(genealogy, STARTED)
