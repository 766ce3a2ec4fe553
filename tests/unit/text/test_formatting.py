import pytest

from hydranet.text.formatting import format_count, format_duration, format_share, join_words


def test_counts_agree_with_their_noun() -> None:
    assert [format_count(n, "strategy") for n in (0, 1, 2)] == ["0 strategies", "1 strategy", "2 strategies"]
    assert format_count(3, "branch") == "3 branches"
    assert format_count(34_500, "token") == "34,500 tokens"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (252, "4 min 12 s"),
        (3599.6, "1 h"),
        (3790, "1 h 3 min"),
        (100_000, "27 h 47 min"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_a_small_share_is_not_nothing() -> None:
    assert [format_share(part, 200) for part in (0, 1, 3, 66)] == ["0 %", "under 1 %", "2 %", "33 %"]


def test_long_lists_end_in_a_count() -> None:
    assert [join_words([*"abcdefg"][:n]) for n in (0, 1, 2, 3, 5, 6)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c, d and e",
        "a, b, c, d and 2 others",
    ]
