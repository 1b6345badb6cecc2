"""What a press, a choice from a menu or a submitted form from Slack means to us.

| what comes                                               | becomes                                           |
|----------------------------------------------------------|---------------------------------------------------|
| a button with an agents' token, or such a menu's option  | AgentPressed                                      |
| a template chosen in a reply form                        | AgentPressed with ``use:<id>``                    |
| a person chosen for a case                               | AgentDid(Assign)                                  |
| a submitted form of ours                                 | AgentDid(Relay, Resolve or Snooze)                |
| any other press of a button that carries a value         | Tapped                                            |
| a link that was opened, a closed form                    | nothing                                           |
| everything else                                          | unknown                                           |
"""

from collections.abc import Mapping
from typing import Any

from bot.channels.slack.forms import OpenForm, choice_of, deed_of, read_form
from bot.channels.slack.meanings import ID, Arrival, Meant, Nothing, Origin, Reading, Unknown, digest, name_of
from bot.channels.slack.plain import found, text_at
from bot.messages import (
    Address,
    AgentDid,
    AgentPressed,
    Assign,
    CaseToken,
    Inbound,
    Profile,
    Tapped,
    parse_token,
)

Body = Mapping[str, Any]

_NOT_OURS = "an action that is no button of ours"


def read_press(body: Body, here: Arrival) -> Reading:
    """A use of a button or a menu, in a message or in a form."""
    actions = body.get("actions")
    action = found(actions[0]) if isinstance(actions, list) and actions else {}
    kind = text_at(action, "type")
    if not ID.fullmatch(text_at(body, "user", "id")):
        return Unknown(why="a press without a person")
    if kind == "button" and text_at(action, "url"):
        # Slack tells of opened links too, and warns whoever opened one that is not acknowledged
        return Nothing()
    if kind == "users_select":
        return _assignment(body, action, here)
    form = read_form(found(body, "view"))
    if form is not None:
        token = choice_of(form, action)
    else:
        token = text_at(action, "value") if kind == "button" else text_at(action, "selected_option", "value")
    ours = isinstance(parse_token(token), CaseToken)
    if not token or not (kind == "button" or (kind == "static_select" and ours)):
        return Unknown(why=_NOT_OURS)
    return Meant(inbound=_pressed(body, token, here, by_agent=ours), origin=_origin(body, form))


def _pressed(body: Body, token: str, here: Arrival, *, by_agent: bool) -> Inbound:
    who, name = _person(body, here)
    event = here.key("action", text_at(body, "trigger_id"))
    if by_agent:
        return AgentPressed(event=event, agent=who, agent_name=name or who.key, token=token, at=here.at)
    return Tapped(event=event, sender=who, token=token, at=here.at, profile=Profile(name=name))


def _assignment(body: Body, action: Body, here: Arrival) -> Reading:
    """A person chosen from a list; the list's own id says for which case."""
    tokens = [parse_token(text_at(action, key)) for key in ("action_id", "block_id")]
    case = next((one.case for one in tokens if isinstance(one, CaseToken) and one.action == "assign"), None)
    chosen = text_at(action, "selected_user")
    if case is None:
        return Unknown(why=_NOT_OURS)
    if not ID.fullmatch(chosen):
        return Nothing()
    who, name = _person(body, here)
    deed = Assign(to=Address(channel=here.channel, key=chosen), to_name=chosen)
    did = AgentDid(
        event=here.key("action", text_at(body, "trigger_id")),
        agent=who,
        agent_name=name or who.key,
        case=case,
        deed=deed,
        at=here.at,
    )
    return Meant(inbound=did, origin=_origin(body, None))


def read_submission(body: Body, here: Arrival) -> Reading:
    """A form that was filled in. It is known again by its id and what stands in it, however often it is sent."""
    view = found(body, "view")
    form = read_form(view)
    if not ID.fullmatch(text_at(body, "user", "id")):
        return Unknown(why="a form without a person")
    if form is None:
        return Unknown(why="a form that is none of ours")
    deed = deed_of(view, form.kind)
    if deed is None:
        return Unknown(why="a form that is not filled in")
    who, name = _person(body, here)
    did = AgentDid(
        event=here.key("form", f"{form.id}.{digest(repr(deed).encode('utf-8', 'surrogatepass'))}"),
        agent=who,
        agent_name=name or who.key,
        case=form.case,
        deed=deed,
        at=here.at,
    )
    return Meant(inbound=did, origin=Origin(kind="submission", user=who.key, form=form))


def _person(body: Body, here: Arrival) -> tuple[Address, str | None]:
    key = text_at(body, "user", "id")
    return Address(channel=here.channel, key=key), name_of(found(body, "user"), "name", "username")


def _origin(body: Body, form: OpenForm | None) -> Origin:
    return Origin(
        kind="choice" if form else "press",
        user=text_at(body, "user", "id"),
        conversation=text_at(body, "channel", "id") or text_at(body, "container", "channel_id"),
        # what is said to somebody alone is said where they are: in the thread, if there
        thread=text_at(body, "container", "thread_ts"),
        response_url=text_at(body, "response_url"),
        trigger=text_at(body, "trigger_id"),
        form=form,
    )
