from ferry.desk import Desk
from ferry.sailings.timetable import Timetable
from ferry.vessels.vessel import Vessel


def test_light_vehicles_are_spread_over_the_lanes():
    desk = Desk("Dover", Timetable([]))
    vehicles = [("A", 1.5), ("B", 1.4), ("C", 1.6)]
    assert desk.load(Vessel("Pelican", 3, 60.0), vehicles) == {0: ["A"], 1: ["B"], 2: ["C"]}
