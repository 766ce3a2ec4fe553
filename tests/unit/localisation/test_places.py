"""The list of places: each with its probability and the reasons that say most."""

import pytest

from activities.localisation.evidence import Evidence
from activities.localisation.localiser import Localisation
from activities.localisation.places import explain_place, list_places
from activities.localisation.probability import NONE, choose_reasons, estimate, load_weights
from activities.localisation.ranking import rank_suspects
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from hydranet.contracts import Place
from hydranet.convergence.error_signature import ErrorClass

CODE = "SIZE = 10\n\n\nclass Pager:\n    def page(self, number):\n        return number * SIZE\n"


def localise(evidence: Evidence) -> Localisation:
    source = Source.parse("shop/paging.py", CODE)
    assert source is not None
    suspects, others = rank_suspects([source], evidence)
    return Localisation(evidence, suspects, others, ErrorClass.UNKNOWN, Vocabulary())


def test_places_of_every_kind_stand_in_one_list() -> None:
    retrieved = (
        Place(file="web/page.ts", symbol="render", first_line=3, last_line=9, why="the issue names render"),
        Place(file="shop/paging.py", symbol="Pager.page", first_line=5, last_line=6, why="calls Pager.page"),
        Place(file="shop/paging.py", symbol="", first_line=1, last_line=1, why="the issue's words"),
    )
    localisation = localise(Evidence(retrieved=retrieved))
    places = list_places(localisation, 10)
    assert {(place.file, place.symbol) for place in places} == {(place.file, place.symbol) for place in retrieved}
    assert [place.probability for place in places] == sorted((place.probability for place in places), reverse=True)
    assert 0 < sum(place.probability for place in places) <= 1
    by_symbol = {place.symbol: place for place in places}
    assert (by_symbol["Pager.page"].first_line, by_symbol["Pager.page"].last_line) == (5, 6)
    assert by_symbol["Pager.page"].why.startswith("retrieval's second place: calls Pager.page")
    assert by_symbol["render"].why == "retrieval's first place: the issue names render"
    assert list_places(localisation, 1) == places[:1]


def test_a_failure_without_a_clue_has_no_places() -> None:
    assert list_places(localise(Evidence()), 10) == ()


def test_a_place_is_told_in_a_sentence() -> None:
    assert explain_place(Place(file="a.py", why="it is named", probability=0.314)) == "0.31 likely: it is named."
    assert explain_place(Place(file="a.py", probability=0.5)) == "0.50 likely."


def test_probabilities_leave_room_for_none_of_the_places() -> None:
    weights = {"frame": 2.0, NONE: 1.0}
    alone = estimate([{"frame": 1.0}], weights)
    assert alone == [pytest.approx(0.7311, abs=1e-4)]
    assert estimate([{"frame": 1.0}, {"frame": 1.0}], weights)[0] < alone[0]
    assert estimate([], weights) == []
    assert sum(estimate([{"frame": 900.0}, {}], weights)) <= 1


def test_the_weights_that_come_along_never_reward_being_executed_by_passing_tests() -> None:
    weights = load_weights()
    assert all(weights.get(name, 0.0) <= 0 for name in ("passing", "passing_share", "unexecuted"))
    assert all(weights.get(name, 0.0) >= 0 for name in ("coverage", "exclusive", "frame", "predicate", "retrieved_log"))


def test_reasons_that_say_nothing_are_dropped_unless_there_is_no_other() -> None:
    values = {"predicate": 0.9, "called": 0.0001}
    reasons = {"called": "a failing test calls f", "predicate": "mostly failing tests see `x`"}
    assert choose_reasons(values, reasons) == ("mostly failing tests see `x`",)
    assert choose_reasons({"called": 0.0001}, {"called": "a failing test calls f"}) == ("a failing test calls f",)
    assert choose_reasons({}, {}) == ()
