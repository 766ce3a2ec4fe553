from collections.abc import Iterable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hydranet.convergence import patch_similarity as similarities
from hydranet.convergence.error_signature import ErrorClass, ErrorSignature, extract_signature
from hydranet.convergence.patch_similarity import is_empty_change, measure_similarity
from hydranet.convergence.returns import find_returns
from hydranet.convergence.score import MEMORY, Attempt, Command, Score, Terms, score_attempt
from hydranet.patches import Edit, Patch
from hydranet.run_settings import ConvergenceSettings

BUG = ErrorSignature(type="TypeError", message="bad operand", file="m.py", function="f")


def change(added: str, removed: str = "    return a / b", *, file: str = "m.py", start: int = 40) -> Patch:
    lines = (tuple(side.split("\n")) if side else () for side in (removed, added))
    return Patch(edits=(Edit(file=file, start=start, removed=next(lines), added=next(lines)),))


def attempt(patch: Patch, error: ErrorSignature | None = BUG, failing: int = 1, *commands: Command) -> Attempt:
    return Attempt(patch=patch, error=error, failing_count=failing, commands=commands)


# --- similarity ---------------------------------------------------------------------------------------------

GUARD = "    if b == 0:\n        return 0\n    return a / b"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (change("    return a // b"), change("    return a // b  # whole numbers")),
        (change("    return a // b"), change("    return a//b")),
        (change("    return a // b"), change("    return a // b", start=43)),
        (change("    return a // b;", file="m.js"), change("    return a // b;", file="m.js")),
    ],
)
def test_the_same_change_is_worth_one(one: Patch, other: Patch) -> None:
    assert measure_similarity(one, other) == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (change("    return a // b"), change("    return int(a / b)")),
        (change("    return int(x)"), change("    return int(str(x))")),
        (change("    if n <= 0:"), change("    if n < 1:")),
        (change(GUARD), change(GUARD.replace("return 0", "raise ValueError(b)"))),
        (change(GUARD), change(GUARD + "\n    # done\n    return None")),
        (
            change("    x = f(a)\n    y = g(b)\n    return x + y"),
            change("    y = g(b)\n    x = f(a)\n    return x + y"),
        ),
        (
            change("    result = f(a)\n    return result or b"),
            change("    value = f(a)\n    return value or b"),
        ),
        (
            change("    return a // max(b, 1)", "    total = a / b / c"),
            change("    return a // max(b, 1)", "    total = a / b / c", start=90),
        ),
        (
            change("    return a // b"),
            Patch(
                edits=(
                    *change("    return a // b").edits,
                    *change("    log(a)\n" * 9, "", start=2, file="log.py").edits,
                )
            ),
        ),
    ],
    ids="operators wrapped comparison branch grown shuffled renamed moved with-another-file".split(),
)
def test_small_edits_are_alike_but_not_the_same(one: Patch, other: Patch) -> None:
    assert 0.5 < measure_similarity(one, other) < 1.0
    assert measure_similarity(one, other) == measure_similarity(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (change(GUARD), change(GUARD, file="n.py")),
        (
            change("    return (x or '').strip()", "    return x.strip()"),
            change("    return (y or '').lower()", "    return y.lower()", start=46),
        ),
        (change("    return 0", "    return None", start=10), change("    return 0", "    return None", start=60)),
        (
            change("    if a is None:\n        return None", ""),
            change("    if a is None:\n        return None", "", start=80),
        ),
        (
            change("", "    if a is None:\n        return None"),
            change("", "    if a is None:\n        return None", start=80),
        ),
        (change(GUARD), change("    raise NotImplementedError")),
        (
            change("    return a // b"),
            change("    values = [f(x) for x in xs]\n    while values:\n        a += values.pop()\n    return a"),
        ),
    ],
    ids="other-file other-function line-elsewhere guard-elsewhere guard-out-elsewhere unlike rewritten".split(),
)
def test_other_ideas_are_unlike(one: Patch, other: Patch) -> None:
    assert measure_similarity(one, other) < 0.5


