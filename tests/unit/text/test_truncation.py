import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydranet.text.truncation import (
    keep_distinct,
    keep_end,
    keep_ends,
    keep_first_lines,
    keep_last_lines,
    keep_start,
)

ALL = [keep_distinct, keep_end, keep_ends, keep_first_lines, keep_last_lines, keep_start]


def test_what_fits_stays_as_it_is() -> None:
    assert {keep("one\ntwo", 7) for keep in ALL} == {"one\ntwo"}


@pytest.mark.parametrize("keep", ALL)
@given(text=st.text(max_size=80), limit=st.integers(16, 60))
def test_no_cut_exceeds_its_limit(keep: object, text: str, limit: int) -> None:
    assert callable(keep)
    assert len(keep(text, limit)) <= limit


def test_a_mark_stands_where_something_is_missing() -> None:
    assert keep_start("one two three", 8) == "one two…"
    assert keep_end("one two three", 6) == "…three"


def test_lines_are_kept_whole() -> None:
    assert keep_first_lines("one\ntwo\nthree", 9) == "one\ntwo\n…"
    assert keep_last_lines("one\ntwo\nthree", 9) == "…\nthree"
    assert keep_first_lines("x" * 20, 5) == "xxx\n…"


def test_texts_that_differ_at_their_ends_stay_different() -> None:
    first, second = keep_distinct("x" * 400 + "1", 300), keep_distinct("x" * 400 + "2", 300)
    assert first != second
