import re
from collections.abc import Callable

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
MARK = re.compile(r"\[([\d,]+) characters left out\]")


def test_what_fits_stays_as_it_is() -> None:
    assert {keep("one\ntwo", 7) for keep in ALL} == {"one\ntwo"}


@pytest.mark.parametrize("keep", ALL)
@given(text=st.text(st.sampled_from("ab\n"), max_size=500), limit=st.integers(11, 300))
def test_no_cut_exceeds_its_limit(keep: Callable[[str, int], str], text: str, limit: int) -> None:
    assert len(keep(text, limit)) <= limit


@pytest.mark.parametrize("keep", [keep_end, keep_ends, keep_first_lines, keep_last_lines, keep_start])
@pytest.mark.parametrize("limit", range(2, 11))
def test_a_limit_of_a_few_characters_holds(keep: Callable[[str, int], str], limit: int) -> None:
    for text in ("x" * 100, "one\ntwo\n" * 10, "\n" * 50):
        assert len(keep(text, limit)) <= limit


def test_a_mark_stands_where_something_is_missing() -> None:
    assert keep_start("one two three", 8) == "one two…"
    assert keep_end("one two three", 6) == "…three"


def test_lines_are_kept_whole() -> None:
    assert keep_first_lines("one\ntwo\nthree", 9) == "one\ntwo\n…"
    assert keep_last_lines("one\ntwo\nthree", 9) == "…\nthree"
    assert keep_first_lines("x" * 20, 5) == "xxx\n…"
    assert keep_ends("one\ntwo\nthree\nfour\nfive", 18) == "one\n…\nfour\nfive"
    assert keep_ends("one\ntwo\nthree\nfour\nfive", 16, first_share=0.6) == "one\ntwo\n…\nfive"


@pytest.mark.parametrize("keep", [keep_ends, keep_first_lines, keep_last_lines])
@given(text=st.text(st.sampled_from("ab\n"), min_size=301, max_size=3000), limit=st.integers(120, 300))
def test_what_is_left_out_is_counted(keep: Callable[[str, int], str], text: str, limit: int) -> None:
    cut = keep(text, limit)
    (mark,) = MARK.finditer(cut)
    first, last = cut[: mark.start()], cut[mark.end() :].removeprefix("\n")
    assert text.endswith(last)
    first = first if text.startswith(first) else first.removesuffix("\n")
    assert text.startswith(first)
    assert int(mark[1].replace(",", "")) == len(text) - len(first) - len(last)


def test_both_ends_of_one_long_line_are_kept() -> None:
    first, mark, last = keep_ends(f"begin{'.' * 10_000}end", 130).split("\n")
    assert (first[:5], mark, last[-3:]) == ("begin", "[9,908 characters left out]", "end")
    assert len(first) + len(last) == 100


def test_texts_that_differ_at_their_ends_stay_different() -> None:
    first, second = keep_distinct("x" * 400 + "1", 300), keep_distinct("x" * 400 + "2", 300)
    assert first != second
