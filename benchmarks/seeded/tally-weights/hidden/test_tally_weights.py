import pytest

from tally.measures import weighted_mean


def test_only_answers_weigh():
    assert weighted_mean([2, None, 4], [1, 5, 3]) == 3.5
    assert weighted_mean([None, None], [1, 2]) is None
    assert weighted_mean([1, 2], [0, 0]) is None
    assert weighted_mean([], []) is None
    assert weighted_mean([1, 9], [0, 2]) == pytest.approx(9)