def together(*patches: Patch) -> Patch:
    return Patch(edits=tuple(edit for patch in patches for edit in patch.edits))


PUT_IN = "    if a is None or not a.items:\n        logger.warning('nothing in %s', a)\n        return Decimal(0)"


@pytest.mark.parametrize(
    ("stays", "goes"),
    [
        (change("import logging", "", start=3), change(PUT_IN, "", start=100)),
        (change("import logging", "", start=3), change("    return a // b", "    total = a / b / c", start=100)),
        (change("import logging", "", start=3, file="log.py"), change(PUT_IN, "", start=100)),
        (change(PUT_IN, "", start=50), change(PUT_IN, "", start=100)),
    ],
    ids="import-and-insertion import-and-replacement in-another-file as-much".split(),
)
def test_one_edit_where_it_was_does_not_make_edits_elsewhere_the_same(stays: Patch, goes: Patch) -> None:
    def moved(lines: int) -> Patch:
        edits = (edit.model_copy(update={"start": edit.start + lines}) for edit in goes.edits)
        return together(stays, Patch(edits=tuple(edits)))

    assert measure_similarity(moved(800), moved(0)) < 0.6
    assert measure_similarity(moved(2), moved(0)) == 1.0
    looking = [attempt(moved(lines)) for lines in (0, 800, 1600)]
    assert max(score_attempt(looking[:count]).value for count in (1, 2, 3)) <= 0.75


def test_a_small_edit_elsewhere_does_not_hide_that_the_rest_is_where_it_was() -> None:
    rest = change(PUT_IN, "", start=100)
    circling = [attempt(together(change("import logging", "", start=line), rest)) for line in (3, 800, 1600)]
    assert 0.5 < measure_similarity(circling[1].patch, circling[0].patch) < 1.0
    assert score_attempt(circling).value > 0.75


def test_edits_that_all_moved_are_still_the_same_idea() -> None:
    both = together(change("import logging", "", start=3), change(PUT_IN, "", start=100))
    lower = Patch(edits=tuple(edit.model_copy(update={"start": edit.start + 40}) for edit in both.edits))
    assert 0.75 < measure_similarity(lower, both) < 1.0


def test_a_patch_that_changes_nothing_repeats_everything() -> None:
    nothing = change("    # first\n    return a / b  \n", "    return a / b")
    assert is_empty_change(Patch())
    assert is_empty_change(nothing)
    assert measure_similarity(nothing, change("    return a // b")) == 1.0
    assert measure_similarity(change("    return a // b"), nothing) == 0.0


def test_indentation_and_empty_files_are_changes() -> None:
    assert not is_empty_change(change("        return a / b", "    return a / b"))
    assert not is_empty_change(Patch(edits=(Edit(file="pkg/__init__.py", start=0),)))
    dedented = measure_similarity(change("    return a // b"), change("return a // b"))
    assert 0.9 < dedented < 1.0


def test_cut_patches_with_the_same_head_are_not_the_same() -> None:
    head = change("    return a // b")
    assert measure_similarity(head.model_copy(update={"digest": "1"}), head.model_copy(update={"digest": "2"})) < 1.0
    assert not is_empty_change(Patch(digest="1"))


# --- the score ----------------------------------------------------------------------------------------------


def test_the_score_is_the_weighted_mean_of_its_terms() -> None:
    seen = Command(command="cat m.py", result="...")
    past = [
        attempt(change("    return a // b"), BUG, 1, seen, seen),
        attempt(change("    raise KeyError(a)"), BUG.model_copy(update={"message": "other"}), 1, seen),
    ]
    found = score_attempt(past)
    patch, command, error = found.terms.patch_similarity, found.terms.command_repetition, found.terms.error_match
    assert command == pytest.approx(2 / 3)
    assert error == 0.5
    assert patch is not None
    assert found.value == pytest.approx(0.45 * patch + 0.15 * 2 / 3 + 0.40 * 0.5, abs=1e-4)
    weighed = ConvergenceSettings(alpha=0.0, beta=0.0, gamma=1.0)
    assert score_attempt(past, weighed).value == 0.5
    assert score_attempt(past, ConvergenceSettings(alpha=0.0, beta=1.0, gamma=0.0)).value == pytest.approx(
        2 / 3, abs=1e-4
    )
    assert score_attempt(past, ConvergenceSettings(alpha=0.0, beta=0.0, gamma=0.0)).value == 0.0


