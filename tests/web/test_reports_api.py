"""Reports of interactions and the ledger over HTTP: what is taken, told again, listed and refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.conversations.invitations import Rule, Verdict
from bot.ids import CustomerId, InteractionId
from bot.messages import Address, ChannelName
from bot.ports import Decision, DecisionStep, Outcome, Read, RecordDecision, Said
from tests.web.scripted_site import KEY, Parts, serving

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REPORT: dict[str, Any] = {"customer": {"address": {"channel": "web", "key": "s1"}}, "reference": "81"}
ID = "0k3f9x2m7q8d4h1z"


@dataclass
class Api:
    parts: Parts
    session: aiohttp.ClientSession
    base: str

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **query: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {KEY}"} | ({"Idempotency-Key": key} if key else {})
        url = f"{self.base}/api/v1/{path}"
        async with self.session.request(method, url, json=body, headers=headers, params=query) as answer:
            return answer.status, await answer.json()

    async def report(self, key: str | None = None, **changes: Any) -> tuple[int, Any]:
        return await self.ask("POST", "interactions", {**REPORT, **changes}, key=key)

    def decides(self, kind: Any, rule: str, ref: str = ID) -> None:
        self.parts.interactions.outcome = Outcome(said=Said(kind=kind, text=rule), ref=ref)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    parts = Parts()
    async with serving(parts.application()) as port, aiohttp.ClientSession() as session:
        yield Api(parts, session, f"http://127.0.0.1:{port}")


# ---- reports --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("deferred", "delay"), ("not_asked", "a mere thank-you"), ("asked", "nothing speaks against it"), ("nothing", "")],
)
async def test_report_sent_again_is_answered_as_the_first_time(api: Api, kind: str, rule: str) -> None:
    api.decides(kind, rule)
    first = await api.report("k1")
    assert first == (202, {"interaction": ID, "decision": kind, "rule": rule})
    api.decides("not_asked", "reported before", "0k3f9x2m7q8d4h20")
    assert await api.report("k1") == first
    assert len(api.parts.interactions.reports) == 1
    assert await api.report("k2") != first


async def test_key_with_another_report_is_refused_and_nothing_is_reported(api: Api) -> None:
    await api.report("k1")
    status, answer = await api.report("k1", reference="82")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (422, "key_reused", "Idempotency-Key")
    assert len(api.parts.interactions.reports) == 1


async def test_reports_without_a_key_are_all_taken(api: Api) -> None:
    await api.report()
    await api.report()
    assert len(api.parts.interactions.reports) == 2


async def test_report_that_is_refused_uses_no_key_up(api: Api) -> None:
    nobody = {"address": {"channel": "web", "key": "nobody"}}
    assert (await api.report("k1", customer=nobody))[0] == 422
    assert (await api.report("k1"))[0] == 202


async def test_event_is_passed_on(api: Api) -> None:
    api.decides("nothing", "")
    body = {"source": "desk", "reference": "81", "event": "agent_wrote", "at": "2026-03-02T12:00:00Z", "first": True}
    assert await api.ask("POST", "interactions/events", body) == (
        202,
        {"interaction": ID, "decision": "nothing", "rule": ""},
    )
    (event,) = api.parts.interactions.events
    assert (event.event, event.at, event.first, event.id) == ("agent_wrote", NOON, True, None)


async def test_event_sent_again_under_its_key_is_heard_once(api: Api) -> None:
    body = {"source": "desk", "reference": "81", "event": "agent_wrote"}
    first = await api.ask("POST", "interactions/events", body, key="k1")
    assert await api.ask("POST", "interactions/events", body, key="k1") == first
    assert len(api.parts.interactions.events) == 1
    status, answer = await api.ask("POST", "interactions/events", {**body, "reference": "82"}, key="k1")
    assert (status, answer["error"]["code"], answer["error"]["field"]) == (422, "key_reused", "Idempotency-Key")
    await api.ask("POST", "interactions/events", body)
    await api.ask("POST", "interactions/events", body)
    assert len(api.parts.interactions.events) == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reference": "81"}, "event"),
        ({"reference": "81", "event": "closed"}, "event"),
        ({"reference": "", "event": "resumed"}, "reference"),
        ({"reference": "81", "event": "resumed", "at": "noon"}, "at"),
        ({"reference": "81", "event": "resumed", "who": "me"}, "who"),
    ],
)
async def test_event_that_says_nothing_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    status, answer = await api.ask("POST", "interactions/events", body)
    assert (status, answer["error"]["field"]) == (422, field)
    assert api.parts.interactions.events == []


# ---- the ledger -----------------------------------------------------------------------------------------------


def decision(number: int, verdict: Verdict = "not asked", rule: Rule = "opted out", **changes: Any) -> Decision:
    at = NOON + timedelta(minutes=number)
    values: dict[str, Any] = {
        "key": f"i{number}:1",
        "trigger": "helpdesk",
        "flow": "support",
        "address": Address(channel=ChannelName("telegram"), key="5512"),
        "customer": CustomerId("c1"),
        "interaction": InteractionId(f"i{number}"),
        "source": "chatwoot",
        "reference": str(80 + number),
        "known_as": "K-7",
        "verdict": verdict,
        "rule": rule,
        "inputs": {},
        "triggered_at": at,
        "at": at,
    }
    return Decision(**{**values, **changes})


async def keep(api: Api, *decisions: Decision) -> None:
    writes = tuple(RecordDecision(decision=each) for each in decisions)
    await api.parts.store.run(Read(), lambda _: Outcome(writes=writes))


async def keys(api: Api, **query: Any) -> list[str]:
    status, answer = await api.ask("GET", "decisions", **query)
    assert status == 200, answer
    return [each["id"] for each in answer["decisions"]]


async def test_decision_is_told_with_its_steps_and_in_words(api: Api) -> None:
    delay = DecisionStep(verdict="deferred", rule="delay", inputs={"until": "2026-03-02T12:11:00+00:00"}, at=NOON)
    await keep(api, decision(1, steps=(delay,), repeats=2))
    _, answer = await api.ask("GET", "decisions", language="it")
    (told,) = answer["decisions"]
    assert {name: told[name] for name in ("verdict", "rule", "reason", "repeats", "customer_reference")} == {
        "verdict": "not_asked",
        "rule": "opted out",
        "reason": "Il cliente non vuole ricevere domande.",
        "repeats": 2,
        "customer_reference": "K-7",
    }
    (step,) = told["steps"]
    assert (step["verdict"], step["rule"], step["at"]) == ("deferred", "delay", "2026-03-02T12:00:00Z")
    assert step["reason"].startswith("La domanda attende fino a 2 mar 2026, 12:11")
    assert told["explanation"].splitlines()[0].startswith("Riferimento: 81 (chatwoot)")


async def test_ledger_is_filtered(api: Api) -> None:
    elsewhere = Address(channel=ChannelName("web"), key="s1")
    await keep(
        api,
        decision(1),
        decision(2, "asked", "nothing speaks against it", trigger="api"),
        decision(3, "deferred", "delay", flow="nps"),
        decision(4, rule="cool-down", address=elsewhere, customer=None, known_as=None),
    )
    assert await keys(api) == ["i4:1", "i3:1", "i2:1", "i1:1"]
    assert await keys(api, verdict="not_asked") == ["i4:1", "i1:1"]
    assert await keys(api, rule="cool-down") == ["i4:1"]
    assert await keys(api, trigger="api") == ["i2:1"]
    assert await keys(api, flow="nps") == ["i3:1"]
    assert await keys(api, channel="web") == ["i4:1"]
    assert await keys(api, about="K-7") == ["i3:1", "i2:1", "i1:1"]
    assert await keys(api, about="82") == ["i2:1"]
    assert await keys(api, since="2026-03-02T12:02:00Z", before="2026-03-02T12:04:00Z") == ["i3:1", "i2:1"]


async def test_reference_is_found_where_no_names_are_kept() -> None:
    parts = Parts(known_as=lambda reference: f"hash of {reference}")
    async with serving(parts.application()) as port, aiohttp.ClientSession() as session:
        api = Api(parts, session, f"http://127.0.0.1:{port}")
        await keep(api, decision(1, known_as="hash of K-7"), decision(2, customer=None, known_as=None))
        assert await keys(api, about="K-7") == ["i1:1"]
        assert await keys(api, about="82") == ["i2:1"]
        assert await keys(api) == ["i2:1", "i1:1"]


async def test_ledger_is_read_page_by_page(api: Api) -> None:
    await keep(api, *(decision(number) for number in range(1, 6)))
    pages, after = [], None
    while True:
        _, answer = await api.ask("GET", "decisions", limit=2, **({"after": after} if after else {}))
        pages.append([each["id"] for each in answer["decisions"]])
        after = answer["next"]
        if after is None:
            break
    assert pages == [["i5:1", "i4:1"], ["i3:1", "i2:1"], ["i1:1"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"verdict": "not asked"}, "verdict"),
        ({"rule": "luck"}, "rule"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"after": " "}, "after"),
        ({"colour": "red"}, "colour"),
        ({"about": ""}, "about"),
        ({"about": " "}, "about"),
        ({"flow": ""}, "flow"),
        ({"flow": "nothing"}, "flow"),
        ({"channel": "fax"}, "channel"),
    ],
)
async def test_what_nothing_is_asked_by_is_refused(api: Api, query: dict[str, Any], field: str) -> None:
    status, answer = await api.ask("GET", "decisions", **query)
    assert (status, answer["error"]["field"]) == (422, field)


async def test_ledger_needs_a_key(api: Api) -> None:
    async with api.session.get(f"{api.base}/api/v1/decisions") as answer:
        assert answer.status == 401
