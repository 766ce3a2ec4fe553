from tally.bins import Bins


def test_edges_belong_to_the_class_above():
    bins = Bins([10, 20, 30])
    assert [bins.place(value) for value in (9, 10, 19, 20, 29, 30, 31)] == [0, 1, 1, 2, 2, 3, 3]
    assert bins.label(20) == "20 to 29"
    assert bins.label(30) == "30 and over"
    assert bins.labels() == ["under 10", "10 to 19", "20 to 29", "30 and over"]
