import pytest

from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.reaper import judge
from hydranet.convergence.score import Attempt, Score, Terms, score_attempt
from hydranet.patches import Edit, Patch
from hydranet.run_settings import ConvergenceSettings

DEFAULTS = ConvergenceSettings()
ERROR = ErrorSignature(type="TypeError", message="bad operand", file="shop/cart.py", function="total")
PATCH = Patch(edits=(Edit(file="shop/cart.py", start=47, removed=("    return a",), added=("    return b",)),))
ATTEMPT = Attempt(patch=PATCH, error=ERROR)
HIGH = Score(value=0.91, terms=Terms(patch_similarity=0.83, error_match=1.0), nearest=1)


def test_the_evidence_names_terms_and_the_nearest_attempt() -> None:
    assert judge([ATTEMPT] * 3, HIGH.model_copy(update={"nearest": 2}), DEFAULTS) == (
        "The patch to shop/cart.py is nearly that of attempt 2 and the same error follows (TypeError in total in "
        "shop/cart.py): convergence 0.91 is above 0.75."
    )


def test_every_term_that_speaks_is_named() -> None:
    terms = Terms(patch_similarity=1.0, error_match=0.5, command_repetition=2 / 3)
    evidence = judge([ATTEMPT] * 2, Score(value=0.8, terms=terms, nearest=1), DEFAULTS)
    assert evidence == (
        "The patch to shop/cart.py is the same as that of attempt 1, the same kind of error follows (TypeError in "
        "total in shop/cart.py) and 67% of its last commands repeat earlier ones with the same result: "
        "convergence 0.80 is above 0.75."
    )


def test_a_patch_that_changes_nothing() -> None:
    past = [ATTEMPT, Attempt(error=ERROR)]
    evidence = judge(past, score_attempt(past), DEFAULTS)
    assert evidence is not None
    assert evidence.startswith("The attempt changes nothing and the same error follows")


@pytest.mark.parametrize("value", [0.0, 0.75])
def test_up_to_the_threshold_a_branch_lives(value: float) -> None:
    assert judge([ATTEMPT] * 2, HIGH.model_copy(update={"value": value}), DEFAULTS) is None
    assert judge([ATTEMPT] * 2, HIGH, ConvergenceSettings(threshold=0.95)) is None


def test_never_before_the_second_attempt() -> None:
    outage = Attempt(infrastructure=True)
    assert judge([], HIGH, DEFAULTS) is None
    assert judge([ATTEMPT], HIGH, DEFAULTS) is None
    assert judge([outage, ATTEMPT], HIGH, DEFAULTS) is None
    assert judge([ATTEMPT, ATTEMPT, outage], HIGH, DEFAULTS) is None
    assert judge([ATTEMPT, outage, ATTEMPT], HIGH, DEFAULTS) is not None


def test_a_dead_patch_in_a_new_branch_is_the_exception() -> None:
    evidence = judge([ATTEMPT], score_attempt([ATTEMPT], dead=[ATTEMPT]), DEFAULTS)
    assert evidence == (
        "The patch to shop/cart.py is the same as that of a dead branch: convergence 1.00 is above 0.75."
    )


def test_the_evidence_fits_on_a_line() -> None:
    edits = tuple(Edit(file=f"{'directory/' * 15}m{n}.py", start=1, added=("x",)) for n in range(50))
    error = ERROR.model_copy(update={"type": "E" * 40, "file": "f" * 200, "function": "g" * 200})
    evidence = judge([Attempt(patch=Patch(edits=edits), error=error)] * 2, HIGH, DEFAULTS)
    assert evidence is not None
    assert len(evidence) <= 300
