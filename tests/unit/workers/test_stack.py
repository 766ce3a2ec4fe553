"""The addresses that a stack prints."""

import pytest

from hydranet.settings import TemporalSettings
from workers.stack import Stack

OURS = "http://127.0.0.1:8233"


@pytest.mark.parametrize("ui", ["", "http://temporal.example:8080", f"{OURS}0"])
def test_an_address_that_leads_elsewhere_gets_no_token(ui: str) -> None:
    embedded = Stack(temporal=TemporalSettings(ui=ui), database="", web_ui_token="secret", codec=f"{OURS}/codec")
    deployed = Stack(temporal=TemporalSettings(ui=ui), database="")
    for stack in (embedded, deployed):
        assert stack.web_ui == f"{ui}/"
        page = f"{ui}/namespaces/default/workflows/fix-a%2Fb01" if ui else ""
        assert stack.workflow_url("fix-a/b01") == page, "an address without a host leads nowhere"


def test_the_address_of_our_own_proxy_gets_the_token() -> None:
    stack = Stack(temporal=TemporalSettings(ui=OURS), database="", web_ui_token="secret", codec=f"{OURS}/codec")
    assert stack.web_ui == f"{OURS}/?token=secret"
    assert stack.workflow_url("a") == f"{OURS}/namespaces/default/workflows/a?token=secret"