NEWS = [(Command(command=f"grep -n {word} m.py", result=word),) for word in ("alpha", "beta", "gamma")]
REPEATS = [(Command(command="git log -3", result="two commits"),)] * 3


@pytest.mark.parametrize(
    "bodies", [("a // b", "int(a / b)", "int(a // b)"), ("a / (b or 1)", "a / (b or 2)", "a / max(b, 1)")]
)
def test_reading_something_new_does_not_save_a_spiral(bodies: tuple[str, ...]) -> None:
    def scores(looked: Iterable[tuple[Command, ...]]) -> list[float]:
        spiral = [
            attempt(change(f"    return {body}"), BUG, 1, *seen) for body, seen in zip(bodies, looked, strict=True)
        ]
        return [score_attempt(spiral[:count]).value for count in (2, 3)]

    assert scores(NEWS) == scores([(), (), ()])
    assert scores(NEWS)[1] > 0.75
    assert all(raised >= plain for raised, plain in zip(scores(REPEATS), scores(NEWS), strict=True))


def test_a_first_attempt_has_nothing_to_repeat() -> None:
    assert score_attempt([]) == Score()
    assert score_attempt([attempt(change("    return a // b"))]) == Score()


@pytest.mark.parametrize(
    ("error", "failing", "match"),
    [
        (BUG, 3, 1.0),
        (BUG, 4, 1.0),
        (BUG, 2, 0.0),
        (BUG.model_copy(update={"message": "other"}), 3, 0.5),
        (BUG.model_copy(update={"function": "g"}), 3, 0.5),
        (BUG.model_copy(update={"file": "n.py"}), 3, 0.0),
        (BUG.model_copy(update={"type": "KeyError"}), 3, 0.0),
        (None, 3, 0.0),
    ],
)
def test_error_match(error: ErrorSignature | None, failing: int, match: float) -> None:
    past = [attempt(change("    return a // b"), BUG, 3), attempt(change("    return a // c"), error, failing)]
    assert score_attempt(past).terms.error_match == match


def test_without_errors_there_is_no_error_term() -> None:
    refused = Attempt(patch=change("    return a // b"), passed=False)
    assert score_attempt([refused, refused]).terms == Terms(patch_similarity=1.0)


FIX = change("    return a // max(b, 1)")
UNFIX = change("    return a / b", "    return a // max(b, 1)")
WRITTEN = ErrorSignature(type="Unknown", message="#")


@pytest.mark.parametrize(
    "again",
    [
        attempt(Patch(), None, 0),
        attempt(FIX, None, 0),
        attempt(change("    # why\n", ""), None, 0),
        attempt(Patch(), WRITTEN, 0),
        attempt(FIX, WRITTEN, 0),
        Attempt(patch=FIX, passed=True),
    ],
    ids="nothing-changed the-same-change a-comment another-command another-command-on-all-changes told".split(),
)
def test_checking_a_state_that_passes_once_more_is_no_repetition(again: Attempt) -> None:
    for past in ([attempt(FIX, None, 0)], [attempt(FIX), attempt(change("    return b")), attempt(FIX, None, 0)]):
        assert [score_attempt([*past, *[again] * count]).value for count in (1, 2, 3)] == [0.0, 0.0, 0.0]


def test_a_first_attempt_that_passes_repeats_no_dead_one() -> None:
    assert score_attempt([attempt(FIX, None, 0)], dead=[attempt(FIX)]).value == 0.0
    assert score_attempt([attempt(FIX)], dead=[attempt(FIX)]).value == 1.0


