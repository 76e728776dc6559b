"""Which proxy a provider is reached through."""

import pytest

from streams.providers.proxy import proxy_for


@pytest.fixture(autouse=True)
def _company_network(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,.internal")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.twilio.com", "http://proxy.example:3128"),
        ("http://api.twilio.com", None),
        ("https://127.0.0.1:8090", None),
        ("https://sandbox.internal", None),
    ],
)
def test_the_environment_names_the_proxy_and_its_exceptions(url, proxy):
    assert proxy_for(url) == proxy
