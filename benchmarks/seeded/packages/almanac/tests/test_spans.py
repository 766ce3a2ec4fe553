from almanac.spans import Span, gaps, merged, parse_span, show_clock


def test_spans_are_read_and_shown():
    assert parse_span("9:30-11:00") == Span(570, 660)
    assert show_clock(570) == "9:30"


def test_neighbours_do_not_overlap():
    assert not Span(60, 120).overlaps(Span(120, 180))
    assert Span(60, 121).overlaps(Span(120, 180))


def test_merging_keeps_what_is_apart():
    assert merged([Span(300, 400), Span(0, 100)]) == [Span(0, 100), Span(300, 400)]


def test_an_empty_day_is_one_gap():
    assert gaps([], Span(480, 600)) == [Span(480, 600)]