def test_what_came_before_a_pass_is_no_longer_repeated() -> None:
    red = attempt(Patch())
    assert score_attempt([red, attempt(FIX, None, 0), red]).value == 0.0
    assert score_attempt([attempt(UNFIX), attempt(FIX, None, 0), attempt(UNFIX)]).value == 0.0
    assert score_attempt([red, attempt(FIX, None, 0), red, red]).value == 1.0


@pytest.mark.parametrize("idle", [Attempt(), Attempt(passed=False), attempt(Patch(), WRITTEN, 0)])
def test_what_changes_nothing_passes_only_after_a_pass(idle: Attempt) -> None:
    assert score_attempt([idle, idle]).value == 1.0
    assert score_attempt([attempt(FIX), idle]).value > 0.5
    assert score_attempt([attempt(FIX, None, 0), idle, idle]).value == 0.0


def test_the_nearest_attempt_is_the_one_that_the_terms_compare_with() -> None:
    a, b = change("    return a // b"), change("    raise KeyError(a)", "    pass", start=80)
    assert [score_attempt([attempt(p) for p in (a, b, a, b)[:n]]).nearest for n in (2, 3, 4)] == [1, 1, 2]
    outage = Attempt(infrastructure=True)
    assert score_attempt([attempt(a), outage, attempt(b), outage, attempt(a)]).nearest == 1


def test_progress_starts_the_count_anew() -> None:
    bodies = ("    return a // b", "    return a // int(b)", "    return int(a) // b", "    return int(a) // int(b)")
    stuck = [attempt(change(body), BUG, 4) for body in bodies]
    moving = [attempt(change(body), BUG, failing) for body, failing in zip(bodies, (4, 4, 3, 3), strict=True)]
    assert score_attempt(stuck).value > 0.75
    assert score_attempt(moving).value <= 0.75


OTHERS = [change(f"    {word}({number})", "    pass", start=100 * number) for number, word in enumerate("fgh", 1)]


def test_a_near_repetition_is_forgotten_past_the_window() -> None:
    past = [attempt(p) for p in (change("    return a // b"), *OTHERS, change("    return a // int(b)"))]
    assert score_attempt(past).value < 0.75
    assert (score_attempt(past).terms.patch_similarity or 0.0) < 0.1
    assert (score_attempt(past, ConvergenceSettings(window=4)).terms.patch_similarity or 0.0) > 0.3


@pytest.mark.parametrize("between", [3, 4, MEMORY - 2])
def test_the_same_change_again_is_remembered_as_far_as_a_branch_remembers(between: int) -> None:
    others = [
        change(f"    other_{number}({number})", "    pass", start=100 * number) for number in range(1, between + 1)
    ]
    past = [attempt(p) for p in (change("    return a // b"), *others, change("    return a // b"))]
    assert (score_attempt(past).value, score_attempt(past).nearest) == (1.0, 1)
    assert score_attempt([past[0], attempt(Patch()), *past[1:]]).value == (1.0 if between < MEMORY - 2 else 0.4706)


# --- properties ---------------------------------------------------------------------------------------------

CODE = ["x = f(a)", "return x", "if x is None:", "    return 0", "for i in range(n):", "    total += i", "# note", ""]
lines = st.lists(st.sampled_from(CODE), max_size=4).map(tuple)
edits = st.builds(Edit, file=st.sampled_from(["a.py", "b.py"]), start=st.integers(1, 60), removed=lines, added=lines)
errors = st.builds(
    ErrorSignature,
    type=st.sampled_from(["TypeError", "KeyError"]),
    message=st.sampled_from(["one", "two"]),
    file=st.sampled_from(["a.py", "b.py"]),
    error_class=st.sampled_from(list(ErrorClass)),
)


def histories(*, changed: bool = True) -> st.SearchStrategy[list[Attempt]]:
    commands = st.builds(
        Command,
        command=st.sampled_from(["ls", "cat a.py", "pytest"]),
        result=st.sampled_from(["", "x"]),
        workspace_changed=st.booleans() if changed else st.just(False),
    )
    return st.lists(
        st.builds(
            Attempt,
            patch=st.builds(Patch, edits=st.lists(edits, max_size=3).map(tuple)),
            error=st.none() | errors,
            failing_count=st.integers(0, 5),
            commands=st.lists(commands, max_size=4).map(tuple),
            infrastructure=st.sampled_from([False, False, True]),
        ),
        min_size=1,
        max_size=8,
    )


