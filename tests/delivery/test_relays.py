"""What goes between customers and their agents: threads, files, and word of what did not arrive."""

from datetime import datetime, timedelta

import pytest

from bot.errors import SendFailed, StoreUnavailable
from bot.followup.alerts import alert_outbound, incident_outbound
from bot.ids import CaseId, WordsId
from bot.messages import Alert, AlertOf, Attachment, ChannelName, Left, NotDelivered, Remark, Text
from bot.ports import Delivery, KeepWords, Queue, SaveCase, SaveIncident, Settlement, Words
from bot.storage import Storage
from tests.conftest import SetClock
from tests.delivery.scenery import SETTINGS, Scene, failure
from tests.fakes.channel import FakeChannel
from tests.storage.samples import DESK, NOON, begin_talk, case, conversation, customer, incident, write

BLOCKED = SendFailed(reason="Forbidden: bot was blocked by the user", retryable=False, recipient_gone=True)


@pytest.fixture
def scene(storage: Storage, clock: SetClock) -> Scene:
    return Scene(storage, clock, FakeChannel("slack"), FakeChannel("telegram"))


async def relay(scene: Scene, text: str = "We are sorry") -> None:
    """An agent's words for a customer in Telegram."""
    await scene.put(
        Text(text=text),
        to="7",
        slot=f"relay:case:{text}",
        lane="telegram:7",
        kind="relay",
        thread="alert:case",
        channel="telegram",
    )


def telegram(scene: Scene) -> FakeChannel:
    found = scene.courier._channels[ChannelName("telegram")]
    assert isinstance(found, FakeChannel)
    return found


def missed(scene: Scene) -> list[tuple[str, str]]:
    return [(event.case, event.why) for event in scene.told if isinstance(event, NotDelivered) and not event.yet]


# ---- in the thread ------------------------------------------------------------------------------------------


async def test_a_remark_stands_in_the_thread_of_its_alert_wherever_the_alert_got_to(scene: Scene) -> None:
    await scene.put(Text(text="alert"), to="#desk", slot="alert:case", lane="case:case")
    await scene.put(Remark(text="Still broken"), to="#desk", slot="words:1", lane="case:case", thread="alert:case")
    scene.channel.failures.append(failure())
    await scene.deliver()
    assert scene.channel.threads == [None], "the lane waits for the alert"
    scene.clock.advance(seconds=2)
    await scene.deliver()
    assert scene.channel.threads == [None, None, "#desk:1"]


async def test_a_remark_whose_alert_was_given_up_goes_to_the_room(scene: Scene) -> None:
    await scene.put(Text(text="alert"), to="#desk", slot="alert:case", lane="case:case")
    await scene.put(Remark(text="Still broken"), to="#desk", slot="words:1", lane="case:case", thread="alert:case")
    scene.channel.failures.append(failure(retryable=False))
    await scene.deliver()
    assert scene.channel.threads == [None, None]
    assert list(scene.channel.shown.values()) == [Remark(text="Still broken")]


async def test_what_a_customer_is_told_stands_in_no_thread_of_the_desk(scene: Scene) -> None:
    await scene.put(Text(text="alert"), to="#desk", slot="alert:case", lane="case:case")
    await scene.put(
        Text(text="We are sorry"),
        to="U0LAN",
        slot="relay:case:1",
        lane="slack:U0LAN",
        kind="relay",
        thread="alert:case",
    )
    await scene.deliver()
    assert scene.channel.threads == [None, None]


async def test_files_come_as_links_by_the_reference_of_the_channel_they_came_from(scene: Scene) -> None:
    attachments = (
        Attachment(kind="photo", reference="AgAD7"),
        Attachment(kind="file", reference="BQAD9", name="invoice.pdf"),
        Attachment(kind="voice", reference="AwAD1"),
    )
    remark = Remark(text="Look", author="Lan", attachments=attachments, source=ChannelName("telegram"), locale="it")
    await scene.put(remark, to="#desk", slot="words:1", kind="relay", thread="alert:case")
    await scene.deliver()
    (shown,) = scene.channel.shown.values()
    assert isinstance(shown, Remark)
    assert [(link.label, link.url.rpartition("/")[2]) for link in shown.files] == [
        ("Foto", "AgAD7"),
        ("invoice.pdf", "BQAD9"),
        ("Messaggio vocale", "AwAD1"),
    ]


