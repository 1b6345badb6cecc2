"""What somebody is told at once: seen only by them, said once after the commit, never again."""

from collections.abc import Mapping
from typing import Any, assert_never

from bot.channels.slack.forms import OpenForm
from bot.messages import AgentAsks, AgentDid, AgentPressed, AgentWonders, AgentWrote, Commanded, Inbound, Tapped
from bot.ports import FormKind, Said

#: the field of each form where a complaint stands that is about none of them
_MAIN: Mapping[FormKind, str] = {"reply": "text", "resolve": "action", "snooze": "until"}


def wording(inbound: Inbound, said: Said) -> str:
    """What to tell the person at once; empty when the conversation itself shows what happened."""
    match inbound:
        case AgentPressed() | AgentDid():
            return _to_agent(said)
        case AgentWrote():
            return _to_agent(said, in_thread=True)
        case AgentAsks():
            return _to_asker(said)
        case AgentWonders():
            return _to_wonderer(said)
        case Tapped():
            return _to_customer(said)
        case Commanded():
            return _to_command(said)
        case _:
            return ""


def form_answer(said: Said, form: OpenForm) -> dict[str, Any]:
    """The answer to a submitted form: it goes, or stays with a complaint and every word that was typed."""
    words = _to_agent(said)
    if not words:
        return {"response_action": "clear"}
    name = said.text if said.kind in ("empty", "too_long") and said.text in form.fields else _MAIN[form.kind]
    return {"response_action": "errors", "errors": {form.fields.get(name, name): words}}


def _to_agent(said: Said, *, in_thread: bool = False) -> str:
    match said.kind:
        case "already_claimed":
            return said.voice.say("desk.already_claimed", agent=said.text)
        case "case_closed":
            return said.voice.say("desk.case_closed")
        case "unknown_button":
            return said.voice.say("reply.unknown_button")
        case "not_owner":
            return said.voice.say("told.not_owner", agent=said.text)
        case "kept_internal" if in_thread:
            # whoever begins so knows it, and a whole thread of notes would be answered line by line
            return ""
        case "empty" if said.text == "cause":
            return said.voice.say("told.unknown_cause")
        case "already_resolved" | "no_case" | "empty" | "too_long" | "in_the_past" | "unreachable" | "text_only":
            return said.voice.say(f"told.{said.kind}")
        case "kept_internal" | "unknown_thread" | "incident_thread" | "kept_as_sent" | "note_not_sent":
            return said.voice.say(f"told.{said.kind}")
        case _:
            # the alert is edited for everybody to see
            return ""


def _to_asker(said: Said) -> str:
    match said.kind:
        case "asked":
            return said.voice.say("told.asked")
        case "deferred" | "not_asked":
            return said.voice.say(f"told.{said.kind}", why=said.text)
        case _:
            return _to_agent(said)


def _to_wonderer(said: Said) -> str:
    match said.kind:
        case "explained":
            return said.text
        case "not_here":
            return said.voice.say("told.not_here")
        case _:
            return ""


def _to_command(said: Said) -> str:
    match said.kind:
        case "asked" | "not_asked" | "opted_out" | "opted_in" | "closed":
            return said.voice.say(f"reply.{said.kind}")
        case _:
            return ""


def _to_customer(said: Said) -> str:
    match said.kind:
        case "already_counted" | "closed" | "not_yours" | "unknown_button" | "too_late_to_change":
            return said.voice.say(f"reply.{said.kind}")
        case "choose_more" | "choose_fewer":
            return said.voice.say(f"reply.{said.kind}", n=said.text)
        case "opted_in" | "not_asked" | "asked":
            return said.voice.say(f"reply.{said.kind}")
        case "nothing" | "duplicate" | "taken" | "ticked" | "changing" | "kept_aside" | "deferred":
            # the message that was tapped is edited
            return ""
        case "declined" | "opted_out" | "spoken_to":
            # likewise, and a message of its own says what comes of it
            return ""
        case "fixed" | "not_fixed":
            # the card shows what was chosen, and a message of its own says what comes next
            return ""
        case "claimed" | "already_claimed" | "already_resolved" | "not_owner" | "case_closed" | "no_case" | "done":
            # said to agents only, as is what follows
            return ""
        case "form" | "empty" | "too_long" | "in_the_past" | "unreachable" | "kept_internal" | "text_only":
            return ""
        case "unknown_thread" | "incident_thread" | "kept_as_sent" | "note_not_sent" | "explained" | "not_here":
            return ""
        case _:
            assert_never(said.kind)
