from datetime import time

from courier.notify.sms import Sms
from courier.people.person import Person


def test_nothing_is_sent_in_quiet_hours_over_midnight():
    person = Person("Ann", "ann@example.org", (time(22), time(7)))
    assert Sms().send(person, "Your parcel is there.", time(23, 30)) == []
    assert Sms().send(person, "Your parcel is there.", time(12)) == ["Your parcel is there."]
