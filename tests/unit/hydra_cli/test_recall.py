"""How much was recalled, and how sure that is."""

import pytest

from hydra_cli.bench.recall import Share, estimate_difference, estimate_share, measure_recall


def test_recall_is_the_share_of_what_was_to_be_found() -> None:
    ranks = {"a.py": 1, "b.py": 7, "c.py": None, "d.py": 11}
    assert [measure_recall(ranks, keep) for keep in (1, 5, 10, 20)] == [0.25, 0.25, 0.5, 0.75]


def test_an_interval_is_around_its_mean_and_narrows() -> None:
    few, many = estimate_share([0.0, 1.0, 1.0, 1.0]), estimate_share([0.0, 1.0, 1.0, 1.0] * 50)
    assert few.mean == many.mean == 0.75
    assert few.low < many.low < 0.75 < many.high < few.high
    assert estimate_share([1.0] * 9) == Share(1.0, 1.0, 1.0)
    assert estimate_share([]) == Share(0.0, 0.0, 0.0)


def test_a_difference_is_taken_instance_by_instance() -> None:
    assert estimate_difference([1.0, 0.0, 1.0], [0.0, 0.0, 1.0]).mean == pytest.approx(0.3333)
    assert estimate_difference([0.5, 0.5], [0.5, 0.5]) == Share(0.0, 0.0, 0.0)
