"""Who says yes joins the advisory panel, is not asked again, is invited without a cool-down, and leaves by a word."""

from datetime import time, timedelta
from itertools import count

import pytest
from msgspec.structs import replace

from bot.config import AskingSettings, CommandSettings, Settings, WebchatSettings
from bot.conversations.dealings import Ended, Told
from bot.conversations.flow import PinnedFlow, pin
from bot.conversations.flow_toml import flow_from
from bot.intake import Intake
from bot.intake.panel import Talk
from bot.languages import say
from bot.messages import Address, Card, ChannelName, Link, Outbound, Receipt, Tapped, Text, Wrote
from bot.ports import DecisionQuery, ListedMember, Outcome, Sent
from bot.storage import Storage
from tests.conftest import SetClock

HERE = Address(channel=ChannelName("web"), key="lan")
FLOW = pin(
    flow_from(
        {
            "id": "after",
            "languages": ["en", "vi"],
            "title": {"en": "After", "vi": "Sau"},
            "question": [
                {"id": "score", "type": "csat5", "text": {"en": "How was it?", "vi": "Thế nào ạ?"}},
                {"id": "join", "type": "panel"},
            ],
        }
    )
)
MORE = pin(
    flow_from(
        {
            "id": "more",
            "languages": ["en"],
            "title": "More",
            "question": [{"id": "idea", "type": "text", "text": "What should we build next?"}],
        }
    )
)
SENT = Sent(receipt=Receipt(remote="m1"))


class Shop:
    def __init__(self, storage: Storage, clock: SetClock, *, quiet: tuple[time, time] = (time(0), time(0))) -> None:
        self.storage, self.clock = storage, clock
        self._numbers = count(1)
        self.settings = Settings(
            company="Lotus",
            channels=(WebchatSettings(name=HERE.channel, secret="s"),),
            asking=AskingSettings(quiet_from=quiet[0], quiet_until=quiet[1]),
            commands=CommandSettings(feedback="after"),
            flows=(FLOW, MORE),
        )
        self.intake = Intake(store=storage, settings=lambda: self.settings, clock=clock, ids=self._id)

    def _id(self) -> str:
        return f"{next(self._numbers):016d}"

    async def activate(self) -> None:
        await self.storage.activate_flows((FLOW, MORE), self.clock.now)

    async def write(self, text: str, who: Address = HERE) -> Outcome:
        return await self.intake.handle(Wrote(event=self._id(), sender=who, text=text, at=self.clock.now))

    async def tap(self, label: str, card: Card, who: Address = HERE) -> Outcome:
        (token,) = [button.token for row in card.buttons for button in row if button.label == label]
        return await self.intake.handle(Tapped(event=self._id(), sender=who, token=token, at=self.clock.now))

    async def invite(self, name: str, flow: PinnedFlow = MORE) -> Outcome:
        told = Told(source="panel", reference=name, event=name, happening=Ended(), flow=flow.flow.id, address=HERE)
        return await self.intake.tell(told, "panel")

    async def sent(self) -> list[Outbound]:
        for due in await self.storage.dues.due(self.clock.now, 100):
            await self.intake.come_due(due)
        taken: list[Outbound] = []
        lease = self.clock.now + timedelta(hours=1)
        while claimed := await self.storage.outbox.claim(self.clock.now, limit=100, lease_until=lease):
            for delivery in claimed:
                await self.storage.outbox.settle(delivery, SENT, self.clock.now)
                taken.append(delivery.outbound)
        return taken

    async def asked_to_join(self) -> Card:
        await self.write("/feedback")
        await self.write("5")
        cards = [each.content for each in await self.sent() if isinstance(each.content, Card)]
        assert cards[-1].text.startswith("Would you like to join our customer panel?")
        return cards[-1]

    async def members(self) -> list[ListedMember]:
        return list(await self.storage.panel.members())


@pytest.fixture
async def shop(storage: Storage, clock: SetClock) -> Shop:
    opened = Shop(storage, clock)
    await opened.activate()
    return opened


def texts(messages: list[Outbound]) -> list[str]:
    return [message.content.text for message in messages if isinstance(message.content, Text | Card)]


