from datetime import time

from ferry.sailings.sailing import Sailing
from ferry.sailings.timetable import Timetable


def test_a_sailing_that_was_put_back_is_on_the_board():
    table = Timetable([Sailing(time(9), "Calais", ["x", "ok"]), Sailing(time(10), "Calais", ["x"])])
    assert table.board(time(8)) == ["09:00 Calais"]
