"""The fleeting reply to a press or a command: seen only by the person, sent once after the commit, never again."""

from typing import assert_never

from bot.languages import say
from bot.messages import AgentPressed, Commanded, Inbound, Tapped
from bot.ports import Said


def wording(inbound: Inbound, said: Said) -> str:
    """What to tell the person at once; empty when the conversation itself shows what happened."""
    match inbound:
        case AgentPressed():
            return _to_agent(said)
        case Tapped():
            return _to_customer(said)
        case Commanded():
            return _to_command(said)
        case _:
            return ""


def _to_agent(said: Said) -> str:
    match said.kind:
        case "already_claimed":
            return say(said.locale, "desk.already_claimed", agent=said.text)
        case "case_closed":
            return say(said.locale, "desk.case_closed")
        case "unknown_button":
            return say(said.locale, "reply.unknown_button")
        case _:
            # the alert is edited for everybody to see
            return ""


def _to_command(said: Said) -> str:
    match said.kind:
        case "asked" | "not_asked" | "opted_out" | "opted_in" | "closed":
            return say(said.locale, f"reply.{said.kind}")
        case _:
            return ""


def _to_customer(said: Said) -> str:
    match said.kind:
        case "already_counted" | "closed" | "not_yours" | "unknown_button" | "too_late_to_change":
            return say(said.locale, f"reply.{said.kind}")
        case "choose_more" | "choose_fewer":
            return say(said.locale, f"reply.{said.kind}", n=said.text)
        case "opted_out" | "opted_in" | "not_asked" | "asked":
            return say(said.locale, f"reply.{said.kind}")
        case "nothing" | "duplicate" | "taken" | "ticked" | "changing" | "kept_aside" | "deferred":
            # the message that was tapped is edited
            return ""
        case "claimed" | "already_claimed" | "case_closed":
            # said to agents only
            return ""
        case _:
            assert_never(said.kind)