async def test_what_came_with_words_that_the_alert_quotes_comes_as_links_too(scene: Scene) -> None:
    await begin_talk(scene.storage)
    photo = Attachment(kind="photo", reference="AgAD7")
    words = Words(
        id=WordsId("w"),
        customer=customer().id,
        conversation=conversation().id,
        question=None,
        text="[photo]",
        at=NOON,
        attachments=(photo,),
        source=ChannelName("telegram"),
    )
    await write(scene.storage, SaveCase(case=case(desk=DESK), was_revision=None), KeepWords(words=words))
    await scene.put(AlertOf(case=CaseId("case")), to="#desk", slot="alert:case", lane="case:case")
    await scene.deliver()
    (alert,) = scene.channel.shown.values()
    assert isinstance(alert, Alert)
    (quote,) = alert.quotes
    assert [(link.label, link.url.rpartition("/")[2]) for link in quote.files] == [("Photo", "AgAD7")]


# ---- alerts are drawn when they are sent --------------------------------------------------------------------


async def test_the_alert_of_a_case_and_of_an_incident_are_drawn_as_they_are_then(scene: Scene) -> None:
    await begin_talk(scene.storage, "5512", "7")
    ours = case(desk=DESK)
    folded = case("other", of=conversation("talk 7", key="7"), desk=DESK, incident=incident().id)
    await write(
        scene.storage,
        SaveCase(case=ours, was_revision=None),
        SaveCase(case=folded, was_revision=None),
        SaveIncident(incident=incident(), was_revision=None),
        Queue(outbound=alert_outbound(ours, "post"), at=scene.clock.now),
        Queue(outbound=incident_outbound(incident(), "edit"), at=scene.clock.now),
    )
    await scene.deliver()
    drawn = {shown.case: shown for shown in scene.channel.shown.values() if isinstance(shown, Alert)}
    assert drawn.keys() == {ours.id, None}
    assert "Ann" in drawn[ours.id].summary
    assert [item.button is not None for item in drawn[None].items] == [True]
    assert "Slow reply" in drawn[None].summary


# ---- what does not arrive -----------------------------------------------------------------------------------


async def test_a_customer_who_blocked_us_has_left_and_the_agents_are_told_why_their_words_did_not_arrive(
    scene: Scene,
) -> None:
    telegram(scene).failures.append(BLOCKED)
    await relay(scene)
    await scene.deliver()
    assert [type(event) for event in scene.told] == [Left, NotDelivered]
    assert missed(scene) == [("case", BLOCKED.reason)]


async def test_an_agents_words_are_tried_until_they_are_old_and_then_missed_once(scene: Scene) -> None:
    telegram(scene).fails = lambda _: failure()
    await relay(scene)
    give_up_after, waited = SETTINGS.delivery.give_up_after, timedelta(0)
    while not missed(scene) and waited < 2 * give_up_after:
        await scene.deliver()
        scene.clock.advance(hours=1)
        waited += timedelta(hours=1)
    assert waited >= give_up_after
    await scene.deliver()
    ((told_of, why),) = missed(scene)
    assert told_of == CaseId("case")
    assert why.startswith("not now")


async def test_nobody_is_told_twice_or_never_of_missed_words_while_the_database_is_away(scene: Scene) -> None:
    telegram(scene).fails = lambda _: SendFailed(reason="too long", retryable=False)
    scene.deaf.extend([StoreUnavailable("away"), StoreUnavailable("away")])
    await relay(scene)
    for _ in range(4):
        await scene.deliver()
        scene.clock.advance(seconds=5)
    (told,) = scene.told
    (row,) = await scene.storage.given_up(10)
    assert isinstance(told, NotDelivered)
    assert told.event == f"undelivered:{row.id}", "the delivery's own name, by which a second telling is known"
    assert (told.slot, told.why) == ("relay:case:We are sorry", "too long")