def forget() -> None:
    similarities.measure_similarity.cache_clear()
    similarities._shape.cache_clear()
    similarities._line.cache_clear()


@given(histories(), histories())
def test_a_score_is_bounded_and_the_same_on_replay(attempts: list[Attempt], dead: list[Attempt]) -> None:
    first = score_attempt(attempts, dead=dead)
    assert 0.0 <= first.value <= 1.0
    assert all(value is None or 0.0 <= value <= 1.0 for value in first.terms.model_dump().values())
    forget()
    assert score_attempt([Attempt.model_validate_json(a.model_dump_json()) for a in attempts], dead=dead) == first


LOOKED, QUIET = Attempt(commands=(Command(command="ls"),)), Attempt()
LOOKED_TWICE = Attempt(commands=LOOKED.commands * 2)


@given(histories(changed=False))
@example([LOOKED_TWICE, QUIET, QUIET, QUIET, LOOKED])
def test_a_repeated_attempt_scores_no_lower(attempts: list[Attempt]) -> None:
    assert score_attempt([*attempts, attempts[-1]]).value >= score_attempt(attempts).value


@given(histories())
def test_commands_never_lower_a_score(attempts: list[Attempt]) -> None:
    silent = [attempt.model_copy(update={"commands": ()}) for attempt in attempts]
    assert score_attempt(attempts).value >= score_attempt(silent).value


@given(histories())
def test_only_the_window_counts_unless_an_edit_is_put_in_again(attempts: list[Attempt]) -> None:
    real = [
        attempt.model_copy(update={"commands": (), "passed": False})
        for attempt in attempts
        if not attempt.infrastructure
    ]
    assume(not find_returns([attempt.patch for attempt in real]))
    kept = real[-ConvergenceSettings().window - 2 :]
    whole, part = score_attempt(real), score_attempt(kept)
    assert (whole.value, whole.terms) == (part.value, part.terms)


def test_a_command_is_remembered_beyond_the_window_as_far_as_a_branch_remembers() -> None:
    def repetition(quiet: int) -> float | None:
        return score_attempt([LOOKED, *[QUIET] * quiet, LOOKED]).terms.command_repetition

    assert (repetition(MEMORY - 2), repetition(MEMORY - 1)) == (0.5, 0.0)


volatile = st.tuples(
    st.integers(1, 9999),
    st.integers(0, 2**48).map(hex),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=8, max_size=8),
    st.sampled_from(
        ["/usr/lib/python3.12", "/opt/env/lib/python3.11/site-packages/lib", "/root/.pyenv/lib/python3.13"]
    ),
    st.uuids(),
    st.floats(0.001, 99).map("{:.2f}".format),
)


def output(line: int, address: str, name: str, library: str, identity: object, seconds: str) -> str:
    return f"""\
Traceback (most recent call last):
  File "/work/tests/test_m.py", line {line}, in test_f
    f(1)
  File "/work/m.py", line {line + 7}, in f
    return json.loads(text)
  File "{library}/json/__init__.py", line {line}, in loads
    return decode(text)
ValueError: <Reader object at {address}> gave up on /tmp/tmp{name}/{name}.json and {library}/x.py:{line} \
after {seconds}s, pid {line}, request {identity}
"""


@given(volatile, volatile)
def test_a_score_ignores_what_varies_by_chance(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    found = [extract_signature(output(*seen)) for seen in (one, other)]  # type: ignore[arg-type]
    assert found[0] == found[1]
    patches = (change("    return a // b"), change("    return a // int(b)"))
    past = [attempt(patch, error) for patch, error in zip(patches, found, strict=True)]
    assert score_attempt(past).terms.error_match == 1.0
