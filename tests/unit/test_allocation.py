"""What the next draw of a strategy is worth, and which strategy gets it."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import isfinite

import pytest

from hydranet.allocation import (
    BASE_MEAN,
    CIRCLING_WEIGHT,
    HYSTERESIS,
    LEAST_NONE,
    TEMPLATE_SKILL,
    TOKENS_PER_SECOND,
    DrawOutcome,
    Draws,
    Skill,
    SkillRecord,
    StrategyState,
    choose_next,
    count_right_failures,
    estimate_skill,
    explain_suspension,
    learn_skill,
    measure_values,
    update_places,
)

EVEN = Skill(0.5, strength=1.0)
FLAT = {"a": 0.2, "b": 0.17, "c": 0.14, "d": 0.12, "e": 0.1, "f": 0.08}
PEAKED = {"a": 0.5, "b": 0.1, "c": 0.08, "d": 0.06, "e": 0.05, "f": 0.04}


def make_state(place: str, skill: Skill = EVEN, draws: Draws = Draws()) -> StrategyState:  # noqa: B008  (frozen)
    return StrategyState((place,), skill, cost=1000.0, draws=draws)


def follow(priors: Mapping[str, float], skill: Skill, outcome: DrawOutcome, draws: int) -> str:
    """Return the places that get the draws, one after the other, when all have the same outcome."""
    states = [make_state(place, skill) for place in priors]
    current, visited = None, ""
    for _ in range(draws):
        current = choose_next(measure_values(priors, states), current)
        assert current is not None
        visited += states[current].places[0]
        states[current] = replace(states[current], draws=states[current].draws.add(outcome))
    return visited


def test_before_any_draw_the_places_are_as_probable_as_their_priors() -> None:
    priors = {"a": 0.5, "b": 0.3}
    assert update_places(priors, [make_state("a"), make_state("b")]) == pytest.approx(priors)


def test_a_failed_draw_is_weighed_by_bayes() -> None:
    # a: 0.5 * 0.5 = 0.25, b: 0.3, none of them: 0.2; together 0.75.
    right = update_places({"a": 0.5, "b": 0.3}, [make_state("a", draws=Draws(repeats=1)), make_state("b")])
    assert right == pytest.approx({"a": 0.25 / 0.75, "b": 0.3 / 0.75})


def test_a_second_failed_draw_counts_by_the_skill_after_the_first() -> None:
    # Beta(0.5, 0.5): the first fails with 1/2, the second with 3/4.
    right = update_places({"a": 0.5, "b": 0.3}, [make_state("a", draws=Draws(repeats=2))])
    assert right["a"] == pytest.approx(0.1875 / 0.6875)


def test_unchanged_answers_are_weighed_by_their_shares_at_right_and_at_other_places() -> None:
    first = update_places({"a": 0.5}, [make_state("a", draws=Draws(unchanged=1))])["a"]
    evidence = 0.5 * 0.3002 / 0.5478
    assert first == pytest.approx(evidence / (1 + evidence))
    second = update_places({"a": 0.5}, [make_state("a", draws=Draws(unchanged=2))])["a"]
    evidence *= 0.75 * (2.3 * 0.3002 + 1) / (2.3 * 0.5478 + 1)
    assert second == pytest.approx(evidence / (1 + evidence))


def test_the_outcomes_of_draws_are_ordered_by_what_they_say_of_a_place() -> None:
    order = [Draws(partial=1), Draws(unusable=1), Draws(fails=1), Draws(repeats=1), Draws(unchanged=1)]
    probabilities = [update_places({"a": 0.3, "b": 0.3}, [make_state("a", draws=draws)])["a"] for draws in order]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(set(probabilities)) == len(order)
    assert probabilities[0] > 0.8
    assert probabilities[-1] < 0.2


def test_what_one_place_loses_the_others_and_none_of_them_gain_alike() -> None:
    right = update_places({"a": 0.4, "b": 0.3, "c": 0.1}, [make_state("a", draws=Draws(repeats=3))])
    none = 1 - sum(right.values())
    assert right["a"] < 0.4
    assert right["b"] / 0.3 == pytest.approx(right["c"] / 0.1) == pytest.approx(none / 0.2)
    assert right["b"] > 0.3


def test_draws_of_two_strategies_at_one_place_count_together() -> None:
    states = [make_state("a", draws=Draws(repeats=1)), make_state("a", Skill(0.2, 4.0), Draws(unchanged=1))]
    right = update_places({"a": 0.5}, states)["a"]
    evidence = 0.5 * 0.8 * 0.3002 / 0.5478
    assert right == pytest.approx(evidence / (1 + evidence))


def test_a_strategy_of_several_places_is_right_when_one_of_them_is() -> None:
    both, one = measure_values({"a": 0.4, "b": 0.3}, [replace(make_state("a"), places=("a", "b")), make_state("b")])
    assert both == pytest.approx(0.7 * 0.5 / 1000)
    assert one == pytest.approx(0.3 * 0.5 / 1000)


@pytest.mark.parametrize("priors", [{"a": 0.7, "b": 0.7}, {"a": 1.0}])
def test_that_no_place_is_right_always_stays_possible(priors: dict[str, float]) -> None:
    assert sum(update_places(priors, []).values()) == pytest.approx(1 - LEAST_NONE)
    states = [make_state(place, draws=Draws(repeats=50)) for place in priors]
    assert sum(update_places(priors, states).values()) < 0.9


@pytest.mark.parametrize("priors", [{}, {"b": 0.3}, {"a": 0.0, "b": 0.3}])
def test_a_place_without_a_prior_is_worth_nothing(priors: dict[str, float]) -> None:
    values = measure_values(priors, [make_state("a", draws=Draws(fails=3))])
    assert values == [0.0]
    assert choose_next(values) is None


def test_the_next_draw_is_worth_less_after_each_that_failed_like_the_ones_before() -> None:
    for outcome in DrawOutcome:
        draws, values = Draws().add(outcome), list[float]()
        for _ in range(20):
            values += measure_values({"a": 0.9, "b": 0.05}, [make_state("a", draws=draws)])
            draws = draws.add(outcome)
        assert all(later < earlier for earlier, later in pairwise(values))


def test_a_next_draw_is_worth_more_where_place_skill_and_price_are_better_and_less_when_it_circles() -> None:
    usual = make_state("a", Skill(0.3))
    states = [
        usual,
        make_state("b", Skill(0.3)),
        replace(usual, skill=Skill(0.4)),
        replace(usual, cost=900.0),
        replace(usual, convergence=0.5),
        replace(usual, convergence=1.0),
    ]
    value, likelier, abler, cheaper, circling, stuck = measure_values({"a": 0.3, "b": 0.4}, states)
    assert min(likelier, abler, cheaper) > value > circling > stuck
    assert stuck == pytest.approx((1 - CIRCLING_WEIGHT) * value)


def test_a_weak_model_looks_once_at_each_of_several_places() -> None:
    assert follow(FLAT, Skill(0.1), DrawOutcome.UNCHANGED, 6) == "abcdef"


def test_an_able_model_stays_at_a_place_that_is_probably_right() -> None:
    assert follow(PEAKED, Skill(0.6), DrawOutcome.FAILS, 4) == "aaab"


def test_a_left_place_is_taken_up_again() -> None:
    visited = follow(PEAKED, Skill(0.6), DrawOutcome.FAILS, 30)
    assert set(visited) == set(PEAKED)
    assert visited.count("a") > max(visited.count(place) for place in "bcdef")


def test_a_failed_draw_of_an_able_model_says_more_against_a_place() -> None:
    right = [update_places(PEAKED, [make_state("a", Skill(m), Draws(repeats=1))])["a"] for m in (0.1, 0.3, 0.6)]
    assert right == sorted(right, reverse=True)


def test_the_current_strategy_goes_on_until_another_is_worth_clearly_more() -> None:
    slightly, clearly = 1 + HYSTERESIS * 0.9, 1 + HYSTERESIS * 1.1
    assert choose_next([1.0, slightly], current=0) == 0
    assert choose_next([1.0, slightly]) == 1
    assert choose_next([1.0, clearly], current=0) == 1


def test_equal_strategies_do_not_take_turns_at_each_draw() -> None:
    visited = follow({"a": 0.3, "b": 0.3}, Skill(0.05, 20.0), DrawOutcome.REPEATS, 60)
    assert 2 < sum(earlier != later for earlier, later in pairwise(visited)) < 30


def test_of_equals_the_first_is_chosen_and_of_nothing_none() -> None:
    assert choose_next([2.0, 3.0, 3.0]) == 1
    assert choose_next([]) is None
    assert choose_next([0.0, 0.0], current=1) is None


def test_templates_come_first_on_a_fast_suite_and_not_on_a_slow_one() -> None:
    model = StrategyState(("a",), estimate_skill(1.5), cost=1300.0)
    for seconds, first in ((5.0, 0), (600.0, 1)):
        templates = StrategyState(("a",), TEMPLATE_SKILL, cost=seconds * TOKENS_PER_SECOND)
        assert choose_next(measure_values({"a": 0.3}, [templates, model])) == first


def test_a_larger_model_has_more_skill_and_a_long_function_takes_some() -> None:
    means = [estimate_skill(parameters).mean for parameters in (0.5, 1.5, 7.0, 32.0, 1000.0)]
    assert means == sorted(means)
    assert means[1] == pytest.approx(BASE_MEAN)
    assert means[-1] < 1
    assert estimate_skill(7.0, lines=200).mean == pytest.approx(means[2] / 2)


def test_a_node_learns_skill_from_its_own_record() -> None:
    prior = Skill(0.2, 3.0)
    assert learn_skill(prior, []) == prior
    records = [SkillRecord(model="m", form=form, passed=30, failed=20.0) for form in ("function", "lines")]
    able = learn_skill(prior, records)
    assert able == Skill(0.4, 3.0)
    assert learn_skill(prior, [SkillRecord(model="m", form="function", failed=100.0)]).mean == pytest.approx(0.1)
    assert 0 < learn_skill(prior, [SkillRecord(model="m", form="function", failed=1e6)]).mean < 1e-4


@pytest.mark.parametrize(("mean", "strength"), [(0.0, 1.0), (1.0, 1.0), (0.5, 0.0), (-0.1, 1.0)])
def test_a_skill_that_is_no_distribution_is_refused(mean: float, strength: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Skill(mean, strength)


def test_failed_draws_are_kept_by_how_probably_their_place_was_right() -> None:
    states = [make_state("a", draws=Draws(fails=4)), make_state("b", draws=Draws(unchanged=6))]
    assert count_right_failures({"a": 0.5, "b": 0.3}, states, fixed="a") == [4.0, 0.0]
    unknown = count_right_failures({"a": 0.5, "b": 0.3}, states)
    assert 0 < unknown[0] < 4
    assert 0 < unknown[1] < 6


@pytest.mark.parametrize("outcome", list(DrawOutcome))
def test_numbers_stay_finite_for_thousands_of_draws(outcome: DrawOutcome) -> None:
    priors = {f"p{number}": 0.9 / 2**number for number in range(1, 40)}
    for skill in (Skill(1e-6, 0.1), Skill(0.5), Skill(1 - 1e-6, 1000.0)):
        states = [make_state(place, skill, Draws(**{outcome.value: 5000})) for place in priors]
        right, values = update_places(priors, states), measure_values(priors, states)
        assert all(isfinite(value) and value >= 0 for value in (*right.values(), *values))
        assert 0 <= sum(right.values()) <= 1 + 1e-9


def test_the_same_draws_give_the_same_values_in_any_order() -> None:
    states = [make_state(place, Skill(0.3), Draws(fails=n, unchanged=3 - n)) for n, place in enumerate("abc")]
    values = measure_values(FLAT, states)
    assert measure_values(FLAT, states) == values
    turned = dict(reversed(FLAT.items()))
    assert list(reversed(measure_values(turned, states[::-1]))) == values


def test_why_a_branch_is_suspended_is_a_sentence() -> None:
    assert explain_suspension(2e-6, 12.34e-6) == (
        "Its next draw is worth 2 fixes per million tokens, another strategy's 12."
    )
    assert explain_suspension(None, 12.34e-6) == (
        "Its next draw is worth too little for its time, another strategy's 12 fixes per million tokens."
    )
