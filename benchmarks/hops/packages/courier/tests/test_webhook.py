from courier.webhooks.events import parcel_event
from courier.webhooks.post import webhook
from courier.webhooks.signature import is_signed


def test_a_webhook_with_umlauts_is_signed():
    body, signature = webhook("secret", parcel_event("7", "sorted", "Köln"))
    assert is_signed("secret", body, signature)


def test_a_webhook_is_signed():
    body, signature = webhook("secret", parcel_event("7", "sorted", "Bonn"))
    assert is_signed("secret", body, signature)
