"""Freshdesk: the action "Trigger webhook" of an automation rule. It signs nothing.

Its "Simple" content is ``{"freshdesk_webhook": {"ticket_id": ..., "ticket_status": ...}}`` with the ticked fields; its
"Advanced" content is whatever the admin pastes (support.freshdesk.com/support/solutions/articles/132589).
"""

import re
from collections.abc import Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Beside, Ended, Happening, Resumed
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.tellings import CLOSED, Telling, beside, known, not_understood
from bot.triggers.templates import read_template, words

#: the numbers of Freshdesk's own statuses; others are the account's
_RESOLVED, _CLOSED = "4", "5"
_CHANGE = re.compile(r"status\W{0,4}from\W{0,3}([0-9]+)\W{1,3}to\W{0,3}([0-9]+)")
_OPEN = frozenset({"open", "reopened"})


def _read(event: Node, _delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    ticket = event.at("freshdesk_webhook")
    return [_simple(ticket, settings)] if ticket.is_object else [read_template(event, settings, None)]


def _simple(ticket: Node, settings: TriggerSettings) -> Telling:
    reference = ticket.first("ticket_id", "ticket_id_numeric").text.removeprefix("#")
    happening = _status(ticket, settings)
    if not reference and not isinstance(happening, Beside):
        happening = not_understood("status", 'ticket_id=""')
    return Telling(
        happening=happening,
        reference=reference,
        name=ticket.first("ticket_requester_name", "requester_name", "ticket_contact_name").text,
        customer=ticket.first("ticket_requester_unique_external_id", "requester_unique_external_id").text,
        locale=ticket.first("ticket_requester_language", "requester_language").text,
        tags=ticket.at("ticket_tags").texts(),
        attributes=known(
            agent=ticket.first("ticket_agent_name", "agent_name").text,
            team=ticket.first("ticket_group_name", "group_name").text,
            product=ticket.first("ticket_product_name", "ticket_product", "product_name").text,
            subject=ticket.at("ticket_subject").text,
            link=ticket.first("ticket_url", "ticket_portal_url").text,
        ),
    )


def _status(ticket: Node, settings: TriggerSettings) -> Happening:
    status, change = ticket.at("ticket_status").word, _CHANGE.search(ticket.at("triggered_event").text.casefold())
    before, after = change.groups() if change else ("", "")
    closed = words(settings.ended, CLOSED)
    if (status in closed or after in (_RESOLVED, _CLOSED)) and before in (_RESOLVED, _CLOSED):
        # Freshdesk closes what was resolved some days later, by itself.
        return beside("status", f"status={before}→{after or status}")
    if status in closed:
        return Ended()
    if status in words(settings.resumed, _OPEN) or before in (_RESOLVED, _CLOSED):
        return Resumed()
    return beside("status", f"status={status}") if status else not_understood("status", 'ticket_status=""')


FRESHDESK = Helpdesk(read=_read, template=True, inner=("freshdesk_webhook",))
