"""What the draws of a run are worth: by place, skill, price and what has become of draws so far."""

from typing import Any

import pytest

from hydranet.allocation import Draws, SkillRecord
from hydranet.budget import Spent, Usage
from hydranet.contracts import Place
from hydranet.genealogy import AttemptRecord, BranchRecord, Ending, Genealogy, Outcome
from hydranet.strategy import MODULE_LEVEL, TEMPLATES, Strategy
from hydranet.valuation import Offer, Valuation

PLACES = (
    Place(file="a.py", symbol="first", first_line=1, last_line=20, probability=0.4),
    Place(file="a.py", symbol="second", first_line=30, last_line=45, probability=0.3),
    Place(file="b.py", symbol="", first_line=1, last_line=9, probability=0.1),
)


def value(model: str = "ollama:coder:1.5b", records: tuple[SkillRecord, ...] = (), seconds: float = 4.0) -> Valuation:
    return Valuation(model, PLACES, records, seconds)


def at(symbol: str, file: str = "a.py", **more: Any) -> Strategy:
    return Strategy(title=symbol, target_files=(file,), target_symbols=(symbol,), **more)


def branch(number: int, strategy: Strategy, *draws: Draws, tokens: int = 0, seconds: float = 5.0) -> BranchRecord:
    usage = Usage(calls=1, prompt_tokens=tokens, seconds=tokens / 20)
    attempts = tuple(
        AttemptRecord(
            number=index,
            outcome=Outcome.FAILED,
            draws=each,
            seconds=seconds,
            prompt="implement@1",
            spent=(Spent(purpose="implement", usage=usage),) if tokens else (),
        )
        for index, each in enumerate(draws, 1)
    )
    return BranchRecord(number=number, id=f"b{number}", strategy=strategy, attempts=attempts)


def genealogy(*branches: BranchRecord) -> Genealogy:
    return Genealogy(run_id="r", repository_name="r", title="t", branches=branches)


def order(offers: list[Offer]) -> list[str]:
    """Return what is offered, most valuable first."""
    names = [offer.strategy.title if offer.strategy else offer.source or f"b{offer.branch}" for offer in offers]
    return [name for _, name in sorted(zip([-offer.value for offer in offers], names, strict=True))]


def test_a_likelier_place_is_worth_more() -> None:
    offers = value().list_offers(genealogy(), (), [at("second"), at("first")], ())
    assert order(offers) == ["first", "second"]


def test_answers_that_change_nothing_take_from_a_place_more_than_answers_that_fail() -> None:
    waiting = {
        name: value().list_offers(genealogy(branch(1, at("first"), draws, tokens=4000)), [1], [], ())[0].value
        for name, draws in {"fails": Draws(fails=4), "unchanged": Draws(unchanged=4)}.items()
    }
    assert waiting["unchanged"] < waiting["fails"]


def test_failures_at_one_place_raise_the_others() -> None:
    fresh = value().list_offers(genealogy(), (), [at("second")], ())[0].value
    after = genealogy(branch(1, at("first"), Draws(unchanged=8)))
    assert value().list_offers(after, (), [at("second")], ())[0].value > fresh


def test_templates_cost_their_seconds() -> None:
    templates, model = at("first", model=TEMPLATES, skill=0.08), at("first")
    for seconds, best in ((1.0, TEMPLATES), (300.0, "")):
        offers = value(seconds=seconds).list_offers(genealogy(), (), [templates, model], ())
        first = max(offers, key=lambda offer: offer.value)
        assert first.strategy is not None
        assert first.strategy.model == best


def test_the_measured_seconds_of_a_batch_count_more_than_the_estimate() -> None:
    slow = genealogy(branch(1, at("second", model=TEMPLATES), Draws(repeats=1), seconds=900.0))
    templates = at("first", model=TEMPLATES, skill=0.08)
    (before,) = value().list_offers(genealogy(), (), [templates], ())
    (after,) = value().list_offers(slow, (), [templates], ())
    assert after.value < before.value / 50


