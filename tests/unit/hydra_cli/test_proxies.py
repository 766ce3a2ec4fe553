"""Which proxies the libraries find that read the environment, such as the clients of Docker and of OpenTelemetry."""

import pytest
from requests.utils import get_environ_proxies

from hydra_cli import keep_proxies_off_loopback

PROXY = "http://proxy.example.test:3128"


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("known", ["", "intranet.example.test", "localhost,127.0.0.1,::1"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1:2375", "localhost:4318", "intranet.example.test", "elsewhere.example.test"]
)
def test_a_proxy_is_found_for_other_machines_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, known: str, host: str
) -> None:
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, PROXY)
    monkeypatch.setenv("NO_PROXY", known)
    # So that it is taken back after the test.
    monkeypatch.setenv("no_proxy", known)
    keep_proxies_off_loopback()
    spared = host.startswith(("127", "localhost")) or host == known
    assert (PROXY in get_environ_proxies(f"http://{host}/").values()) != spared
