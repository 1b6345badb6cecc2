"""What is signed for our app may still be for somebody else's workspace: it is kept aside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.slack.installation import Installation, Known
from bot.messages import AgentPressed, Commanded, Tapped, Unread, Wrote
from bot.sandbox.faults import Refused, ServerError
from bot.sandbox.slack_state import Member, Workspace
from tests.channels.slack_shop import ANNA, LAN, QUESTION, SLACK, Shop, alert, open_shop, place_of, shop_with

Json = dict[str, Any]

US = Known(home="T0US", bot_user="U0BOT", app="A0APP")
WHOLE = Known(home="E0US", bot_user="U0BOT", app="A0APP")


def event(team: str, authorized: str, **more: Any) -> Json:
    seen_by = [{"team_id": authorized, "enterprise_id": None, "user_id": "U0BOT", "is_bot": True}]
    inner = {"type": "message", "user_team": "T0THEM", "team": "T0THEM"}
    return {"api_app_id": "A0APP", "team_id": team, "authorizations": seen_by, "event": inner, **more}


def press(team: str | None, **more: Any) -> Json:
    user = {"id": "U1", "team_id": "T0THEM"}
    return {"api_app_id": "A0APP", "type": "block_actions", "team": team and {"id": team}, "user": user, **more}


OURS: dict[str, tuple[Known | None, Json]] = {
    "an event here": (US, event("T0US", "T0US")),
    "an event of a shared channel, named by the other side": (US, event("T0THEM", "T0US")),
    "an event of a shared channel, seen by two installations": (US, event("T0US", "T0THEM")),
    "an event of a shared channel, by its context": (US, event("T0THEM", "T0THEM", context_team_id="T0US")),
    "a press here": (US, press("T0US")),
    "a guest's press of our message in a shared channel": (US, press("T0THEM", message={"team": "T0US"})),
    "a guest's form that was opened there": (US, press("T0THEM", view={"app_installed_team_id": "T0US"})),
    "a command here": (US, {"api_app_id": "A0APP", "team_id": "T0US", "command": "/feedback"}),
    "a body that names nobody": (US, {"type": "app_rate_limited"}),
    "a press in an organisation with the app": (WHOLE, press(None, enterprise={"id": "E0US"})),
    "any body while nothing is known": (None, press("T0THEM")),
    "another app where ours is not told": (Known(home="T0US"), press("T0US", api_app_id="A0OTHER")),
}
THEIRS: dict[str, tuple[Known | None, Json]] = {
    "an event elsewhere": (US, event("T0THEM", "T0THEM")),
    "an event of another app": (US, event("T0US", "T0US", api_app_id="A0OTHER")),
    "a press elsewhere": (US, press("T0THEM")),
    "a press elsewhere of their message": (US, press("T0THEM", message={"team": "T0THEM"})),
    "a press that names no team but its user's": (US, press(None)),
    "a form of their installation opened here": (US, press("T0US", view={"app_installed_team_id": "T0THEM"})),
    "a command elsewhere": (US, {"api_app_id": "A0APP", "team_id": "T0THEM", "command": "/feedback"}),
    "another workspace of our organisation": (US, press("T0THEM", enterprise={"id": "E0US"})),
    "another organisation": (WHOLE, press(None, enterprise={"id": "E0THEM"})),
}


def installation(known: Known | None) -> Installation:
    def no_client() -> Any:
        raise AssertionError("asked while Slack waits")

    one = Installation(SLACK, no_client)
    one.known = known
    return one


@pytest.mark.parametrize(("known", "body"), OURS.values(), ids=OURS)
def test_what_is_for_us(known: Known | None, body: Json) -> None:
    assert installation(known).stranger(body) == ""


@pytest.mark.parametrize(("known", "body"), THEIRS.values(), ids=THEIRS)
def test_what_is_for_somebody_else(known: Known | None, body: Json) -> None:
    assert "another" in installation(known).stranger(body)


@pytest.mark.parametrize("broken", [None, [], {}, "x", 1, {"id": 1}, [None]])
@pytest.mark.parametrize("field", ["team", "authorizations", "event", "view", "message", "user", "enterprise"])
def test_no_shape_of_a_body_is_an_error(field: str, broken: object) -> None:
    assert isinstance(installation(US).stranger({**press("T0US"), field: broken}), str)


@pytest.fixture(params=["http", "socket"])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(request.param) as one:
        yield one


@pytest.fixture
async def sender() -> AsyncIterator[Shop]:
    """A channel that was not started yet."""
    one = await shop_with("http")
    yield one
    await one.channel.close()
    await one.slack.stop()


ZOE = Member(id="U0ZOE", name="zoe", team_id="T0OTHER")


async def test_another_workspace_of_the_same_app_reaches_nobody(shop: Shop) -> None:
    """Its requests carry the same app's signature."""
    await shop.slack.wait_for(lambda: shop.channel._installation.known)
    shop.slack.install([Workspace(bot_token="xoxb-2", team_id="T0OTHER", bot_user_id="U0OTHERBOT", bot_id="B0OTHER")])
    shop.slack.member(ZOE)
    shop.slack.user_sends(ZOE, None, "5")
    await shop.slack.settled()
    assert (await shop.slack.user_commands(ZOE, None, "/feedback")).status == 200
    assert [type(inbound) for inbound in shop.heard] == [Unread, Unread]
    assert all(attempt.ack.good for attempt in shop.slack.deliveries.attempts)


async def test_what_our_own_workspace_does_is_heard(shop: Shop) -> None:
    await shop.slack.wait_for(lambda: shop.channel._installation.known)
    _, question = place_of(await shop.send(QUESTION))
    _, shown = place_of(await shop.send(alert(), "#desk"))
    shop.slack.user_sends(LAN, None, "5")
    await shop.slack.settled()
    await shop.slack.user_clicks(LAN, None, question, "1")
    await shop.slack.user_clicks(ANNA, "#desk", shown, "Claim")
    await shop.slack.user_commands(LAN, None, "/feedback")
    assert [type(inbound) for inbound in shop.heard] == [Wrote, Tapped, AgentPressed, Commanded]


@pytest.mark.parametrize("method", ["auth.test", "bots.info"])
async def test_it_is_learnt_when_slack_can_be_asked(sender: Shop, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.channels.slack.installation.WAITS", (0.01,))
    sender.slack.faults.next(method, ServerError())
    await sender.channel.run(sender.handle)
    known = sender.channel._installation.known
    assert known == Known(home="T0SANDBOX", bot_user="U0AFTERCHAT", app="A0AFTERCHAT")


async def test_the_workspace_is_known_without_the_right_to_look_up_the_app(sender: Shop) -> None:
    sender.slack.faults.next("bots.info", Refused(error="missing_scope"))
    await sender.channel.run(sender.handle)
    assert sender.channel._installation.known == Known(home="T0SANDBOX", bot_user="U0AFTERCHAT")
