"""The real server over a real store and the real intake, with cases to work."""

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from bot.config import CurrentSettings, FollowUpSettings, ServerSettings, Settings, TelegramSettings
from bot.conversations.answers import Answer, Chosen, Scored
from bot.conversations.conversation import Conversation
from bot.followup.cases import Case, CaseNote
from bot.followup.clocks import Team
from bot.followup.templates import Cause, Template
from bot.ids import CaseId, ConversationId, CustomerId, WordsId, encode_id, ids_from
from bot.intake import Intake
from bot.messages import Address, ChannelName
from bot.ports import (
    Channel,
    CountRow,
    Customer,
    KeepWords,
    NoteCase,
    Outcome,
    Read,
    SaveCase,
    SaveConversation,
    SaveCustomer,
    Words,
)
from bot.reports import make_report
from bot.storage import Storage, open_storage
from bot.web.cases_api import Queue
from bot.web.interactions import ReportedInteractions
from bot.web.links_api import LinksApi
from bot.web.repeats import Repeats
from bot.web.routes import Site, application
from bot.web.triggers import Triggers
from tests.conftest import SetClock
from tests.conversations.golden import flow_named
from tests.fakes.chat_log import FakeChatLog
from tests.web.scripted_site import KEY, EchoChannel, file_link, serving

TELEGRAM, SLACK = ChannelName("telegram"), ChannelName("slack")
DESK = Address(channel=SLACK, key="#support-recovery")
FLOW = flow_named("support")
SETTINGS = Settings(
    company="Lotus Home",
    server=ServerSettings(api_keys=(KEY,), public_url="https://feedback.example"),
    channels=(TelegramSettings(name=TELEGRAM, token="1:a"),),
    followup=FollowUpSettings(
        channel=DESK.channel,
        room=DESK.key,
        teams=(Team(name="support"),),
        causes=(Cause(id="damaged", title="Came damaged"), Cause(id="late", title="Came late")),
        templates=(Template(id="sorry", kind="apology", title="Sorry", text={"en": "We are sorry."}),),
    ),
    flows=(FLOW,),
)
MINH, ANNA = {"name": "Minh", "id": "U024BE7LH"}, {"name": "Anna"}


def case_id(number: int) -> CaseId:
    return CaseId(encode_id(1_772_000_000_000 + number, number))


@dataclass
class Shop:
    """What stands behind the server, and a client that holds a key."""

    storage: Storage
    clock: SetClock
    app: web.Application
    url: str = ""
    client: aiohttp.ClientSession | None = None

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = KEY, headers: Mapping[str, str] = {}
    ) -> tuple[int, Any]:
        """The status, and the answer's JSON."""
        assert self.client is not None
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.client.request(method, self.url + path, json=body, headers={**sent, **headers}) as answer:
            assert answer.content_type == "application/json", await answer.text()
            return answer.status, await answer.json()

    async def do(self, number: int, deed: str, **body: object) -> tuple[int, Any]:
        return await self.ask("POST", f"/api/v1/cases/{case_id(number)}/{deed}", {"agent": MINH, **body})

    async def open_case(self, number: int, words: Sequence[str] = (), name: str | None = "Lan", **changes: Any) -> None:
        """A case, one minute after the one before, with its customer and conversation."""
        at = self.clock() - timedelta(hours=1) + timedelta(minutes=number)
        address = Address(channel=changes.pop("channel", TELEGRAM), key=f"70{number:02}")
        customer = Customer(id=CustomerId(f"customer {number}"), name=name, locale="vi")
        talk = Conversation(
            id=ConversationId(f"talk {number}"),
            flow=FLOW.hash,
            customer=customer.id,
            address=address,
            locale=changes.get("locale", "en"),
            turn=3,
            answers={
                "score": Answer(value=Scored(score=1), turn=1, at=at),
                "reasons": Answer(value=Chosen(options=("slow",)), turn=2, at=at),
            },
            attributes={"agent": "Ben", "order": "A7"},
            started_at=at,
            touched_at=at,
        )
        values: dict[str, Any] = {
            "id": case_id(number),
            "conversation": talk.id,
            "customer": customer.id,
            "address": address,
            "flow": FLOW.flow.id,
            "question": "score",
            "score": 1,
            "desk": DESK,
            "team": "support",
            "opened_at": at,
        }
        case = Case(**(values | changes))
        said = [
            KeepWords(
                words=Words(
                    id=WordsId(f"words {number} {place}"),
                    customer=customer.id,
                    conversation=talk.id,
                    question=None,
                    text=text,
                    at=at + timedelta(seconds=place),
                )
            )
            for place, text in enumerate(words)
        ]
        outcome = Outcome(
            writes=(
                SaveCustomer(customer=customer, address=address, at=at),
                SaveConversation(conversation=talk, flow_id=FLOW.flow.id, was_turn=None),
                SaveCase(case=case, was_revision=None),
                NoteCase(note=CaseNote(case=case.id, what="opened", who=None, at=at)),
                *said,
            )
        )
        await self.storage.run(Read(), lambda _: outcome)


@asynccontextmanager
async def shop_at(url: str, clock: SetClock, settings: Settings = SETTINGS) -> AsyncIterator[Shop]:
    """Everything, on a database that has its tables."""
    storage = await open_storage(url, clock=clock)
    try:
        await storage.activate_flows([FLOW], clock())
        current = CurrentSettings(settings)
        ids = ids_from(lambda: int(clock().timestamp() * 1000), Random(7))
        intake = Intake(store=storage, settings=current, clock=clock, ids=ids)
        channels: Mapping[ChannelName, Channel] = {TELEGRAM: EchoChannel(name=TELEGRAM)}

        async def report() -> object:
            rows: Sequence[CountRow] = await storage.score_counts(None, None)
            return make_report(rows, current().flows, {})

        async def bot_name() -> str:
            return "lotus_bot"

        app = application(
            Site(
                channels=channels,
                handle=intake.handle,
                chat=FakeChatLog(),
                settings=current,
                interactions=ReportedInteractions(intake=intake, settings=current),
                report=report,
                ledger=storage.ledger,
                links=LinksApi(
                    links=storage.links,
                    settings=current,
                    clock=clock,
                    bot_name=bot_name,
                    known_as=intake.known_as,
                ),
                queue=Queue(
                    cases=storage.cases,
                    repeats=Repeats(store=storage, remembered=storage.remembered),
                    clock=clock,
                    file_link=file_link,
                ),
                triggers=Triggers(intake=intake, settings=current, clock=clock),
                ready=storage.health,
            )
        )
        async with serving(app) as port, aiohttp.ClientSession() as client:
            yield Shop(storage=storage, clock=clock, app=app, url=f"http://127.0.0.1:{port}", client=client)
    finally:
        await storage.close()


def empty_database(template: Path, folder: Path) -> str:
    """A SQLite database with tables and no rows."""
    shutil.copy(template, folder / "afterchat.db")
    return f"sqlite:///{folder}/afterchat.db"
