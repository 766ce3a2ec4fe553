"""An output within a limit keeps its beginning and its end, and counts the rest."""

import pytest

from activities.sandbox.bounded_output import BoundedOutput, CommandOutput


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


def test_lines_of_two_streams_are_not_broken() -> None:
    output = CommandOutput(1000)
    for chunk, stream in (
        (b"a li", output.stdout),
        (b"an er", output.stderr),
        (b"ne\nanother", output.stdout),
        (b"ror\nthe end", output.stderr),
    ):
        output.add(chunk, stream)
    assert output.finish() == {
        "output": "a line\nan error\nanotherthe end",
        "stdout": "a line\nanother",
        "stderr": "an error\nthe end",
        "left_out": 0,
    }


def test_a_stream_without_lines_is_not_held_back() -> None:
    output = CommandOutput(100)
    for _ in range(100):
        output.add(bytes(10_000), output.stderr)
    assert sum(map(len, output._begun.values())) <= 70_000
    assert output.finish()["left_out"] == 1_000_000 - 100