def test_what_an_attempt_waited_for_a_sandbox_costs_nothing() -> None:
    """Many runs at one moment wait for each other: no draw is worth less for it."""
    tested, waited = (branch(1, at("second", model=TEMPLATES), Draws(repeats=1), seconds=s) for s in (5.0, 900.0))
    attempt = waited.attempts[0].model_copy(update={"test_seconds": 5.0})
    waited = waited.model_copy(update={"attempts": (attempt,)})
    templates = at("first", model=TEMPLATES, skill=0.08)
    offers = [value().list_offers(genealogy(each), (), [templates], ()) for each in (tested, waited)]
    assert offers[0] == offers[1] != []


@pytest.mark.parametrize("seconds", [1.0, 900.0])
def test_a_batch_of_templates_that_has_next_to_no_chance_is_not_offered_however_fast_it_is(seconds: float) -> None:
    record = genealogy(branch(1, at("second", model=TEMPLATES), Draws(repeats=1), seconds=seconds))
    unlikely, likelier = (at("gone", "c.py", model=TEMPLATES, skill=skill) for skill in (0.005, 0.02))
    assert value().list_offers(record, (), [unlikely], ()) == []
    assert value().list_offers(record, (), [likelier], ()) != []
    assert value().list_offers(record, (), [at("gone", "c.py")], ()) != [], "a model's draws have the budget of tokens"


def test_a_source_is_asked_before_it_has_proposed_anything() -> None:
    offers = value().list_offers(genealogy(), (), [], [TEMPLATES, "ollama:coder:1.5b"])
    assert order(offers) == [TEMPLATES, "ollama:coder:1.5b"]


@pytest.mark.parametrize("instruction", ["Look at `second`.", "second() is wrong", "see a.py"])
def test_a_place_that_a_person_names_is_likelier(instruction: str) -> None:
    started = genealogy(branch(1, at("second")))
    (plain,), (named,) = (value().list_offers(started, [1], [], (), text) for text in ("", instruction))
    assert named.value >= plain.value
    assert "a.py" in instruction or named.value > plain.value


def test_a_node_of_its_own_record_has_more_skill() -> None:
    able = SkillRecord(model="m", form="implement", passed=300, failed=100.0)
    (plain,) = value().list_offers(genealogy(), (), [at("first")], ())
    (known,) = value(records=(able,)).list_offers(genealogy(), (), [at("first")], ())
    (other,) = value(records=(able.model_copy(update={"long": True}),)).list_offers(genealogy(), (), [at("first")], ())
    assert known.value > 5 * plain.value
    assert other.value == plain.value, "long functions say nothing of short ones"


def test_code_at_module_level_is_one_place_by_whatever_name() -> None:
    module = value().list_offers(genealogy(), (), [at(MODULE_LEVEL, "b.py")], ())
    assert module[0].value > value().list_offers(genealogy(), (), [at("gone", "c.py")], ())[0].value


def test_a_strategy_for_a_file_aims_at_its_likeliest_place() -> None:
    whole = Strategy(title="whole", target_files=("a.py",))
    assert value().count_lines(whole) == 20


def test_a_strategy_of_a_place_that_is_not_listed_is_worth_something() -> None:
    (offer,) = value().list_offers(genealogy(), (), [at("gone", "c.py")], ())
    assert offer.value > 0


def test_skill_counts_failures_by_how_likely_their_place_was_right() -> None:
    first = branch(1, at("first"), Draws(fails=4), tokens=4000)
    second = branch(2, at("second"), Draws(unchanged=4), tokens=4000)
    templates = branch(3, at("first", model=TEMPLATES), Draws(repeats=1))
    records = value().count_skill(genealogy(first, second, templates))
    assert [(record.form, record.passed) for record in records] == [("implement", 0), ("implement", 0)]
    assert records[0].failed > records[1].failed > 0


def test_skill_counts_the_draws_where_the_fix_was() -> None:
    first = branch(1, at("first"), Draws(fails=4), tokens=4000)
    fixed = branch(2, at("second"), Draws(fails=2), Draws(), tokens=2000).model_copy(update={"ending": Ending.PASSED})
    records = value().count_skill(genealogy(first, fixed))
    assert [(record.passed, record.failed) for record in records] == [(0, 0.0), (1, 2.0)]
