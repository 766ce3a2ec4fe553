"""A replay: its lines in a pipe, and its keys."""

from hydra_cli.replay import Player, format_clock, list_lines
from tests.integration.finished_runs import make_run


def test_a_pipe_gets_a_line_with_its_time_for_each_thing_that_happened() -> None:
    assert list(list_lines(make_run("fix-a"))) == [
        "0:01  b01 started: Guard the invoice",
        "0:12  b01 attempt 1: 0 tests fail (0 at the base), convergence 0.90 > 0.75, 4.0 s: ",
        "0:13  b01 REAPED, it circles: It circles.",
        "0:14  b02 started, a different strategy: Correct the tier",
        "0:30  b02 attempt 2: all tests pass, convergence 0.10 ≤ 0.75, 4.0 s: ",
        "0:31  b02 passed, on a clean checkout too",
        "0:32  fixed: b02 Correct the tier",
    ]
    assert [format_clock(seconds) for seconds in (0, 61.9, 3729)] == ["0:00", "1:01", "1:02:09"]


def test_keys_steer_it() -> None:
    player = Player([1.0, 12.0, 13.0, 30.0], speed=10)
    player.advance(1.0)
    assert player.moment == 1.0, "ten seconds of the run have passed"
    player.advance(0.2)
    assert player.moment == 13.0
    for key, moment in (
        ("p", 12.0),
        ("\x1b[D", 1.0),
        ("p", 1.0),
        ("n", 12.0),
        ("\x1b[C", 13.0),
        ("g", 1.0),
        ("?", 1.0),
    ):
        player.press(key)
        assert (player.moment, player.paused) == (moment, True)
    player.advance(60.0)
    assert player.moment == 1.0
    for key in "+ ":
        player.press(key)
    assert (player.speed, player.paused) == (20, False)
    player.advance(0.56)
    assert player.moment == 12.0, "it goes on from where it was"
    player.press("G")
    assert player.at_end
    assert player.describe().startswith("end  0:30 of 30 s  step 4 of 4  20 times as fast  space pause")
    for _ in range(20):
        player.press("-")
    assert player.speed == 1 / 16
    player.press("q")
    assert player.ended
