"""Whose address a request counts for: the peer's, or whom the trusted proxies name."""

import logging

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from bot.config import CurrentSettings, ServerSettings, Settings
from bot.web.requests import Senders

PROXIES = ("10.0.0.0/8", "::1")


def senders(*trusted: str) -> Senders:
    return Senders(CurrentSettings(Settings(company="Lotus Bank", server=ServerSettings(trusted_proxies=trusted))))


def asked(peer: str, *forwarded: str) -> object:
    headers = CIMultiDict([("X-Forwarded-For", value) for value in forwarded])
    return make_mocked_request("GET", "/", headers=headers).clone(remote=peer)


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "counted"),
    [
        pytest.param((), "127.0.0.1", ("203.0.113.7",), "127.0.0.1", id="loopback is not trusted by itself"),
        pytest.param((), "10.1.2.3", ("203.0.113.7",), "10.1.2.3", id="a private network is not trusted by itself"),
        pytest.param(PROXIES, "10.1.2.3", (), "10.1.2.3", id="the proxy itself asks"),
        pytest.param(PROXIES, "10.1.2.3", ("203.0.113.7",), "203.0.113.7", id="one proxy"),
        pytest.param(PROXIES, "::1", ("203.0.113.7",), "203.0.113.7", id="a proxy by IPv6"),
        pytest.param(PROXIES, "::ffff:10.1.2.3", ("203.0.113.7",), "203.0.113.7", id="a proxy by mapped IPv4"),
        pytest.param(PROXIES, "10.1.2.3", ("6.6.6.6, 203.0.113.7",), "203.0.113.7", id="the visitor's invention"),
        pytest.param(PROXIES, "10.1.2.3", ("6.6.6.6", "203.0.113.7"), "203.0.113.7", id="invented in its own header"),
        pytest.param(PROXIES, "10.1.2.3", ("203.0.113.7, 10.9.9.9",), "203.0.113.7", id="two proxies"),
        pytest.param(PROXIES, "10.1.2.3", ("10.7.7.7, 10.9.9.9",), "10.7.7.7", id="a visitor from inside"),
        pytest.param(PROXIES, "192.0.2.1", ("203.0.113.7",), "192.0.2.1", id="a stranger claims"),
        pytest.param(PROXIES, "10.1.2.3", ("203.0.113.7, unknown",), "10.1.2.3", id="no address before the proxy"),
        pytest.param(PROXIES, "10.1.2.3", ("<b>, 10.9.9.9",), "10.9.9.9", id="no address further away"),
        pytest.param(PROXIES, "10.1.2.3", ("",), "10.1.2.3", id="an empty header"),
        pytest.param(PROXIES, "10.1.2.3", ("203.0.113.7:4711",), "203.0.113.7", id="with a port"),
        pytest.param(PROXIES, "10.1.2.3", ("[2001:db8::7]:4711",), "2001:db8::7", id="IPv6 with a port"),
        pytest.param(PROXIES, "10.1.2.3", ("2001:DB8::0:7",), "2001:db8::7", id="IPv6 in its one form"),
    ],
)
def test_forwarded_for_is_believed_of_trusted_proxies_only(
    trusted: tuple[str, ...], peer: str, forwarded: tuple[str, ...], counted: str
) -> None:
    assert senders(*trusted).address(asked(peer, *forwarded)) == counted  # type: ignore[arg-type]


def test_proxy_that_nobody_named_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    some = senders()
    with caplog.at_level(logging.WARNING):
        for peer in ("8.8.8.8", "172.18.0.2", "172.18.0.2", "172.18.0.3"):
            some.address(asked(peer, "203.0.113.7"))  # type: ignore[arg-type]
    (record,) = caplog.records
    assert "172.18.0.2" in record.getMessage()
    assert "trusted_proxies" in record.getMessage()