async def test_agents_hear_after_five_minutes_once_that_their_words_are_late_and_at_last_that_they_are_lost(
    scene: Scene,
) -> None:
    telegram(scene).fails = lambda _: failure()
    await relay(scene)
    await relay(scene, "And again sorry")  # it is not tried itself while the first is
    heard: list[tuple[float, str, bool, str]] = []
    start = scene.clock.now
    while scene.clock.now < start + SETTINGS.delivery.give_up_after + timedelta(hours=6):
        await scene.deliver()
        passed = (scene.clock.now - start) / timedelta(minutes=1)
        for event in scene.told:
            assert isinstance(event, NotDelivered)
            heard.append((passed, event.slot.rpartition(":")[2], event.yet, event.why))
        scene.told.clear()
        scene.clock.advance(**({"seconds": 5} if passed < 15 else {"hours": 1}))
    late, lost = [each for each in heard if each[2]], [each for each in heard if not each[2]]
    assert [words for _, words, *_ in late] == ["We are sorry", "And again sorry"]
    assert all(5 <= minutes < 6 for minutes, *_ in late)
    assert [why for *_, why in late] == ["not now", "not_tried"]
    assert [words for _, words, *_ in lost] == ["We are sorry", "And again sorry"]


async def test_what_waited_for_this_program_alone_is_not_called_late(scene: Scene) -> None:
    await relay(scene)
    scene.clock.advance(hours=1)
    await scene.deliver()
    scene.clock.advance(minutes=10)
    await scene.deliver()
    assert scene.told == []
    assert list(telegram(scene).shown.values()) == [Text(text="We are sorry")]


async def test_words_that_another_process_took_over_are_not_said_to_be_lost(scene: Scene) -> None:
    telegram(scene).fails = lambda _: SendFailed(reason="too long", retryable=False)
    outbox = scene.storage.outbox
    settle = outbox.settle

    async def too_late(delivery: Delivery, settlement: Settlement, now: datetime) -> bool:
        return False

    outbox.settle = too_late  # type: ignore[method-assign]
    await relay(scene)
    await scene.deliver()
    assert scene.told == []
    outbox.settle = settle  # type: ignore[method-assign]
    scene.clock.advance(minutes=1)
    await scene.deliver()
    assert missed(scene) == [("case", "too long")]


async def test_a_process_that_ended_before_it_told_of_lost_words_leaves_that_to_the_next(scene: Scene) -> None:
    telegram(scene).fails = lambda _: SendFailed(reason="too long", retryable=False)
    scene.deaf.append(StoreUnavailable("away"))
    scene.courier._stopping = True
    await relay(scene)
    await scene.deliver()
    assert scene.told == []
    scene.courier = scene.courier_of(scene.channel, telegram(scene))
    scene.clock.advance(days=1)
    await scene.deliver()
    assert missed(scene) == [("case", "too long")]


async def test_words_of_ours_that_do_not_arrive_are_no_agents_words(scene: Scene) -> None:
    telegram(scene).fails = lambda _: SendFailed(reason="too long", retryable=False)
    await scene.put(Text(text="Thank you"), to="7", slot="thanks", lane="telegram:7", channel="telegram")
    await scene.deliver()
    assert scene.told == []


async def test_a_missed_relay_does_not_hold_up_what_comes_after_it(scene: Scene) -> None:
    telegram(scene).failures.append(SendFailed(reason="too long", retryable=False))
    await relay(scene, "first")
    await relay(scene, "second")
    await scene.deliver()
    assert list(telegram(scene).shown.values()) == [Text(text="second")]
    assert missed(scene) == [("case", "too long")]
