from activities.recent import Recent


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Recent[tuple[str], int] = Recent(2)
    kept["a",], kept["b",] = 1, 2
    assert kept["a",] == 1
    kept["c",] = 3
    assert dict(kept.items()) == {("a",): 1, ("c",): 3}
    kept["a",] = 4
    kept["d",] = 5
    assert set(kept) == {("a",), ("d",)}
