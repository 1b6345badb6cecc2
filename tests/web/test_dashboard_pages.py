"""The queue's pages over HTTP: who gets in, what is refused, and what a form does."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import aiohttp
import pytest
from msgspec.structs import replace

from bot.config import CurrentSettings
from bot.followup.cases import Case, CaseState
from bot.ids import CustomerId
from bot.messages import Address, Assign, Attachment, ChannelName, Claim, Relay, Release, Reopen, Resolve, Snooze
from bot.ports import AgentWords
from bot.web.dashboard.forms import page_of_ours
from bot.web.dashboard.sessions import LASTS, new_cookie, read_cookie
from tests.web.dashboard_site import FOLLOWUP, HOSTILE, KEY, NOW, OTHER_KEY, TELEGRAM, Desk, settings

HIDDEN = re.compile(r'name="(form|once)" value="([^"]+)"')


@dataclass
class Browser:
    """Keeps cookies, and fills in a form's hidden fields."""

    http: aiohttp.ClientSession
    url: str

    async def get(self, path: str, **options: object) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.get(self.url + path, allow_redirects=False, **options) as response:  # type: ignore[arg-type]
            return response, await response.text()

    async def post(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[aiohttp.ClientResponse, str]:
        async with self.http.post(self.url + path, data=fields, headers=headers, allow_redirects=False) as response:
            return response, await response.text()

    async def hidden(self, path: str) -> dict[str, str]:
        _, page = await self.get(path)
        return {name: unescape(value) for name, value in HIDDEN.findall(page)}

    async def sign_in(self, name: str = "Anna", key: str = KEY, **more: str) -> tuple[aiohttp.ClientResponse, str]:
        form = await self.hidden("/sign-in")
        return await self.post("/sign-in", form | {"name": name, "key": key} | more)

    async def do(self, path: str, deed: str, fields: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Send a form of a case's page: status, where it leads, and the page."""
        form = await self.hidden(path)
        response, page = await self.post(f"{path}/{deed}", form | dict(fields or {}))
        return response.status, response.headers.get("Location", ""), page


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def current() -> CurrentSettings:
    return CurrentSettings(settings())


@pytest.fixture
async def browser(desk: Desk, current: CurrentSettings) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with desk.serving(current) as port, aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Browser(http, f"http://127.0.0.1:{port}")


@pytest.fixture
async def anna(browser: Browser) -> Browser:
    response, _ = await browser.sign_in()
    assert response.status == 303
    return browser


def case_of(desk: Desk, id: str) -> Case:
    return next(view.case for view in desk.views.values() if view.case.id == id)


# ---- getting in ------------------------------------------------------------------------------------------------


async def test_who_is_not_signed_in_comes_back_to_the_page_asked_for(browser: Browser, desk: Desk) -> None:
    id = desk.add(1)
    response, _ = await browser.get(f"/cases/{id}")
    assert (response.status, response.headers["Location"]) == (303, f"/sign-in?next=%2Fcases%2F{id}")
    response, _ = await browser.sign_in(next=f"/cases/{id}")
    assert (response.status, response.headers["Location"]) == (303, f"/cases/{id}")
    response, page = await browser.get(f"/cases/{id}")
    assert response.status == 200
    assert "Lan Pham" in page
    response, _ = await browser.get("/sign-in?next=/cases?group=all")
    assert response.headers["Location"] == "/cases?group=all"


FOREIGN = [
    "https://evil.example/",
    "//evil.example/cases",
    "/\\evil.example",
    "/cases\\@evil.example",
    "/cases/../channels/telegram",
    "/cases//evil.example",
    "javascript:alert(1)",
    "/cases\r\nSet-Cookie: a=b",
    "",
]


@pytest.mark.parametrize("wanted", FOREIGN)
async def test_signing_in_leads_to_no_other_site(browser: Browser, wanted: str) -> None:
    assert page_of_ours(wanted) == "/cases"
    response, _ = await browser.sign_in(next=wanted)
    assert response.headers["Location"] == "/cases"


async def test_cookie_is_for_this_server_alone(browser: Browser, current: CurrentSettings) -> None:
    response, _ = await browser.sign_in()
    cookie = response.cookies["afterchat"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert int(cookie["max-age"]) == LASTS.total_seconds()
    current.swap(settings(url="https://feedback.example"))
    form = await browser.hidden("/sign-in")
    cookies = {"__Host-afterchat-form": form["form"]}
    fields = {"form": form["form"], "name": "Anna", "key": KEY, "next": "/cases"}
    async with browser.http.post(
        f"{browser.url}/sign-in", data=fields, cookies=cookies, allow_redirects=False
    ) as secure:
        cookie = secure.cookies["__Host-afterchat"]
        assert (cookie["secure"], cookie["path"]) == (True, "/")


WRONG = {
    "wrong key": ({"key": "no-key-of-ours"}, 403, "none of the configured"),
    "no key": ({"key": ""}, 403, "none of the configured"),
    "no name": ({"name": " \u202e "}, 422, "who you are"),
    "no form of ours": ({"form": "made-up"}, 403, "open for too long"),
    "empty token": ({"form": ""}, 403, "open for too long"),
}


@pytest.mark.parametrize(("fields", "status", "words"), WRONG.values(), ids=WRONG)
async def test_what_lets_nobody_in(browser: Browser, fields: dict[str, str], status: int, words: str) -> None:
    form = await browser.hidden("/sign-in")
    response, page = await browser.post("/sign-in", form | {"name": "Anna", "key": KEY} | fields)
    assert (response.status, "afterchat" in response.cookies) == (status, False)
    assert words in page


async def test_attempts_are_counted_by_address_and_a_right_one_is_not(browser: Browser, desk: Desk) -> None:
    for _ in range(4):
        assert (await browser.sign_in(key="wrong"))[0].status == 403
    assert (await browser.sign_in())[0].status == 303
    browser.http.cookie_jar.clear()
    assert (await browser.sign_in(key="wrong"))[0].status == 403
    response, page = await browser.sign_in()
    assert response.status == 429
    assert int(response.headers["Retry-After"]) == 60
    assert "60 seconds" in page
    desk.now += timedelta(seconds=61)
    assert (await browser.sign_in())[0].status == 303


async def test_without_keys_the_page_says_how_to_make_one(browser: Browser, current: CurrentSettings) -> None:
    current.swap(settings(keys=()))
    _, page = await browser.get("/sign-in")
    assert "AFTERCHAT_API_KEYS" in page
    assert "<form" not in page
    for key in ("", "anything"):
        response, _ = await browser.post("/sign-in", {"name": "Anna", "key": key, "form": ""})
        assert response.status == 403


async def test_session_ends_with_its_key_and_no_other(anna: Browser, current: CurrentSettings) -> None:
    current.swap(settings(keys=(KEY,)))
    assert (await anna.get("/cases"))[0].status == 200
    current.swap(settings(keys=(OTHER_KEY,)))
    assert (await anna.get("/cases"))[0].status == 303


async def test_session_ends_after_its_time_and_by_signing_out(anna: Browser, desk: Desk) -> None:
    desk.now += LASTS - timedelta(seconds=1)
    assert (await anna.get("/cases"))[0].status == 200
    response, _ = await anna.post("/sign-out", {"form": "made-up"})
    assert (await anna.get("/cases"))[0].status == 200
    response, _ = await anna.post("/sign-out", await anna.hidden("/cases"))
    assert (response.status, response.headers["Location"]) == (303, "/sign-in")
    assert (await anna.get("/cases"))[0].status == 303
    await anna.sign_in()
    desk.now += LASTS
    assert (await anna.get("/cases"))[0].status == 303


def test_changed_cookies_are_nobodys() -> None:
    cookie = new_cookie(KEY, "Anna", NOW)
    assert read_cookie(cookie, [OTHER_KEY, KEY], NOW) is not None
    body, _, mac = cookie.partition(".")
    other, _, _ = new_cookie(KEY, "Ben", NOW).partition(".")
    for forged in (body, f"{body}.", f".{mac}", f"{other}.{mac}", f"{body}.{mac[:-1]}", f"{cookie}é", cookie * 9, ""):
        assert read_cookie(forged, [KEY], NOW) is None
    assert read_cookie(cookie, [], NOW) is None
    assert read_cookie(cookie, [""], NOW) is None


# ---- what browsers are told --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sign-in", "/cases", "/cases/{id}", "/cases/nothing"])
async def test_pages_allow_nothing_inline_and_are_kept_nowhere(anna: Browser, desk: Desk, path: str) -> None:
    id = desk.add(1, HOSTILE, HOSTILE)
    if path == "/sign-in":
        anna.http.cookie_jar.clear()
    response, page = await anna.get(path.format(id=id))
    rules = dict(rule.strip().split(" ", 1) for rule in response.headers["Content-Security-Policy"].split(";"))
    assert (rules["default-src"], rules["script-src"], rules["style-src"]) == ("'none'", "'self'", "'self'")
    assert (rules["frame-ancestors"], rules["form-action"], rules["base-uri"]) == ("'none'", "'self'", "'none'")
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?! src=)|<style|<[^>]*\s(style|on[a-z]+)=", re.sub(r'"[^"]*"', "", page))


async def test_words_of_strangers_are_only_words(anna: Browser, desk: Desk) -> None:
    id = desk.add(1, HOSTILE, HOSTILE)
    for path in ("/cases", f"/cases/{id}"):
        _, page = await anna.get(path)
        assert "<img" not in page.replace('<img src="/dashboard/icon.svg"', "")
        assert "{{ 7*7 }}" in page
        assert "&lt;script&gt;" in page


async def test_assets_are_named_by_their_content(browser: Browser) -> None:
    response, script = await browser.get("/dashboard/page.js")
    assert response.content_type == "text/javascript"
    assert "innerHTML =" not in script
    again, _ = await browser.get("/dashboard/page.js", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status == 304
    for name in ("pages.py", "..%2Fpages.py", "none.css"):
        assert (await browser.get(f"/dashboard/{name}"))[0].status == 404


# ---- the queue ---------------------------------------------------------------------------------------------------


def names(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'id="case-[^"]+"><bdi>([^<]*)</bdi></a>', page)]


async def test_most_urgent_cases_come_first(anna: Browser, desk: Desk) -> None:
    desk.add(1, "Old", ago=timedelta(hours=3))
    desk.add(2, "New", ago=timedelta(minutes=1))
    desk.add(3, "High", priority="high", ago=timedelta(minutes=1))
    desk.add(4, "Urgent", priority="urgent", ago=timedelta(minutes=1))
    snoozed = desk.add(5, "Snoozed", priority="urgent", ago=timedelta(hours=9))
    view = desk.views[snoozed]
    desk.views[snoozed] = replace(view, case=replace(view.case, snoozed_until=NOW + timedelta(hours=1)))
    desk.add(6, "Resolved", state="resolved")
    desk.add(7, "Recovered", state="recovered")
    assert names((await anna.get("/cases"))[1]) == ["Urgent", "High", "Old", "New", "Snoozed"]
    assert names((await anna.get("/cases?group=waiting"))[1]) == ["Resolved"]
    assert names((await anna.get("/cases?group=closed"))[1]) == ["Recovered"]
    newest = names((await anna.get("/cases?group=todo&order=newest"))[1])
    assert newest == ["Urgent", "High", "New", "Old", "Snoozed"]
    assert {"Urgent", "Resolved", "Recovered"} < set(names((await anna.get("/cases?group=all"))[1]))


FILTERS = {
    "channel=telegram": ["Lan", "Mai", "Jan"],
    "channel=slack": [],
    "language=vi": ["Lan"],
    "priority=high": ["Mai"],
    "owner=ben": ["Jan"],
    "owner=-": ["Lan", "Mai"],
    "flow=support": ["Lan", "Mai", "Jan"],
    "flow=other": [],
    "priority=%3Cscript%3E&group=x&order=y&skip=-1&after=..": ["Lan", "Mai", "Jan"],
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.items(), ids=FILTERS)
async def test_filters(anna: Browser, desk: Desk, query: str, expected: list[str]) -> None:
    desk.add(1, "Lan", language="vi")
    desk.add(2, "Mai", priority="high")
    desk.add(3, "Jan", owner="ben", state="claimed")
    response, page = await anna.get(f"/cases?{query}")
    assert response.status == 200
    assert sorted(names(page)) == sorted(expected)


@pytest.mark.parametrize("order", ["urgent", "newest"])
async def test_every_case_is_on_one_page_exactly(anna: Browser, desk: Desk, order: str) -> None:
    for number in range(60):
        desk.add(number, f"Customer {number}", ago=timedelta(minutes=number + 1))
    path, seen = f"/cases?order={order}&channel=telegram", []
    for _ in range(3):
        _, page = await anna.get(path)
        seen += names(page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(following[1]) if following else ""
    assert path == ""
    assert len(seen) == len(set(seen)) == 60


async def test_without_a_follow_up_the_page_says_so(anna: Browser, current: CurrentSettings) -> None:
    current.swap(settings(followup=None))
    response, page = await anna.get("/cases")
    assert response.status == 200
    assert "No follow-up is configured" in page
    assert (await anna.get("/cases/case000000000001"))[0].status == 404


async def test_pages_speak_the_agents_language(anna: Browser, desk: Desk, current: CurrentSettings) -> None:
    id = desk.add(1)
    for locale, word in (("vi", "Các trường hợp"), ("it", "Casi"), ("pl", "Sprawy")):
        current.swap(settings(followup=replace(FOLLOWUP, locale=locale)))
        _, page = await anna.get("/cases")
        assert f"<h1>{word}</h1>" in page
        assert f'<html lang="{locale}" dir="ltr">' in (await anna.get(f"/cases/{id}"))[1]


# ---- one case ----------------------------------------------------------------------------------------------------


async def test_what_an_agent_reads_of_a_case(anna: Browser, desk: Desk) -> None:
    id = desk.add(1, "Lan Pham", "Too slow", "And nobody called")
    _, page = await anna.get(f"/cases/{id}")
    for text in (
        "Lan Pham gave 😞 1/5",
        "Too slow",
        "And nobody called",
        "Case opened",
        "Mar 2, 2026, 1:30 PM CET",
        "A7",
        "Minh",
    ):
        assert text in page
    assert '<a href="https://help.example/t/1" rel="noreferrer noopener"' in page
    assert f"/cases/{id}</a>" not in page


async def test_claim_release_and_assign(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    status, leads, _ = await anna.do(f"/cases/{id}", "claim")
    assert (status, leads) == (303, f"/cases/{id}?done=claim")
    assert "The case is yours." in (await anna.get(leads))[1]
    assert case_of(desk, id).owner == Address(channel=ChannelName("api"), key="anna")
    await anna.do(f"/cases/{id}", "release")
    assert case_of(desk, id).owner is None
    await anna.do(f"/cases/{id}", "assign", {"to": "  Cleo   Smith "})
    assert [did.deed for did in desk.heard[:2]] == [Claim(), Release()]
    assert desk.heard[-1].deed == Assign(to=Address(channel=ChannelName("api"), key="cleo smith"), to_name="Cleo Smith")


async def test_somebody_known_is_assigned_by_their_own_address(anna: Browser, desk: Desk) -> None:
    desk.add(1, owner="ben", state="claimed")
    id = desk.add(2)
    await anna.do(f"/cases/{id}", "assign", {"to": "BEN"})
    assert desk.heard[-1].deed == Assign(to=Address(channel=ChannelName("slack"), key="UBEN"), to_name="ben")


async def test_second_agent_reads_who_was_first(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    view = desk.views[id]
    desk.views[id] = replace(
        view, case=replace(view.case, owner=Address(channel=ChannelName("slack"), key="UBEN"), owner_name="ben")
    )
    response, page = await anna.post(f"/cases/{id}/claim", form)
    assert response.status == 422
    assert "ben has already claimed this case." in page


async def test_reply_with_and_without_a_ready_answer(anna: Browser, desk: Desk) -> None:
    id = desk.add(1, "Lan Pham", language="vi")
    status, _, page = await anna.do(
        f"/cases/{id}", "reply", {"fill": "yes", "template": "sorry", "text": "Chào chị,\r\n"}
    )
    assert status == 200
    assert "Chào chị,\n\nXin lỗi Lan Pham. Anna</textarea>" in page
    assert desk.heard == []
    await anna.do(f"/cases/{id}", "reply", {"template": "sorry", "text": " Xin lỗi\r\nLan \0"})
    assert desk.heard[-1].deed == Relay(text="Xin lỗi\nLan", template="sorry")
    assert case_of(desk, id).state == "contacted"


async def test_the_whole_talk_is_on_the_page(anna: Browser, desk: Desk) -> None:
    id = desk.add(1, "Lan Pham")
    answer = "I am sorry. " * 20 + "<b>A new one</b> is on its way."
    said = AgentWords(id="r1", case=id, customer=CustomerId("lan"), author="Minh", text=answer, at=NOW)
    lost = replace(said, id="r2", text="Are you there?", lost=True)
    desk.views[id] = replace(desk.views[id], replies=(said, lost))
    _, page = await anna.get(f"/cases/{id}")
    assert answer in unescape(page)
    assert "<b>A new one" not in page
    assert '<figcaption class="soft"><bdi>Minh</bdi> · <time' in page
    assert page.count("did not arrive") == 1


REFUSED = {
    "empty reply": ("reply", {"text": " \n"}, "Please write a few words."),
    "long reply": ("reply", {"text": "x" * 4001}, "This is too long."),
    "internal words": ("reply", {"text": "// be generous"}, "for colleagues only"),
    "no cause": ("resolve", {"cause": "", "action": "Sent a new one"}, "choose a cause"),
    "unknown cause": ("resolve", {"cause": "weather", "action": "Sent a new one"}, "choose a cause"),
    "no action": ("resolve", {"cause": "speed", "action": " "}, "Please write a few words."),
    "no time": ("snooze", {"until": "soon"}, "choose a day and a time"),
    "no such time": ("snooze", {"until": "9999-12-31T23:59+00:00"}, "choose a day and a time"),
    "past time": ("snooze", {"until": "2026-03-02T09:59"}, "still to come"),
    "nobody": ("assign", {"to": " \u200b "}, "Please write a few words."),
}


@pytest.mark.parametrize(("deed", "fields", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_is_refused_keeps_what_was_typed(
    anna: Browser, desk: Desk, deed: str, fields: dict[str, str], words: str
) -> None:
    id = desk.add(1)
    status, _, page = await anna.do(f"/cases/{id}", deed, fields)
    assert status == 422
    assert words in page
    assert 'aria-invalid="true"' in page
    assert len(case_of(desk, id).action) == 0
    typed = fields.get("text") or fields.get("action") or ""
    assert unescape(page).count(typed) >= 1


async def test_snooze_in_the_teams_time_zone(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    for fields, until in (
        ({"for": "hour"}, NOW + timedelta(hours=1)),
        ({"for": "morning"}, None),
        ({"for": "time", "until": "2026-03-02T18:30"}, NOW.replace(hour=17, minute=30)),
    ):
        await anna.do(f"/cases/{id}", "snooze", fields)
        assert desk.heard[-1].deed == Snooze(until=until)
    _, page = await anna.get(f"/cases/{id}")
    assert "no reminders until Mar 2, 2026, 6:30 PM CET" in page


async def test_resolve(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    _, leads, _ = await anna.do(f"/cases/{id}", "resolve", {"cause": "product", "action": "Sent a new one"})
    assert desk.heard[-1].deed == Resolve(cause="product", action="Sent a new one")
    _, page = await anna.get(leads)
    assert "Sent a new one" in page
    assert re.search(r'data-may="resolve" hidden', page)


@pytest.mark.parametrize("state", ["resolved", "recovered", "unconfirmed", "withdrawn"])
async def test_what_was_done_with_is_reopened(anna: Browser, desk: Desk, state: CaseState) -> None:
    id = desk.add(1, state=state)
    _, leads, _ = await anna.do(f"/cases/{id}", "reopen", {})
    assert desk.heard[-1].deed == Reopen()
    _, page = await anna.get(leads)
    assert "The case is open again." in page
    assert ('id="reopen"' in page, case_of(desk, id).state) == (False, "reopened")


async def test_whose_score_was_taken_back_is_answered_where_agents_were_told_of_it(anna: Browser, desk: Desk) -> None:
    shown = []
    for number, alerted in ((1, False), (2, True)):
        id = desk.add(number, state="withdrawn")
        desk.views[id] = replace(desk.views[id], case=replace(case_of(desk, id), alerted=alerted))
        _, page = await anna.get(f"/cases/{id}")
        shown.append('data-may="reply" hidden' not in page)
    assert shown == [False, True]


async def test_a_case_that_is_worked_on_is_not_reopened(anna: Browser, desk: Desk) -> None:
    _, page = await anna.get(f"/cases/{desk.add(1)}")
    assert 'id="reopen"' not in page


async def test_files_that_came_with_words_are_opened_from_the_page(anna: Browser, desk: Desk) -> None:
    id = desk.add(1, "Lan", "see [photo]")
    view = desk.views[id]
    photo = Attachment(kind="photo", reference="P1")
    desk.views[id] = replace(view, words=(replace(view.words[0], attachments=(photo,), source=TELEGRAM),))
    _, page = await anna.get(f"/cases/{id}")
    assert re.search(r'href="https://feedback.example/files/telegram.P1"[^>]*>📎 <bdi>Photo</bdi><', page)


async def test_who_answers_into_a_group_is_told(anna: Browser, desk: Desk) -> None:
    _, alone = await anna.get(f"/cases/{desk.add(1)}")
    _, group = await anna.get(f"/cases/{desk.add(2, group='-100/')}")
    warned = [page.count("Everybody there reads what you send.") for page in (alone, group)]
    assert warned == [0, 1]
    assert "a group: everybody in it reads what you answer" in group


async def test_words_that_the_core_keeps_among_agents_stay_in_the_field(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    desk.refuses = "kept_internal"
    status, _, page = await anna.do(f"/cases/{id}", "reply", {"text": "*// be generous*"})
    assert (status, "for colleagues only" in page, "*// be generous*" in page) == (422, True, True)


async def test_a_form_sent_twice_acts_once_and_another_text_does_not_count_as_the_same(
    anna: Browser, desk: Desk
) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    for text in ("Hello", "Hello", "Hello again"):
        response, _ = await anna.post(f"/cases/{id}/reply", form | {"text": text})
        assert response.status == 303
    assert [did.deed for did in desk.heard] == [Relay(text="Hello"), Relay(text="Hello again")]


FORGED: dict[str, tuple[dict[str, str], dict[str, str], int]] = {
    "no token": ({"form": ""}, {}, 403),
    "made-up token": ({"form": "x" * 43}, {}, 403),
    "another site, as the browser says": ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
    "another site, by its origin": ({}, {"Origin": "https://evil.example"}, 403),
    "JSON": ({}, {"Content-Type": "application/json"}, 415),
}


@pytest.mark.parametrize(("fields", "headers", "status"), FORGED.values(), ids=FORGED)
async def test_forms_of_others_do_nothing(
    anna: Browser, desk: Desk, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    response, page = await anna.post(f"/cases/{id}/reply", form | {"text": "Dear Lan <b>"} | fields, headers)
    assert response.status == status
    assert desk.heard == []
    if fields:
        assert "Dear Lan &lt;b&gt;</textarea>" in page


async def test_token_of_one_session_is_not_anothers(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    anna.http.cookie_jar.clear()
    await anna.sign_in("Ben")
    response, _ = await anna.post(f"/cases/{id}/claim", form)
    assert (response.status, desk.heard) == (403, [])


async def test_words_of_an_ended_session_are_shown_to_be_kept(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    desk.now += LASTS
    response, page = await anna.post(f"/cases/{id}/reply", form | {"text": "A long answer"})
    assert response.status == 403
    assert "A long answer</textarea>" in page
    assert desk.heard == []


async def test_what_is_not_there(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    assert (await anna.get("/cases/0000000000000000"))[0].status == 404
    form = await anna.hidden(f"/cases/{id}")
    for path in ("/cases/0000000000000000/claim", f"/cases/{id}/explode"):
        assert (await anna.post(path, form))[0].status == 404
    response, _ = await anna.post(f"/cases/{id}/reply", form | {"text": "x" * 300_000})
    assert response.status == 413
    response, _ = await anna.post(f"/cases/{id}/reply", form | {str(number): "x" for number in range(50)})
    assert response.status == 400


async def test_database_that_is_away_is_told_in_words(anna: Browser, desk: Desk) -> None:
    id = desk.add(1)
    form = await anna.hidden(f"/cases/{id}")
    desk.away = True
    for response, page in (
        await anna.get("/cases"),
        await anna.get(f"/cases/{id}"),
        await anna.post(f"/cases/{id}/claim", form),
    ):
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert "The database does not answer" in page
