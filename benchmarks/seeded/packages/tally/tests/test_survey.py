import pytest

from tally.survey import Survey
from tally.table import read_csv

ANSWERS = """name,age,town,score,likes
ann,33,Aven,4,yes
bob,17,Aven,2,no
cid,64,Birk,5,yes
dot,70,Birk,,yes
eva,45,Aven,3,no
"""


@pytest.fixture
def survey():
    return Survey(read_csv(ANSWERS))


def test_by_town(survey):
    rows = survey.by("town", "score").rows
    assert rows == [
        {"town": "Aven", "answers": 3, "mean": 3.0, "median": 3},
        {"town": "Birk", "answers": 1, "mean": 5.0, "median": 5},
    ]


def test_agreement(survey):
    rows = survey.agreement("likes").rows
    assert rows[0]["town"] == "Aven"
    assert rows[0]["under 18"] == 0.0
    assert rows[1]["40 to 64"] == 1.0


def test_weighted(survey):
    assert survey.without_silent("score").weighted("score", "town", {"Aven": 0.5, "Birk": 0.5}) == pytest.approx(4)
