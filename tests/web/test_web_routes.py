"""The server's addresses over real HTTP: channels, API, widget files, health, and what hostile requests get."""

import asyncio
import contextlib
import gzip
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from bot.config import Settings
from bot.errors import StoreRefused, StoreUnavailable
from bot.ports import Outcome, Said
from bot.web.api import ReportedAddress
from bot.web.serving import Noise
from bot.web.widget import TEXTS
from tests.web.scripted_site import KEY, Parts, serving

BEARER = {"Authorization": f"Bearer {KEY}"}
REPORT: dict[str, Any] = {
    "customer": {"address": {"channel": "web", "key": "s1"}, "name": "Lan", "language": "vi"},
    "reference": "ticket-81",
    "agent": "Minh",
    "closed_at": "2026-03-01T09:30:00Z",
    "attributes": {"order": "A7"},
}


class Client:
    """An HTTP client of one server, which never follows redirects."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self.session, self.port = session, port
        self.base = f"http://127.0.0.1:{port}"

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is some) and headers in lower case."""
        async with self.session.request(method, self.base + path, **options) as answer:
            raw = await answer.read()
            body = msgspec.json.decode(raw) if answer.content_type == "application/json" and raw else raw
            return answer.status, body, {name.lower(): value for name, value in answer.headers.items()}

    async def say(self, text: bytes) -> bytes:
        """Raw bytes out, everything until the server closes back."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(text)
        try:
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.fixture
def parts() -> Parts:
    return Parts(max_body=100_000)


@pytest.fixture
async def client(parts: Parts) -> AsyncIterator[Client]:
    async with serving(parts.application()) as port, aiohttp.ClientSession() as session:
        yield Client(session, port)


def code_of(body: Any) -> str:
    """The code of an error in the one shape that all have."""
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "field"} - ({"field"} - set(body["error"]))
    assert body["error"]["message"]
    return str(body["error"]["code"])


# ---- channels -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/channels/echo", "/channels/echo/a/b?x=1&x=2"])
async def test_channel_gets_the_request_as_it_came(client: Client, parts: Parts, path: str) -> None:
    status, body, _ = await client.ask("POST", path, data=b"\xff\x00raw", headers={"X-One": "1"})
    (raw,) = parts.echo.raws
    assert (status, body) == (200, b"\xff\x00raw")
    assert (raw.method, raw.path, raw.body) == ("POST", path.partition("?")[0], b"\xff\x00raw")
    assert raw.headers["x-one"] == "1"
    assert raw.query == ({"x": "1"} if "?" in path else {})
    assert raw.remote == "127.0.0.1"


async def test_forwarded_for_of_an_unnamed_proxy_is_not_believed(client: Client, parts: Parts) -> None:
    await client.ask("POST", "/channels/echo", headers={"X-Forwarded-For": "203.0.113.7"})
    assert parts.echo.raws[0].remote == "127.0.0.1"


async def test_sender_behind_a_trusted_proxy_is_whom_the_proxy_names(client: Client, parts: Parts) -> None:
    parts.settings.swap(trusting(parts.settings(), "127.0.0.0/8"))
    await client.ask("POST", "/channels/echo", headers={"X-Forwarded-For": "10.9.9.9, 203.0.113.7"})
    assert parts.echo.raws[0].remote == "203.0.113.7"


def trusting(settings: Settings, *proxies: str) -> Settings:
    server = msgspec.structs.replace(settings.server, trusted_proxies=proxies)
    return msgspec.structs.replace(settings, server=server)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/channels/nobody", 404),
        ("PUT", "/channels/echo", 405),
        ("GET", "/nowhere", 404),
        ("DELETE", "/healthz", 405),
        ("POST", "/channels/", 404),
        ("GET", "/widget/echo/settings", 404),
        ("GET", "/widget/nobody/settings", 404),
    ],
)
async def test_wrong_address_is_a_json_error(client: Client, method: str, path: str, status: int) -> None:
    answered, body, _ = await client.ask(method, path)
    assert answered == status
    assert code_of(body)


async def test_database_away_is_503_with_a_time_to_try_again(client: Client, parts: Parts) -> None:
    parts.echo.error = StoreUnavailable("away")
    status, body, headers = await client.ask("POST", "/channels/echo")
    assert (status, code_of(body), headers["retry-after"]) == (503, "unavailable", "2")


async def test_unexpected_error_is_named_in_the_log_without_anyones_words(
    client: Client, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.echo.error = RuntimeError("secret words of a customer")
    with caplog.at_level(logging.INFO):
        status, body, _ = await client.ask("POST", "/channels/echo", data=b"more secret words")
    assert (status, code_of(body)) == (500, "internal")
    (record,) = [record for record in caplog.records if record.name.startswith("bot")]
    assert body["error"]["message"].split()[-1].rstrip(".") in record.getMessage()
    assert "RuntimeError" in record.getMessage()
    assert "secret" not in caplog.text + str(body)


async def test_an_address_may_hold_a_token_and_is_not_logged(
    client: Client, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.echo.error = RuntimeError("broken")
    await client.ask("POST", "/channels/echo/secret-token")
    (record,) = [record for record in caplog.records if record.name.startswith("bot")]
    assert "POST /channels/{name}/{tail}" in record.getMessage()
    assert "secret" not in caplog.text


async def test_nothing_is_written_about_ordinary_requests(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.ask("POST", "/channels/echo", data=b"words")
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


@pytest.mark.parametrize("path", ["/healthz", "/channels/echo", "/widget.js", "/nowhere"])
async def test_every_answer_has_the_security_headers(client: Client, path: str) -> None:
    _, _, headers = await client.ask("GET", path)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == ("cross-origin" if path == "/widget.js" else "same-origin")


# ---- hostile requests ---------------------------------------------------------------------------------------


async def test_too_large_a_body_is_413(client: Client, parts: Parts) -> None:
    status, body, _ = await client.ask("POST", "/channels/echo", data=b"x" * 100_001)
    assert (status, code_of(body), parts.echo.raws) == (413, "too_large", [])


async def test_too_large_a_body_of_unknown_length_is_413(client: Client, parts: Parts) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10_000

    status, body, _ = await client.ask("POST", "/channels/echo", data=chunks())
    assert (status, code_of(body), parts.echo.raws) == (413, "too_large", [])


async def test_largest_body_is_taken(client: Client) -> None:
    status, _, _ = await client.ask("POST", "/channels/echo", data=b"x" * 100_000)
    assert status == 200


async def test_slow_body_is_given_up(client: Client, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.routes.BODY_DEADLINE", 0.1)
    answer = await client.say(b"POST /channels/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"slow"' in answer
    assert parts.echo.raws == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS to a plain port"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="another version"),
        pytest.param(b"POST /channels/echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", id="negative length"),
        pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="endless path"),
        pytest.param(
            b"POST /channels/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="broken chunk"
        ),
        pytest.param(
            b"POST /channels/echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            id="no gzip",
        ),
        pytest.param(
            b"POST /channels/echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
            id="a compression of which we know nothing",
        ),
        pytest.param(
            b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nsecret\r\n",
            id="broken chunk that nobody reads",
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nSecret words\r\n\r\n", id="a header without colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Secret-\x00: words\r\n\r\n", id="a header's name with NUL"),
    ],
)
async def test_broken_http_is_a_client_error_and_one_short_line(
    client: Client, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = await client.say(request_bytes)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/json" in head
    assert code_of(msgspec.json.decode(body))
    assert not [word for word in (b"rotli", b"zlib", b"ecret", b"aaaa", b"zz") if word in body]
    assert (await client.ask("GET", "/healthz"))[0] == 200
    assert len(caplog.records) <= 1
    for record in caplog.records:
        assert (record.levelname, record.exc_info) == ("INFO", None)
        assert len(record.getMessage()) < 150
        assert "ecret" not in record.getMessage()


async def test_flood_of_broken_http_does_not_flood_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(20):
            await client.say(b"GET / HTTP/9.9\r\n\r\n")
    assert len(caplog.records) == 1


def test_noise_is_counted_while_it_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    times = [0.0, 1.0, 2.0, 61.0, 200.0]
    noise = Noise(iter(times).__next__)
    with caplog.at_level(logging.INFO):
        for _ in times:
            noise.heard("192.0.2.1", ValueError("secret"))
    said = [record.getMessage() for record in caplog.records]
    line = "what 192.0.2.1 sent is no HTTP: ValueError"
    assert said == [line, f"{line} (2 more since the last such line)", line]


async def test_unexpected_error_under_the_application_is_logged_fully(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    app = parts.application()

    async def fail(_request: web.BaseRequest, _response: web.StreamResponse) -> None:
        raise RuntimeError("a defect of ours")

    app.on_response_prepare.append(fail)
    async with serving(app) as port, aiohttp.ClientSession() as session:
        with caplog.at_level(logging.INFO), contextlib.suppress(aiohttp.ClientError):
            await Client(session, port).ask("GET", "/healthz")
    # an HTTP client may try again by itself
    assert {(record.levelname, bool(record.exc_info)) for record in caplog.records} == {("ERROR", True)}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x"])
async def test_compressed_body_is_refused_and_never_inflated(client: Client, parts: Parts, encoding: str) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    headers = {"Content-Encoding": encoding}
    status, body, answered = await client.ask("POST", "/channels/echo", data=bomb, headers=headers)
    assert (status, code_of(body), answered["connection"]) == (415, "encoding", "close")
    assert parts.echo.raws == []


async def test_uncompressed_body_may_say_so(client: Client) -> None:
    status, body, _ = await client.ask("POST", "/channels/echo", data=b"abc", headers={"Content-Encoding": "identity"})
    assert (status, body) == (200, b"abc")


async def test_compressed_body_goes_nowhere_near_a_decompressor(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    inflated: list[object] = []
    monkeypatch.setattr("aiohttp.http_parser.DeflateBuffer.__init__", lambda *_, **__: inflated.append(1))
    status, _, _ = await client.ask(
        "POST", "/channels/echo", data=gzip.compress(b"abc"), headers={"Content-Encoding": "gzip"}
    )
    assert (status, inflated) == (415, [])


# ---- API ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [BEARER, {"X-Api-Key": KEY}, {"Authorization": f"bearer  {KEY} "}])
async def test_reports_an_interaction(client: Client, parts: Parts, headers: dict[str, str]) -> None:
    status, body, _ = await client.ask("POST", "/api/v1/interactions", json=REPORT, headers=headers)
    assert (status, body) == (202, {"interaction": "0k3f9x2m7q8d4h1z", "decision": "asked", "rule": "eligible"})
    (report,) = parts.interactions.reports
    assert report.customer.address == ReportedAddress(channel="web", key="s1")
    assert (report.customer.language, report.source) == ("vi", "api")
    assert report.attributes == {"order": "A7"}


async def test_tells_why_nobody_is_asked(client: Client, parts: Parts) -> None:
    parts.interactions.outcome = Outcome(said=Said(kind="not_asked", text="cool-down"), ref="i1")
    _, body, _ = await client.ask("POST", "/api/v1/interactions", json=REPORT, headers=BEARER)
    assert body == {"interaction": "i1", "decision": "not_asked", "rule": "cool-down"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"X-Api-Key": KEY[:-1]},
        {"X-Api-Key": "ü"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/interactions"), ("GET", "/api/v1/report")])
async def test_api_without_its_key_is_401(
    client: Client, parts: Parts, headers: dict[str, str], method: str, path: str
) -> None:
    status, body, answered = await client.ask(method, path, json=REPORT, headers=headers)
    assert (status, code_of(body), answered["www-authenticate"]) == (401, "api_key", "Bearer")
    assert parts.interactions.reports == []


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**REPORT, **changes}.items() if value is not None}


ADDRESS = REPORT["customer"]["address"]


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        pytest.param(b"", 400, "json", "", id="nothing"),
        pytest.param(b"{", 400, "json", "", id="half a body"),
        pytest.param(b"\xff", 400, "json", "", id="no UTF-8"),
        pytest.param(b'{"x":' + b"[" * 90_000, 422, "invalid", "x", id="deep lists"),
        pytest.param([], 422, "invalid", "", id="a list"),
        pytest.param(changed(customer=None), 422, "invalid", "customer", id="no customer"),
        pytest.param(changed(reference=None), 422, "invalid", "reference", id="no reference"),
        pytest.param(changed(reference=""), 422, "invalid", "reference", id="empty reference"),
        pytest.param(changed(refrence="x"), 422, "invalid", "refrence", id="misspelt field"),
        pytest.param(
            changed(customer={"address": {"channel": "web"}}), 422, "invalid", "customer.address.key", id="no key"
        ),
        pytest.param(
            changed(customer={"address": {**ADDRESS, "key": 5}}), 422, "invalid", "customer.address.key", id="a number"
        ),
        pytest.param(
            changed(customer={"address": ADDRESS, "language": "english!"}),
            422,
            "invalid",
            "customer.language",
            id="no tag",
        ),
        pytest.param(changed(closed_at="yesterday"), 422, "invalid", "closed_at", id="no time"),
        pytest.param(changed(closed_at="2026-03-01T09:30:00"), 422, "invalid", "closed_at", id="time without zone"),
        pytest.param(changed(attributes={"a": 1}), 422, "invalid", "attributes[...]", id="attribute is no text"),
        pytest.param(changed(agent="a\0b"), 422, "invalid", "", id="NUL"),
        pytest.param(
            changed(customer={"address": {"channel": "fax", "key": "5"}}),
            422,
            "unknown_channel",
            "customer.address.channel",
            id="unknown channel",
        ),
        pytest.param(changed(flow="nps"), 422, "unknown_flow", "flow", id="unknown flow"),
        pytest.param(
            changed(customer={"address": {"channel": "web", "key": "nobody"}}),
            422,
            "refused",
            "customer.address.key",
            id="refused by the one who decides",
        ),
    ],
)
async def test_bad_report_is_told_what_is_wrong(
    client: Client, parts: Parts, body: object, status: int, code: str, field: str
) -> None:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answered, error, _ = await client.ask("POST", "/api/v1/interactions", data=data, headers=BEARER)
    assert (answered, code_of(error), error["error"].get("field", "")) == (status, code, field)
    assert parts.interactions.reports == []


async def test_text_that_looks_like_an_escaped_nul_is_only_text(client: Client, parts: Parts) -> None:
    status, _, _ = await client.ask("POST", "/api/v1/interactions", json=changed(agent="\\u0000"), headers=BEARER)
    assert (status, parts.interactions.reports[0].agent) == (202, "\\u0000")


async def test_report_is_not_lost_in_silence_when_the_database_is_away(client: Client, parts: Parts) -> None:
    parts.interactions.error = StoreUnavailable("away")
    status, body, headers = await client.ask("POST", "/api/v1/interactions", json=REPORT, headers=BEARER)
    assert (status, code_of(body), headers["retry-after"]) == (503, "unavailable", "2")


async def test_report_that_the_database_refuses_is_told_so_without_its_words(client: Client, parts: Parts) -> None:
    parts.interactions.error = StoreRefused("value 'Lan' is out of range")
    status, body, _ = await client.ask("POST", "/api/v1/interactions", json=REPORT, headers=BEARER)
    assert (status, code_of(body)) == (422, "refused")
    assert "Lan" not in str(body)


async def test_words_that_the_database_refuses_are_a_final_error_which_the_page_can_read(
    client: Client, parts: Parts
) -> None:
    opened = (await client.ask("POST", "/channels/web", json={"do": "open"}))[1]
    parts.bot.error = StoreRefused("out of range")
    status, body, headers = await client.ask(
        "POST",
        "/channels/web",
        json={"do": "write", "id": "m1", "text": "Hi"},
        headers={"Authorization": f"Bearer {opened['token']}"},
    )
    assert (status, code_of(body), headers["access-control-allow-origin"]) == (422, "refused", "*")


async def test_report_of_figures(client: Client) -> None:
    status, body, headers = await client.ask("GET", "/api/v1/report", headers=BEARER)
    assert (status, body) == (200, [{"flow": "after-chat", "nps": 40.0, "n": 10}])
    assert headers["cache-control"] == "no-store"


# ---- health ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [StoreUnavailable("away"), OSError("no such file"), RuntimeError("migrations")])
async def test_not_ready_but_alive(client: Client, parts: Parts, trouble: Exception) -> None:
    parts.unready = trouble
    assert (await client.ask("GET", "/readyz"))[0] == 503
    assert (await client.ask("GET", "/healthz"))[:2] == (200, {"status": "ok"})
    parts.unready = None
    assert (await client.ask("GET", "/readyz"))[:2] == (200, {"status": "ready"})


# ---- widget -----------------------------------------------------------------------------------------------------


async def test_script_is_small_compressed_and_asked_for_again_by_name(client: Client) -> None:
    async with client.session.get(client.base + "/widget.js", headers={"Accept-Encoding": "gzip"}) as answer:
        text, etag = await answer.text(), answer.headers["ETag"]
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    _, plain, _ = await client.ask("GET", "/widget.js", headers={"Accept-Encoding": "identity"})
    assert plain.decode() == text
    assert len(gzip.compress(plain)) < 11_000
    for tag in (etag, f"W/{etag}", f'"other", {etag}'):
        assert (await client.ask("GET", "/widget.js", headers={"If-None-Match": tag}))[0] == 304
    assert (await client.ask("GET", "/widget.js", headers={"If-None-Match": '"other"'}))[0] == 200


@pytest.mark.parametrize(
    ("language", "locale", "title", "send", "direction"),
    [
        ("vi", "vi", "Ask Lotus Bank", "Gửi", "ltr"),
        ("pl-PL", "pl", "Ask Lotus Bank", "Wyślij", "ltr"),
        ("ar-EG", "ar", "Ask Lotus Bank", "إرسال", "rtl"),
        ("he-IL", "en", "Ask Lotus Bank", "Send", "rtl"),
        ("", "en", "Ask Lotus Bank", "Send", "ltr"),
        ("%00" * 100, "en", "Ask Lotus Bank", "Send", "ltr"),
    ],
)
async def test_settings_speak_the_customers_language(
    client: Client, language: str, locale: str, title: str, send: str, direction: str
) -> None:
    path = f"/widget/web/settings?language={language}"
    status, body, headers = await client.ask("GET", path)
    assert (status, body["locale"], body["title"], body["dir"]) == (200, locale, title, direction)
    assert (set(body["texts"]), body["texts"]["send"]) == ({*TEXTS, "human"}, send)
    assert headers["access-control-allow-origin"] == "*"
    assert (await client.ask("GET", path, headers={"If-None-Match": headers["etag"]}))[0] == 304


async def test_errors_of_the_web_chat_can_be_read_by_the_page(client: Client, parts: Parts) -> None:
    opened = (await client.ask("POST", "/channels/web", json={"do": "open"}))[1]
    parts.bot.broken = True
    words = {"do": "write", "id": "m1", "text": "Hi"}
    bearer = {"Authorization": f"Bearer {opened['token']}"}
    for options in ({"data": b"{"}, {"json": words}, {"json": words, "headers": bearer}, {"data": b"x" * 200_000}):
        status, body, headers = await client.ask("POST", "/channels/web", **options)
        assert status >= 400
        assert code_of(body)
        assert headers["access-control-allow-origin"] == "*"


async def test_preflight_lets_the_widget_send_its_session(client: Client) -> None:
    for path in ("/channels/web", "/channels/web/events"):
        status, _, headers = await client.ask("OPTIONS", path, headers={"Origin": "https://shop.example"})
        assert status == 204
        assert {"Authorization", "Content-Type", "Last-Event-ID"} <= set(
            headers["access-control-allow-headers"].split(", ")
        )


async def test_page_that_may_not_embed_the_widget_is_refused(client: Client, parts: Parts) -> None:
    parts.bot.channel.settings = msgspec.structs.replace(parts.bot.channel.settings, origins=("https://shop.example",))
    evil = {"Origin": "https://evil.example"}
    requests = [("POST", "/channels/web"), ("GET", "/channels/web/events"), ("GET", "/widget/web/settings")]
    for method, path in requests:
        status, body, headers = await client.ask(method, path, json={"do": "open"}, headers=evil)
        assert (status, code_of(body)) == (403, "origin")
        assert "access-control-allow-origin" not in headers
    status, _, headers = await client.ask(
        "POST", "/channels/web", json={"do": "open"}, headers={"Origin": "https://shop.example"}
    )
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (201, "https://shop.example", "Origin")
