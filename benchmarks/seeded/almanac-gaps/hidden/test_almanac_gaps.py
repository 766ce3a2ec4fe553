import datetime as dt

from almanac.spans import Span, gaps, merged


def test_the_longest_end_counts():
    assert merged([Span(0, 500), Span(100, 200), Span(150, 300)]) == [Span(0, 500)]
    assert merged([Span(0, 100), Span(100, 200)]) == [Span(0, 200)]
    assert merged([Span(0, 100), Span(50, 200), Span(60, 70)]) == [Span(0, 200)]


def test_gaps_behind_a_long_span():
    assert gaps([Span(60, 300), Span(70, 80)], Span(0, 400)) == [Span(0, 60), Span(300, 400)]
