from hydranet.convergence.error_signature import ErrorClass, ErrorSignature
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending
from hydranet.report.difference import explain_differences, find_winner
from hydranet.strategy import Strategy
from tests.unit.report.story import attempt, branch, edit, fixed, run

DEAD = branch(1, attempt(1), attempt(2, 2, checkpoint="c2"))


def said(*branches: BranchRecord) -> tuple[str, ...]:
    genealogy = run(*branches)
    won = find_winner(genealogy)
    assert won is not None
    return explain_differences(won, genealogy)


def passing(**changes: object) -> BranchRecord:
    strategy = Strategy.model_validate(dict(DEAD.strategy) | changes)
    return branch(2, attempt(1), attempt(2, 0), ending=Ending.PASSED).model_copy(update={"strategy": strategy})


def at(start: int, file: str = "shop/invoice.py") -> AttemptRecord:
    return attempt(1, 0, edits=(edit(file, start),))


def test_the_winner_is_the_branch_that_passed_with_its_passing_attempt() -> None:
    won = find_winner(fixed())
    assert won is not None
    assert (won.branch.number, won.attempt.summary) == (3, "Keep the price above zero")
    refuted = branch(1, attempt(1, 0), ending=Ending.REFUTED)
    assert find_winner(run(DEAD, refuted)) is None


def test_a_fix_elsewhere() -> None:
    genealogy = fixed()
    assert said(*genealogy.branches) == (
        "It changed shop/voucher.py, which no other branch had touched.",
        "No other branch had tried this kind of change: boundary condition.",
        "The error came up in shop/invoice.py; the cause was in shop/voucher.py.",
    )


def test_another_function_of_the_same_file() -> None:
    assert said(DEAD, passing(target_symbols=("net",))) == (
        "It aimed at net in shop/invoice.py, where b01 aimed at total.",
    )
    unnamed = DEAD.model_copy(update={"strategy": Strategy(title="t", kind="missing guard")})
    assert said(unnamed, passing(target_symbols=("net",))) == (
        "It aimed at net in shop/invoice.py, which b01 changed too.",
    )


def test_another_kind_of_change_in_the_same_function() -> None:
    assert said(DEAD, passing(kind="wrong order")) == (
        "Same place as b01 (total), another kind of change: wrong order instead of missing guard.",
    )


def test_the_same_kind_of_change_in_the_same_function() -> None:
    same = passing()
    other = same.model_copy(update={"attempts": (at(40),)})
    assert said(DEAD, same) == ("Same place and kind of change as b01 (total), the same lines changed in another way.",)
    assert said(DEAD, other) == ("Same place and kind of change as b01 (total), in other lines.",)


def test_a_fix_that_builds_on_a_dead_branch() -> None:
    assert "It built on attempt 2 of b01, which left 2 tests failing." in said(
        DEAD, passing().model_copy(update={"start": "c2"})
    )


def test_an_assertion_says_nothing_about_where_the_cause_is() -> None:
    failed = ErrorSignature(type="AssertionError", file="tests/test_x.py", error_class=ErrorClass.ASSERTION)
    dead = branch(1, attempt(1, error=failed), attempt(2, error=None))
    assert not any("came up" in sentence for sentence in said(dead, passing()))


def test_a_fix_by_templates_among_branches_of_a_model() -> None:
    assert said(DEAD, passing(model="templates"))[-1] == (
        "It was worked out by repair templates, without a model; all others by ollama:coder."
    )
    mixed = (DEAD, DEAD.model_copy(update={"number": 3, "strategy": Strategy(title="t", model="m")}))
    assert not any("worked out" in sentence for sentence in said(*mixed, passing(model="templates")))


def test_the_only_branch_has_nothing_to_differ_from() -> None:
    assert said(passing()) == ()
    assert said(branch(1), passing()) == ()
