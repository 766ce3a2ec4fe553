"""What is kept of a model call until it is sent, and how long a message is."""

from pathlib import Path

from activities.inference.broadcast import LiveCall
from activities.inference.events import Piece
from hydranet.live_call import LiveMessage, LivePart, SealedChannel
from workers.sealing import KeyRing

CHANNEL = SealedChannel("hydra_live_x", KeyRing(Path(), [bytes(32)]))


def read(message: LiveMessage | None) -> str:
    assert message is not None
    return "".join(part.text for part in message.parts)


def test_parts_come_once_and_the_end_of_what_is_too_long() -> None:
    call = LiveCall("fix-a", "plan", 1, 2, "m")
    call.begin_answer()
    call.add(Piece(thoughts="Hm. "))
    call.add(Piece(text="a"))
    call.add(Piece(text="b\0"))
    first = call.take()
    assert first is not None
    assert [(part.text, part.is_thought) for part in first.parts] == [("Hm. ", True), ("ab\ufffd", False)]
    assert (first.number, first.pieces, first.skipped) == (1, 3, 0)
    assert call.take() is None
    for number in range(100_000):
        call.add(Piece(text=f"{number} "))
    second = call.take()
    assert second is not None
    assert read(second).endswith(" 99998 99999 ")
    assert 3_900 < len(read(second)) <= 4_000
    assert second.skipped + len(read(second)) == sum(len(f"{number} ") for number in range(100_000))
    joined = call.take(joins=1)
    assert joined is not None
    assert (read(joined), joined.whole, call.take(joins=1)) == (read(second), True, None)
    call.add(Piece(text="x" * 1_000_000))
    assert read(call.take(joins=1)) == "x" * 4_000
    call.ended = True
    last = call.take(joins=1)
    assert last is not None
    assert (last.done, last.parts) == (True, ())


def test_answers_are_kept_apart() -> None:
    call = LiveCall("fix-a", "implement", 1, 2, "m")
    for text in ("one", "two"):
        call.begin_answer()
        call.add(Piece(text=text))
    assert read(call.take()) == "one\n\ntwo"


def test_a_message_fits_whatever_it_says() -> None:
    for text in ("a" * 8_000, "\u20ac" * 8_000, "\x01" * 8_000, '\U0001f9ea\\"\n' * 1_900):
        parts = (LivePart(text="before", is_thought=True), LivePart(text=text))
        message = LiveMessage(call="c" * 32, number=9, purpose="plan", model="\u20ac" * 200, parts=parts)
        written = CHANNEL.write(message)
        assert len(written.encode()) < 8_000
        back = CHANNEL.read(written)
        assert back is not None
        assert back.parts[-1].text == text[-len(back.parts[-1].text) :]
        assert back.skipped + len(read(back)) == len("before") + len(text)