async def test_who_says_yes_is_a_member_to_what_they_read_and_is_welcomed(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    assert any("LEAVE PANEL" in text for text in texts(await shop.sent()))
    (listed,) = await shop.members()
    member = listed.member
    assert (member.address, member.flow, member.version, member.question) == (HERE, "after", FLOW.hash, "join")
    assert (member.locale, member.joined_at, member.left_at) == ("en", shop.clock.now, None)
    assert listed.customer.panel_since == shop.clock.now
    assert listed.customer.reachable
    version = await shop.storage.flow_version(member.version)
    assert version is not None
    assert version.flow == FLOW.flow


async def test_who_says_no_is_none_and_may_be_asked_again(shop: Shop) -> None:
    await shop.tap("No, thank you", await shop.asked_to_join())
    assert await shop.members() == []
    shop.clock.advance(days=1)
    await shop.asked_to_join()


async def test_who_takes_a_yes_back_was_never_more_than_a_moment_on_it(shop: Shop) -> None:
    card = await shop.asked_to_join()
    await shop.tap("Yes, gladly", card)
    answered = [each.content for each in await shop.sent() if isinstance(each.content, Card) and each.content.chosen]
    await shop.tap("Change", answered[-1])
    (again,) = [each.content for each in await shop.sent() if isinstance(each.content, Card)]
    await shop.tap("No, thank you", again)
    assert await shop.members() == []
    (left,) = await shop.storage.panel.members(left=True)
    assert left.member.left_by == "customer"


async def test_a_member_is_not_asked_to_join(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    shop.clock.advance(days=1)
    await shop.write("/feedback")
    await shop.write("4")
    assert not any("panel" in text for text in texts(await shop.sent()))


@pytest.mark.parametrize(("word", "locale"), [("LEAVE PANEL", "en"), ("leave the panel!", "en"), ("rời nhóm", "vi")])
async def test_a_member_leaves_by_a_word_of_any_language(shop: Shop, word: str, locale: str) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    shop.clock.advance(days=30)
    await shop.write(word)
    assert texts(await shop.sent()) == [say(locale, "panel.left")]
    assert await shop.members() == []
    (left,) = await shop.storage.panel.members(left=True)
    assert (left.member.left_at, left.member.left_by) == (shop.clock.now, "customer")
    assert left.customer.panel_since is None
    await shop.write(word)
    assert texts(await shop.sent()) == [say(locale, "panel.not_on_it")]


async def test_who_left_may_join_again(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.write("leave panel")
    await shop.sent()
    shop.clock.advance(days=1)
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    assert [each.member.joined_at for each in await shop.members()] == [shop.clock.now]


async def test_a_member_is_asked_more_whatever_they_were_asked_lately(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    assert (await shop.invite("spring")).said.kind == "deferred"
    assert texts(await shop.sent()) == ["What should we build next?"]
    (decision,) = [each for each in await shop.storage.ledger.list(DecisionQuery(limit=50)) if each.trigger == "panel"]
    assert (decision.verdict, decision.flow) == ("asked", "more")


async def test_an_invitation_of_one_name_is_sent_once(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    await shop.invite("spring")
    assert "What should we build next?" in texts(await shop.sent())
    await shop.write("a lamp")
    await shop.sent()
    for days in (0, 30):
        shop.clock.advance(days=days)
        await shop.invite("spring")
        assert texts(await shop.sent()) == []


async def test_a_refused_invitation_may_be_repeated_under_its_name(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    gone = pin(replace(MORE.flow, id="gone"))
    assert (await shop.invite("spring", gone)).said.text == "the flow is gone"
    shop.clock.advance(days=9)
    assert (await shop.invite("spring")).said.kind == "deferred"
    assert (await shop.invite("spring")).said.text == "reported before", "it is under way"
    assert texts(await shop.sent()) == ["What should we build next?"]
    assert (await shop.invite("spring")).said.text == "reported before"
    (decision,) = [each for each in await shop.storage.ledger.list(DecisionQuery(limit=50)) if each.trigger == "panel"]
    assert (decision.verdict, decision.flow) == ("asked", "more")
    assert [step.rule for step in decision.steps] == ["the flow is gone", "delay"]


async def test_who_was_refused_when_it_was_due_may_be_invited_again(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.write("stop")
    await shop.invite("spring")
    await shop.sent()
    await shop.write("start")
    assert (await shop.invite("spring")).said.kind == "deferred"
    assert "What should we build next?" in texts(await shop.sent())


async def test_who_opted_out_is_invited_to_nothing(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.write("stop")
    await shop.sent()
    await shop.invite("spring")
    (listed,) = await shop.members()
    talk = Talk(name="talk", texts={"en": "Shall we talk?"})
    outcome = await shop.intake.invite(talk, listed.member)
    assert (outcome.said.kind, outcome.said.text) == ("not_asked", "opted out")
    assert texts(await shop.sent()) == []
    await shop.write("start")
    await shop.sent()
    assert (await shop.intake.invite(talk, listed.member)).said.kind == "asked", "a refusal is no invitation"


async def test_a_talk_is_offered_once_in_the_members_language_with_its_link(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    link = Link(label="Choose a time", url="https://lotus.example/talk")
    talk = Talk(name="june", texts={"en": "{company} would like to talk to you.", "vi": "Mời quý khách."}, link=link)
    (listed,) = await shop.members()
    assert (await shop.intake.invite(talk, listed.member)).said.kind == "asked"
    (message,) = await shop.sent()
    assert isinstance(message.content, Text)
    assert (message.to, message.content.text, message.content.links) == (
        HERE,
        "Lotus would like to talk to you.",
        (link,),
    )
    for days in (0, 30):
        shop.clock.advance(days=days)
        assert (await shop.intake.invite(talk, listed.member)).said.kind == "duplicate"
        assert await shop.sent() == []


async def test_a_talk_waits_for_the_morning(storage: Storage, clock: SetClock) -> None:
    shop = Shop(storage, clock)
    await shop.activate()
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    await shop.sent()
    now = clock.now
    night = Shop(storage, clock, quiet=((now - timedelta(hours=1)).time(), (now + timedelta(hours=2)).time()))
    (listed,) = await shop.members()
    assert (await night.intake.invite(Talk(name="t", texts={"en": "Hi"}), listed.member)).said.kind == "deferred"
    assert await shop.sent() == []
    clock.advance(hours=2, seconds=1)
    assert texts(await shop.sent()) == ["Hi"]


async def test_two_who_are_one_are_one_member(shop: Shop) -> None:
    await shop.tap("Yes, gladly", await shop.asked_to_join())
    other = Address(channel=HERE.channel, key="lan's phone")
    await shop.write("/feedback", other)
    await shop.write("5", other)
    card = [each.content for each in await shop.sent() if each.to == other and isinstance(each.content, Card)][-1]
    await shop.tap("Yes, gladly", card, other)
    for who, reference in ((HERE, "T-1"), (other, "T-2")):
        told = Told(source="api", reference=reference, happening=Ended(), address=who, customer="C-1")
        await shop.intake.tell(told, "api")
    (listed,) = await shop.members()
    assert listed.customer.reference == "C-1"
    await shop.write("leave panel", other)
    assert await shop.members() == []
