import pytest

from hydranet.convergence import reaper
from hydranet.convergence.error_signature import ErrorSignature
from hydranet.convergence.returns import Return, find_returns
from hydranet.convergence.score import Attempt, score_attempt
from hydranet.patches import Edit, Patch
from hydranet.run_settings import ConvergenceSettings

GUARD = ("    if basket is None:", "        return 0")
RENAMED = ("    if cart is None:", "        return 0")
TABLE = tuple(f"    {number}: {number * 7}," for number in range(30))


def put(added: tuple[str, ...], removed: tuple[str, ...] = (), *, start: int = 40, file: str = "m.py") -> Patch:
    return Patch(edits=(Edit(file=file, start=start, removed=removed, added=added),))


def take(removed: tuple[str, ...], *, start: int = 40) -> Patch:
    return put((), removed, start=start)


def together(*patches: Patch) -> Patch:
    return Patch(edits=tuple(edit for patch in patches for edit in patch.edits))


def line(number: int) -> Patch:
    return put((f"other({number})",), ("pass",), start=100 + 20 * number)


def test_an_edit_that_was_taken_out_is_back() -> None:
    patches = [put(GUARD), line(1), take(GUARD), line(2), put(GUARD)]
    assert find_returns(patches) == {4: Return(0, 1.0, True)}


def test_taking_out_is_an_edit_too() -> None:
    patches = [take(GUARD), line(1), put(GUARD), line(2), take(GUARD)]
    assert find_returns(patches)[4] == Return(0, 1.0, True)


def test_lines_that_moved_in_between_are_in_the_same_place() -> None:
    table = put(TABLE, start=3)
    assert find_returns([put(GUARD), table, take(GUARD, start=70), put(GUARD, start=70)]) == {3: Return(0, 1.0, True)}
    assert find_returns([put(GUARD), line(1), take(GUARD), put(GUARD, start=70)]) == {}


def test_another_name_counts_where_the_very_lines_were_taken_out() -> None:
    back = find_returns([put(GUARD), line(1), take(GUARD), line(2), put(RENAMED)])[4]
    assert (back.attempt, back.likeness, back.taken_out) == (0, 0.95, True)
    assert find_returns([put(GUARD), line(1), line(2), put(RENAMED)]) == {}
    assert find_returns([put(GUARD), take(GUARD), put(("    basket = list(basket)",))]) == {}


def test_patches_from_one_base_leave_out_what_they_do_not_repeat() -> None:
    assert find_returns([put(GUARD), line(1), put(GUARD)]) == {2: Return(0, 1.0, False)}
    assert find_returns([put(GUARD), together(put(GUARD), line(1)), together(put(GUARD), line(1), line(2))]) == {}
    assert find_returns([put(GUARD), Patch(), together(put(GUARD), line(1))]) == {}


def test_of_a_larger_patch_its_share_counts() -> None:
    small = put(("import os",), start=1)
    most = find_returns([together(put(GUARD), line(1)), take(GUARD), together(put(GUARD), small)])[2]
    little = find_returns([together(small, line(1)), take(("import os",), start=1), together(small, put(GUARD))])[2]
    assert little.likeness < 0.4 < 0.9 < most.likeness < 1.0
    assert (most.attempt, little.attempt, most.taken_out) == (0, 0, True)


def test_an_edit_that_a_patch_moves_is_not_back() -> None:
    assert find_returns([put(GUARD), together(take(GUARD), put(GUARD, start=43))]) == {}


def test_patches_that_were_cut_are_not_the_same() -> None:
    head = put(GUARD)
    first, second = (head.model_copy(update={"digest": digest}) for digest in "12")
    assert find_returns([first, line(1), second])[2].likeness == 0.95


@pytest.mark.parametrize("last", [together(put(GUARD), put(("import os",), start=1)), put(RENAMED)])
def test_the_evidence_says_that_it_was_taken_out(last: Patch) -> None:
    error = ErrorSignature(type="TypeError", message="bad operand", file="m.py", function="f")
    patches = [put(GUARD), line(1), take(GUARD), line(2), last]
    attempts = [Attempt(patch=patch, error=error, failing_count=1) for patch in patches]
    evidence = reaper.judge(attempts, score_attempt(attempts), ConvergenceSettings())
    assert evidence is not None
    assert evidence.startswith("The patch to m.py puts in again what was taken out since attempt 1 and the same error")
