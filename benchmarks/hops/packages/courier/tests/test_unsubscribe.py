from courier.people.subscribers import Subscribers


def test_capitals_do_not_matter():
    subscribers = Subscribers()
    subscribers.subscribe("ann@example.org")
    assert subscribers.unsubscribe("ANN@EXAMPLE.ORG")
