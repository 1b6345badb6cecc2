"""Listing, showing and working cases over HTTP, against the real intake and store."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.messages import Address, ChannelName, Outbound, Text
from bot.ports import Outcome, Read, SetReachable
from tests.conftest import SetClock
from tests.web.case_site import ANNA, MINH, SLACK, TELEGRAM, Shop, case_id, empty_database, shop_at


@pytest.fixture
async def shop(sqlite_tables: Path, tmp_path: Path, clock: SetClock) -> AsyncIterator[Shop]:
    async with shop_at(empty_database(sqlite_tables, tmp_path), clock) as opened:
        yield opened


def code_of(answer: Any) -> str:
    assert set(answer) == {"error"}
    assert answer["error"]["message"]
    return str(answer["error"]["code"])


async def sent_to_the_customer(shop: Shop) -> list[Outbound]:
    now = shop.clock()
    claimed = await shop.storage.outbox.claim(now, limit=50, lease_until=now + timedelta(minutes=1))
    return [each.outbound for each in claimed if each.outbound.to.channel == TELEGRAM]


# ---- listing


async def test_queue_is_listed_newest_first_and_filtered(shop: Shop) -> None:
    await shop.open_case(1, state="resolved", cause="late", locale="vi", resolution=1)
    await shop.open_case(2, priority="urgent", owner=Address(channel=SLACK, key="U1"), owner_name="Minh")
    await shop.open_case(3, channel=ChannelName("web"), flow="delivery")
    every = [case_id(number) for number in (3, 2, 1)]
    since = (shop.clock() - timedelta(minutes=58)).isoformat().replace("+00:00", "Z")
    for query, expected in {
        "": every,
        "?state=open": every[:2],
        "?state=open,resolved": every,
        "?state=open&state=resolved": every,
        "?state=": every,
        "?priority=urgent,high": every[1:2],
        "?channel=web": every[:1],
        "?channel=": every,
        "?language=vi": every[2:],
        "?flow=delivery": every[:1],
        "?cause=late": every[2:],
        "?owner=Minh": every[1:2],
        "?owner=minh": every[1:2],
        "?owner=mi": [],
        "?owner=-": [every[0], every[2]],
        "?team=support": every,
        f"?opened_since={since}": every[:2],
        f"?opened_before={since}": every[2:],
        "?limit=2": every[:2],
        f"?after={every[0]}": every[1:],
        f"?after={case_id(99)}": [],
    }.items():
        status, page = await shop.ask("GET", f"/api/v1/cases{query}")
        assert (status, [case["id"] for case in page["cases"]]) == (200, expected), query


@pytest.mark.parametrize("field", ["channel", "language", "flow", "team", "cause"])
async def test_a_filter_that_nothing_has_is_told_with_those_that_there_are(shop: Shop, field: str) -> None:
    """Whoever mistypes must not read that there are no such cases."""
    await shop.open_case(1, flow="of_last_year", cause="late")
    status, answer = await shop.ask("GET", f"/api/v1/cases?{field}=telegrm")
    assert (status, answer["error"]["field"]) == (422, field)
    assert f"There is no {field} 'telegrm'. There " in answer["error"]["message"]
    assert (await shop.ask("GET", "/api/v1/cases?flow=of_last_year"))[0] == 200
    status, answer = await shop.ask("GET", "/api/v1/reports/followup?flow=other")
    assert (status, answer["error"]["field"]) == (422, "flow")


async def test_pages_follow_each_other_to_the_end(shop: Shop) -> None:
    for number in range(5):
        await shop.open_case(number)
    seen, after, pages = [], "", 0
    while True:
        _, page = await shop.ask("GET", f"/api/v1/cases?limit=2{after}")
        seen += [case["id"] for case in page["cases"]]
        pages += 1
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert (seen, pages) == ([case_id(number) for number in reversed(range(5))], 3)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=happy", "state[0]"),
        ("states=open", "states"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("limit=5&limit=6", "limit"),
        ("limit=5.0", "limit"),
        ("limit=٥", "limit"),
        ("opened_since=yesterday", "opened_since"),
        ("opened_since=null", "opened_since"),
        ("opened_since=2026-03-01T10:00:00", "opened_since"),
        ("opened_since=0001-01-01T00:00:00%2B05:00", "opened_since"),
        ("after=1", "after"),
        ("channel=a%00b", "channel"),
        ("owner=" + "x" * 201, "owner"),
    ],
)
async def test_wrong_parameter_is_named(shop: Shop, query: str, field: str) -> None:
    status, answer = await shop.ask("GET", f"/api/v1/cases?{query}")
    assert (status, answer["error"]["field"]) == (422, field)


# ---- one case


async def test_case_is_shown_with_everything(shop: Shop) -> None:
    await shop.open_case(1, ["It came broken", "<b>and late</b>"])
    status, whole = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
    assert status == 200
    assert whole["case"]["state"] == "open"
    assert whole["case"]["opened_at"] == "2026-03-02T08:01:00Z"
    assert whole["score"].endswith("1/5")
    assert whole["customer"]["name"] == "Lan"
    assert whole["customer"]["key"] == "7001"
    assert [words["text"] for words in whole["words"]] == ["It came broken", "<b>and late</b>"]
    assert whole["attributes"] == {"agent": "Ben", "order": "A7"}
    assert {answer["question"]: answer for answer in whole["answers"]}["score"]["score"] == 1
    assert [(event["kind"], event["who"]) for event in whole["history"]] == [("opened", None)]
    assert whole["history"][0]["text"]
    assert {clock["stage"]: clock["due_at"] for clock in whole["clocks"]} == {
        "first_word": "2026-03-02T12:01:00Z",
        "resolved": "2026-03-04T08:01:00Z",
    }
    assert whole["url"] == f"https://feedback.example/cases/{case_id(1)}"


@pytest.mark.parametrize("id", [case_id(9), "1", "%00", "a" * 5000, "..%2F..", case_id(9).upper()])
async def test_case_that_is_none_is_404(shop: Shop, id: str) -> None:
    for method, path, body in (("GET", "", None), ("POST", "/claim", {"agent": MINH})):
        status, answer = await shop.ask(method, f"/api/v1/cases/{id}{path}", body)
        assert (status, code_of(answer)) == (404, "no_case")


# ---- deeds


async def test_agent_of_the_desk_claims_and_another_is_told_who_has_it(shop: Shop) -> None:
    await shop.open_case(1)
    status, whole = await shop.do(1, "claim")
    assert status == 200
    assert whole["case"]["state"] == "claimed"
    assert whole["case"]["owner"] == {"name": "Minh", "channel": "slack", "id": "U024BE7LH"}
    assert whole["history"][-1]["kind"] == "claimed"
    assert "Minh" in whole["history"][-1]["text"]
    status, answer = await shop.do(1, "claim", agent=ANNA)
    assert (status, code_of(answer)) == (409, "already_claimed")
    assert "Minh" in answer["error"]["message"]
    status, answer = await shop.do(1, "release", agent=ANNA)
    assert (status, code_of(answer)) == (409, "not_owner")
    assert (await shop.do(1, "claim"))[0] == 200
    status, whole = await shop.do(1, "release")
    assert (status, whole["case"]["owner"]) == (200, None)


async def test_agent_without_an_id_is_whoever_has_the_name(shop: Shop) -> None:
    await shop.open_case(1)
    _, whole = await shop.do(1, "claim", agent={"name": "  ANNA "})
    assert whole["case"]["owner"] == {"name": "ANNA", "channel": "api", "id": "anna"}
    assert (await shop.do(1, "release", agent=ANNA))[0] == 200


async def test_case_is_given_to_someone(shop: Shop) -> None:
    await shop.open_case(1)
    status, whole = await shop.do(1, "assign", to=ANNA)
    assert (status, whole["case"]["owner"]["name"]) == (200, "Anna")
    status, whole = await shop.do(1, "assign", to={"name": "Ben", "id": "U1"})
    assert (status, whole["case"]["owner"]) == (200, {"name": "Ben", "channel": "slack", "id": "U1"})
    status, answer = await shop.do(1, "assign", to={"name": " \u200b "})
    assert (status, answer["error"]["field"]) == (422, "to.name")


async def test_reply_goes_to_the_customer_and_takes_the_case(shop: Shop) -> None:
    await shop.open_case(1)
    status, whole = await shop.do(1, "reply", text="I am sorry, a new one is on its way.", template="sorry")
    assert status == 200
    assert (whole["case"]["state"], whole["case"]["owner"]["name"]) == ("contacted", "Minh")
    assert whole["case"]["first_word_at"] == "2026-03-02T09:00:00Z"
    assert [clock["stage"] for clock in whole["clocks"]] == ["resolved"]
    (message,) = await sent_to_the_customer(shop)
    assert (message.to.key, message.kind) == ("7001", "relay")
    assert message.content == Text(text="I am sorry, a new one is on its way.")


async def test_a_case_shows_the_whole_talk(shop: Shop) -> None:
    await shop.open_case(1)
    answer = "I am sorry. " * 20 + "A new one is on its way."
    _, whole = await shop.do(1, "reply", text=answer)
    said = [(each["by"], each["name"], each["text"], each["delivered"]) for each in whole["messages"]]
    assert said[-1] == ("agent", "Minh", answer, True)
    assert [each[2] for each in said[:-1]] == [each["text"] for each in whole["words"]]


async def test_customer_who_cannot_be_reached_is_409(shop: Shop) -> None:
    await shop.open_case(1)
    gone = SetReachable(address=Address(channel=TELEGRAM, key="7001"), reachable=False)
    await shop.storage.run(Read(), lambda _: Outcome(writes=(gone,)))
    status, answer = await shop.do(1, "reply", text="Hello?")
    assert (status, code_of(answer)) == (409, "unreachable")


@pytest.mark.parametrize(
    ("body", "until"),
    [
        ({"for": "1h"}, "2026-03-02T10:00:00Z"),
        ({"for": "2d"}, "2026-03-04T09:00:00Z"),
        ({"until": "2026-03-02T16:00:00+07:00"}, None),
        ({"until": "2026-03-02T17:30:00+07:00"}, "2026-03-02T10:30:00Z"),
        ({}, "2026-03-03T09:00:00Z"),
    ],
)
async def test_snooze_lasts_for_a_while_or_until_a_time_or_the_next_morning(
    shop: Shop, body: dict[str, str], until: str | None
) -> None:
    await shop.open_case(1)
    status, answer = await shop.do(1, "snooze", **body)
    if until is None:
        assert (status, code_of(answer), answer["error"]["field"]) == (422, "in_the_past", "until")
    else:
        assert (status, answer["case"]["snoozed_until"]) == (200, until)
        shop.clock.advance(days=8)
        _, later = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
        assert later["case"]["snoozed_until"] is None


async def test_resolve_keeps_the_cause_and_the_action_and_cannot_be_done_twice(shop: Shop) -> None:
    await shop.open_case(1)
    status, whole = await shop.do(1, "resolve", cause="damaged", action="Sent a new one")
    assert status == 200
    case = whole["case"]
    assert (case["state"], case["cause"], case["action"]) == ("resolved", "damaged", "Sent a new one")
    assert whole["clocks"] == []
    status, answer = await shop.do(1, "resolve", cause="damaged", action="Again")
    assert (status, code_of(answer)) == (409, "already_resolved")


async def test_reopen_takes_up_again_what_was_done_with(shop: Shop) -> None:
    await shop.open_case(1)
    await shop.do(1, "resolve", cause="damaged", action="Sent a new one")
    status, whole = await shop.do(1, "reopen")
    assert (status, whole["case"]["resolved_at"], whole["case"]["owner"]["name"]) == (200, None, "Minh")
    assert whole["case"]["state"] in ("reopened", "claimed", "contacted")
    assert whole["history"][-1]["kind"] == "reopened_by"
    status, again = await shop.do(1, "reopen")
    assert (status, len(again["history"])) == (200, len(whole["history"]))


async def test_words_for_colleagues_are_422_and_reach_nobody(shop: Shop) -> None:
    await shop.open_case(1)
    status, answer = await shop.do(1, "reply", text=" // be generous")
    assert (status, code_of(answer), answer["error"]["field"]) == (422, "kept_internal", "text")
    assert "nothing was sent" in answer["error"]["message"]
    _, whole = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
    assert len(whole["history"]) == 1


async def test_closed_case_is_409(shop: Shop) -> None:
    await shop.open_case(1, state="withdrawn", closed_at=shop.clock())
    bodies: dict[str, dict[str, object]] = {
        "claim": {},
        "release": {},
        "assign": {"to": ANNA},
        "reply": {"text": "Hi"},
        "snooze": {"for": "1h"},
        "resolve": {"cause": "late", "action": "None"},
    }
    for deed, more in bodies.items():
        status, answer = await shop.do(1, deed, **more)
        assert (status, code_of(answer)) == (409, "case_closed"), deed


@pytest.mark.parametrize(
    ("deed", "body", "field"),
    [
        ("claim", {"agent": {"name": ""}}, "agent.name"),
        ("claim", {"agent": {"name": "\u202e"}}, "agent.name"),
        ("claim", {"agent": {"id": "U1"}}, "agent.name"),
        ("claim", {"agent": {"name": "Minh", "id": "minh"}}, "agent.id"),
        ("claim", {"agent": MINH, "force": True}, "force"),
        ("assign", {"agent": MINH}, "to"),
        ("reply", {"agent": MINH, "text": ""}, "text"),
        ("reply", {"agent": MINH, "text": " \n"}, "text"),
        ("reply", {"agent": MINH, "text": "x" * 3001}, "text"),
        ("reply", {"agent": MINH, "text": "Hi", "template": "nope"}, "template"),
        ("snooze", {"agent": MINH, "for": "soon"}, "for"),
        ("snooze", {"agent": MINH, "for": "0m"}, "until"),
        ("snooze", {"agent": MINH, "for": "99999d"}, "for"),
        ("snooze", {"agent": MINH, "for": "1h", "until": "2026-03-03T00:00:00Z"}, "for"),
        ("snooze", {"agent": MINH, "until": "9999-12-31T23:59:59-12:00"}, "until"),
        ("snooze", {"agent": MINH, "until": "2027-03-03T00:00:00Z"}, "until"),
        ("resolve", {"agent": MINH, "cause": "nope", "action": "Did"}, "cause"),
        ("resolve", {"agent": MINH, "cause": "late", "action": " "}, "action"),
        ("resolve", {"agent": MINH, "cause": "late", "action": "x" * 501}, "action"),
    ],
)
async def test_wrong_value_is_named_and_changes_nothing(
    shop: Shop, deed: str, body: dict[str, object], field: str
) -> None:
    await shop.open_case(1)
    status, answer = await shop.ask("POST", f"/api/v1/cases/{case_id(1)}/{deed}", body)
    assert (status, answer["error"]["field"]) == (422, field)
    _, whole = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
    assert (whole["case"]["state"], len(whole["history"])) == ("open", 1)


async def test_unknown_cause_and_template_name_those_that_there_are(shop: Shop) -> None:
    await shop.open_case(1)
    _, answer = await shop.do(1, "resolve", cause="nope", action="Did")
    assert "damaged, late" in answer["error"]["message"]
    _, answer = await shop.do(1, "reply", text="Hi", template="nope")
    assert "sorry" in answer["error"]["message"]


@pytest.mark.parametrize("key", [None, "", "wrong", "kéy"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/cases"),
        ("GET", f"/api/v1/cases/{case_id(1)}"),
        ("POST", f"/api/v1/cases/{case_id(1)}/claim"),
        ("GET", "/api/v1/reports/followup"),
    ],
)
async def test_without_a_key_of_ours_nothing_is_told(shop: Shop, method: str, path: str, key: str | None) -> None:
    await shop.open_case(1)
    status, answer = await shop.ask(method, path, {} if method == "POST" else None, key=key)
    assert (status, code_of(answer)) == (401, "api_key")


# ---- the same request again


async def test_same_key_acts_once_and_answers_the_same(shop: Shop) -> None:
    await shop.open_case(1)
    once = {"Idempotency-Key": "reply 1"}
    path, body = f"/api/v1/cases/{case_id(1)}/reply", {"agent": MINH, "text": "I am sorry."}
    first = await shop.ask("POST", path, body, headers=once)
    again = await shop.ask("POST", path, body, headers=once)
    assert (first[0], again) == (200, first)
    assert len(await sent_to_the_customer(shop)) == 1
    await shop.ask("POST", path, body, headers={"Idempotency-Key": "reply 2"})
    await shop.ask("POST", path, body)
    await shop.ask("POST", path, body)
    _, whole = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
    assert [event["kind"] for event in whole["history"]].count("replied") == 4


async def test_refusal_stays_one_though_it_would_be_done_by_now(shop: Shop) -> None:
    await shop.open_case(1, owner=Address(channel=SLACK, key="U1"), owner_name="Ben", state="claimed")
    path = f"/api/v1/cases/{case_id(1)}/claim"
    first = await shop.ask("POST", path, {"agent": ANNA}, headers={"Idempotency-Key": "k"})
    assert first[0] == 409
    await shop.do(1, "release", agent={"name": "Ben", "id": "U1"})
    status, answer = await shop.ask("POST", path, {"agent": ANNA}, headers={"Idempotency-Key": "k"})
    assert (status, code_of(answer)) == (409, "already_claimed")
    _, whole = await shop.ask("GET", f"/api/v1/cases/{case_id(1)}")
    assert whole["case"]["owner"] is None


@pytest.mark.parametrize(
    ("number", "deed", "body"),
    [
        (1, "reply", {"agent": MINH, "text": "Something else."}),
        (1, "reply", {"agent": ANNA, "text": "I am sorry."}),
        (1, "claim", {"agent": MINH}),
        (2, "reply", {"agent": MINH, "text": "I am sorry."}),
    ],
)
async def test_same_key_with_another_request_is_refused(
    shop: Shop, number: int, deed: str, body: dict[str, object]
) -> None:
    await shop.open_case(1)
    await shop.open_case(2)
    once = {"Idempotency-Key": "one"}
    await shop.ask("POST", f"/api/v1/cases/{case_id(1)}/reply", {"agent": MINH, "text": "I am sorry."}, headers=once)
    for _ in range(2):
        status, answer = await shop.ask("POST", f"/api/v1/cases/{case_id(number)}/{deed}", body, headers=once)
        assert (status, code_of(answer), answer["error"]["field"]) == (422, "key_reused", "Idempotency-Key")
    assert len(await sent_to_the_customer(shop)) == 1
    assert (await shop.ask("GET", f"/api/v1/cases/{case_id(2)}"))[1]["case"]["state"] == "open"


async def test_key_is_free_again_after_a_week_and_after_a_request_that_was_wrong(shop: Shop) -> None:
    await shop.open_case(1)
    once = {"Idempotency-Key": "one"}
    path = f"/api/v1/cases/{case_id(1)}/reply"
    assert (await shop.ask("POST", path, {"agent": MINH, "text": " "}, headers=once))[0] == 422
    assert (await shop.ask("POST", path, {"agent": MINH, "text": "First"}, headers=once))[0] == 200
    assert (await shop.ask("POST", path, {"agent": MINH, "text": "Second"}, headers=once))[0] == 422
    shop.clock.advance(days=8)
    assert (await shop.ask("POST", path, {"agent": MINH, "text": "Second"}, headers=once))[0] == 200


@pytest.mark.parametrize("key", [" ", "x" * 201, "tab\there"])
async def test_key_that_is_none_is_refused(shop: Shop, key: str) -> None:
    await shop.open_case(1)
    path = f"/api/v1/cases/{case_id(1)}/claim"
    status, answer = await shop.ask("POST", path, {"agent": MINH}, headers={"Idempotency-Key": key})
    assert (status, answer["error"]["field"]) == (422, "Idempotency-Key")


# ---- figures


async def test_follow_up_in_figures(shop: Shop) -> None:
    opened = shop.clock() - timedelta(hours=1)
    for number, (state, cause) in enumerate(
        [("recovered", "late"), ("recovered", "late"), ("unconfirmed", "damaged"), ("contacted", "late"), ("open", "")]
    ):
        resolved = None if state == "open" else opened + timedelta(hours=3)
        await shop.open_case(
            number, state=state, cause=cause, first_word_at=resolved and opened, first_resolved_at=resolved
        )
    status, report = await shop.ask("GET", "/api/v1/reports/followup")
    (row,) = report["rows"]
    assert status == 200
    assert (row["cases"], row["recovered"]["n"], row["recovered"]["value"]) == (5, 4, 0.5)
    assert row["recovered"]["interval"]["method"] == "wilson"
    assert (row["first_resolution"]["n"], row["without_resolution"]) == (4, 1)
    status, report = await shop.ask("GET", "/api/v1/reports/followup?dimension=cause&since=30d&flow=support")
    assert [(row["dimension_value"], row["cases"]) for row in report["rows"]] == [("late", 3), ("", 1), ("damaged", 1)]
    since = f"{opened + timedelta(minutes=2):%Y-%m-%dT%H:%M:%SZ}"
    for query, cases in {"since=58m": 3, f"since={since}": 3, "since=1h": 5}.items():
        _, report = await shop.ask("GET", f"/api/v1/reports/followup?{query}")
        assert [row["cases"] for row in report["rows"]] == [cases], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("dimension=agent", "dimension"),
        ("since=never", "since"),
        ("since=2026-13-01T00:00:00Z", "since"),
        ("since=0000-01-01T00:00:00Z", "since"),
        ("by=cause", "by"),
    ],
)
async def test_wrong_wish_for_figures_is_named(shop: Shop, query: str, field: str) -> None:
    status, answer = await shop.ask("GET", f"/api/v1/reports/followup?{query}")
    assert (status, answer["error"]["field"]) == (422, field)


async def test_case_of_another_desk_may_be_worked_with_the_api(shop: Shop) -> None:
    await shop.open_case(1, desk=None)
    assert (await shop.do(1, "claim"))[0] == 404
    assert (await shop.do(1, "claim", agent=ANNA))[0] == 200
