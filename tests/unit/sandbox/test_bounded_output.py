"""An output within a limit keeps its beginning and its end, and counts the rest."""

import pytest

from activities.sandbox.bounded_output import BoundedOutput


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("limit", [2, 5, 64])
def test_the_two_ends_are_held_however_the_output_comes(limit: int, size: int) -> None:
    data = bytes(range(65, 91)) * 40
    output = BoundedOutput(limit)
    for start in range(0, len(data), size):
        output.add(data[start : start + size])
    assert output.left_out == len(data) - limit
    head, line, tail = output.text.split("\n")
    assert (head.encode(), tail.encode()) == (data[: limit // 2], data[-(limit - limit // 2) :])
    assert line == f"[{output.left_out:,} bytes left out]"


def test_an_output_within_the_limit_is_whole() -> None:
    output = BoundedOutput(9)
    for chunk in (b"", b"one ", b"\xc3", b"\xbcber"):
        output.add(chunk)
    assert (output.text, output.left_out) == ("one über", 0)
