"""What a message shows is filled in when it is sent: alerts are drawn from their case, files become links."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.config import FollowUpSettings, Settings
from bot.conversations.flow import Flow
from bot.conversations.questions import Contact
from bot.errors import SendFailed
from bot.followup.alerts import Desk, FoldedSubject, PastRating, Subject, draw_alert, draw_incident
from bot.followup.clocks import Team
from bot.ids import CaseId, IncidentId
from bot.languages.voice import Voice
from bot.messages import Alert, AlertOf, Attachment, ChannelName, Content, IncidentOf, Link, Quote, Remark
from bot.ports import CaseView, Clock, IncidentView, Outbox, Words

#: Makes the address under which agents get a customer's file: of a channel, by its own reference.
FileLink = Callable[[ChannelName, Attachment], str]

#: what channels say themselves below words that they cannot show in whole
_ADDED = ("desk.more_words",)
_FILE_WORDS: Mapping[str, str] = {"photo": "file.photo", "voice": "file.voice", "file": "file.file"}


class Drawing:
    """Turns what is kept in the outbox into what a channel can draw."""

    def __init__(self, *, outbox: Outbox, settings: Callable[[], Settings], clock: Clock, file_link: FileLink) -> None:
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._file_link = file_link

    async def ready(self, content: Content) -> Content:
        """The content as it is now. Raises SendFailed for what there is no more, StoreUnavailable."""
        match content:
            case AlertOf(case=case):
                return await self._alert(case)
            case IncidentOf(incident=incident):
                return await self._incident(incident)
            case Remark():
                return self._with_files(content)
            case _:
                return content

    async def _alert(self, case: CaseId) -> Alert:
        view = await self._outbox.case_view(case)
        if view is None:
            raise SendFailed(reason="the case is gone", retryable=False)
        return self._with_quoted_files(alert_of(view, self._settings(), self._clock()))

    async def _incident(self, incident: IncidentId) -> Alert:
        view = await self._outbox.incident_view(incident)
        if view is None:
            raise SendFailed(reason="the incident is gone", retryable=False)
        return incident_of(view, self._settings(), self._clock())

    def _with_files(self, remark: Remark) -> Remark:
        settings = self._settings()
        files = files_of(remark, settings.voice(remark.locale), self._file_link)
        own = {key: settings.sentences[key] for key in _ADDED if key in settings.sentences}
        return replace(remark, files=files, own=own)

    def _with_quoted_files(self, alert: Alert) -> Alert:
        return with_quoted_files(alert, self._settings().agents_voice(), self._file_link)


def with_quoted_files(alert: Alert, voice: Voice, file_link: FileLink) -> Alert:
    """The alert with links to what came with the words that it quotes."""
    return replace(alert, quotes=tuple(replace(each, files=files_of(each, voice, file_link)) for each in alert.quotes))


def files_of(said: Remark | Quote | Words, voice: Voice, file_link: FileLink) -> tuple[Link, ...]:
    """Links to what came with somebody's words."""
    if said.source is None:
        return ()
    source = said.source
    return tuple(
        Link(label=each.name or voice.say(_FILE_WORDS[each.kind]), url=file_link(source, each))
        for each in said.attachments
    )


def alert_of(view: CaseView, settings: Settings, now: datetime) -> Alert:
    """The alert of a case as it is now."""
    subject = Subject(
        case=view.case,
        flow=view.flow.flow,
        conversation=view.conversation,
        customer_name=view.customer.name,
        writes=view.customer.writes,
        words=[_quote(words, view.flow.flow) for words in view.words],
        notes=view.notes,
        scores=[PastRating(scale=past.scale, score=past.score, at=past.at) for past in view.scores],
        incident=view.incident,
    )
    return draw_alert(subject, _desk(settings, view.case.team, now))


def _quote(words: Words, flow: Flow) -> Quote:
    asked = flow.question(words.question) if words.question else None
    return Quote(
        # an address stands among the customer's comments
        text=f"📇 {words.text}" if isinstance(asked, Contact) else words.text,
        at=words.at,
        attachments=words.attachments,
        source=words.source,
        in_thread=words.in_thread,
    )


def incident_of(view: IncidentView, settings: Settings, now: datetime) -> Alert:
    """The alert of an incident as it is now."""
    folded = [
        FoldedSubject(case=each.case, flow=each.flow.flow, customer_name=each.customer_name, words=each.words)
        for each in view.cases
    ]
    return draw_incident(view.incident, folded, _desk(settings, "", now))


def _desk(settings: Settings, team: str, now: datetime) -> Desk:
    followup = settings.followup
    return Desk(
        voice=settings.agents_voice(),
        team=_team(followup, team),
        now=now,
        public_url=settings.server.public_url,
        causes=followup.causes if followup else (),
    )


def _team(followup: FollowUpSettings | None, name: str) -> Team:
    """The team of this name; where the settings have none of it any more, the one of all other cases."""
    teams = {team.name: team for team in followup.teams} if followup else {}
    return teams.get(name) or teams.get(followup.team if followup else "") or Team(name=name)
