"""Whether anything starts a flow, and whether what starts it can ever lead to a question or a case."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.config import PageSettings, Settings, TriggerSettings
from bot.config.considered import Considered
from bot.conversations.flow import Flow
from bot.conversations.questions import scale_of
from bot.followup.cases import CASE_AT_MOST
from bot.toml_tables import Path, quoted

#: helpdesks that run on their vendors' computers only, and so cannot reach an address of this one
_ELSEWHERE = {"zendesk": "Zendesk", "intercom": "Intercom", "freshdesk": "Freshdesk", "front": "Front"}


def consider_starts(settings: Settings) -> Iterator[Considered]:
    """Flows that nothing starts, triggers that lead nowhere, and cases that are opened for all or seen by nobody."""
    askable = [pinned.flow for pinned in settings.askable()]
    for flow in askable:
        yield from _unstarted(flow, settings, first=flow.id == askable[0].id)
    for trigger in settings.triggers:
        yield from _leading_nowhere(trigger, settings)
    for pinned in settings.flows:
        yield from _where_nobody_is_asked(pinned.flow, settings)
        yield from _cases(pinned.flow, settings)
    if settings.followup is not None and all(each.flow.score_question() is None for each in settings.flows):
        wrong = "no flow has a rating, so no score opens a case"
        yield Considered(path=("followup",), wrong=wrong, right="Add a question with a scale to a flow.")


def _unstarted(flow: Flow, settings: Settings, *, first: bool) -> Iterator[Considered]:
    commands = settings.commands
    named = {trigger.flow for trigger in settings.triggers}
    if commands is not None:
        named |= {commands.feedback, *commands.start}
    # Whoever reports to the API may name any flow.
    if first or flow.id in named or settings.server.api_keys:
        return
    wrong = "nothing starts this flow: no command and no trigger names it, and it is not the first one"
    right = f'Name it in a trigger (flow = "{flow.id}") or in commands.start, or move it to the front.'
    yield Considered(path=("flow", flow.id), wrong=wrong, right=right)


def _leading_nowhere(trigger: TriggerSettings, settings: Settings) -> Iterator[Considered]:
    here: Path = ("triggers", trigger.name)
    pinned = settings.flow_or_first(trigger.flow)
    own = settings.flow_asking.get(pinned.flow.id) if pinned is not None else None
    vendor, host = _ELSEWHERE.get(trigger.kind), urlsplit(settings.server.public_url).hostname or ""
    if vendor is not None and (host in ("localhost", "::1") or host.startswith("127.")):
        wrong = f"{vendor} cannot reach {settings.server.public_url}, which is this computer only"
        yield Considered(path=here, wrong=wrong, right="Set server.public_url to your https address.")
    if pinned is None or own is None:
        return
    whose = f"of flow '{pinned.flow.id}'"
    if trigger.channel is not None and own.channels and trigger.channel not in own.channels:
        wrong = f"asks nobody: {whose} only customers of {quoted(own.channels)} are asked"
        right = f"Add '{trigger.channel}' to that flow's channels, or name another flow here."
        yield Considered(path=(*here, "channel"), wrong=wrong, right=right)
    if trigger.kind == "generic":
        for field, list_of in (("tag", "tags"), ("vip", "vip")):
            wanted = bool(own.tags) if field == "tag" else own.vip == "only"
            if wanted and not any(name in trigger.fields for name in (field, f"{field}s")):
                wrong = f"asks nobody: {list_of} {whose} asks for something that this trigger never tells"
                right = f'Write fields.{field} = "…", its key path, or name another flow here.'
                yield Considered(path=here, wrong=wrong, right=right)


def _where_nobody_is_asked(flow: Flow, settings: Settings) -> Iterator[Considered]:
    own = settings.flow_asking.get(flow.id)
    pages = {each.name for each in settings.channels if isinstance(each, PageSettings)}
    if own is not None and own.channels and pages.issuperset(own.channels):
        wrong = "nobody can be written to on the survey page: it opens only for those who follow a link"
        right = "Add a channel that customers chat in, or leave channels out."
        yield Considered(path=("flow", flow.id, "asking", "channels"), wrong=wrong, right=right)


def _cases(flow: Flow, settings: Settings) -> Iterator[Considered]:
    """Limits that make a case of every answer, or of happy ones, and cases that nobody would be told of."""
    rating, followup = flow.score_question(), settings.followup
    path: Path = ("flow", flow.id, "case_at_most")
    if rating is None:
        return
    if followup is None and flow.case_at_most is not None:
        right = "Add [followup] with the channel and room of your agents, or leave it out."
        yield Considered(path=path, wrong="opens no case: there is no [followup]", right=right)
        return
    if flow.case_at_most is None:
        path = ("followup", "case_at_most", rating.scale)
    usual = CASE_AT_MOST[rating.scale] if followup is None else followup.case_at_most.get(rating.scale, 0)
    limit = usual if flow.case_at_most is None else flow.case_at_most
    happy = min(scale_of(rating).positive)
    if limit >= scale_of(rating).high:
        wrong = f"opens a case for every answer of '{flow.id}', the best ones included"
        yield Considered(path=path, wrong=wrong, right=f"Write {happy - 1} or less.")
    elif limit >= happy:
        wrong = f"opens cases for customers of '{flow.id}' who are happy: {happy} and more is a good score"
        yield Considered(path=path, wrong=wrong, right=f"Write {happy - 1} or less.")
