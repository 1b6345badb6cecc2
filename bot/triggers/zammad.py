"""Zammad: webhooks of triggers and schedulers, with the usual payload.

Signed by ``X-Hub-Signature: sha1=<hex>`` with the webhook's token. Payload:
admin-docs.zammad.org/en/latest/manage/webhook/payload.html. It tells the ticket as it is, not what happened to it, and
brings the newest article along with any change; ``X-Zammad-Delivery`` is another one at each try.
"""

from collections.abc import Iterable, Sequence

from bot.config import TriggerSettings
from bot.conversations.dealings import Author, Ended, Happening, Resumed, Spoke
from bot.triggers.bodies import Delivery, Node
from bot.triggers.helpdesk import Helpdesk
from bot.triggers.signing import hub_signed
from bot.triggers.tellings import Telling, beside, each_told, full_name, not_understood, yes
from bot.triggers.templates import words

_CLOSED = frozenset({"closed"})
_OPEN = frozenset({"new", "open"})
_SENDERS: dict[str, Author] = {"customer": "customer", "agent": "agent", "system": "bot"}


def _read(event: Node, _delivery: Delivery, settings: TriggerSettings) -> Sequence[Telling]:
    ticket, article = event.at("ticket"), event.at("article")
    reference = ticket.first("number", "id").text
    if not reference:
        return [Telling(happening=not_understood("ticket", 'ticket.number=""'))]
    told: list[tuple[Happening, str]] = []
    spoke = _article(article, ticket)
    if spoke is not None:
        told.append((spoke, f"article:{article.at('id').text}"))
    state = _state(ticket, settings)
    if state is not None:
        told.append((state, ""))
    if not told:
        told = [(beside("ticket", f"state={_name(ticket.at('state'))}"), "")]
    return _tellings(told, reference, ticket)


def _tellings(told: Iterable[tuple[Happening, str]], reference: str, ticket: Node) -> Sequence[Telling]:
    customer, owner = ticket.at("customer"), ticket.at("owner")
    nobody = owner.at("login").text == "-" or owner.at("id").text == "1"
    return each_told(
        told,
        reference,
        person=customer,
        locale=customer.first("preferences.locale", "locale"),
        tags=ticket.at("tags"),
        agent="" if nobody else full_name(owner),
        team=_name(ticket.at("group")),
        subject=ticket.at("title").text,
        vip=yes(customer.at("vip")),
    )


def _name(node: Node) -> str:
    """What is named, or is a name itself."""
    return node.at("name").text or node.text


def _article(article: Node, ticket: Node) -> Spoke | None:
    """A word that was said; internal notes are none."""
    author = _SENDERS.get(_name(article.at("sender")).casefold())
    if not article.at("id").text or author is None or article.at("internal").flag is not False:
        return None
    at = article.at("created_at").time
    began = ticket.at("article_count").count == 1
    return Spoke(by=author, at=at, first=began)


def _state(ticket: Node, settings: TriggerSettings) -> Happening | None:
    state = " ".join(_name(ticket.at("state")).casefold().split())
    if state in words(settings.ended, _CLOSED):
        answered = ticket.at("first_response_at").is_something
        return Ended(
            # "close_at" stays that of the first time.
            at=ticket.first("last_close_at", "updated_at").time,
            messages=ticket.at("article_count").count,
            human_answered=answered if ticket.has("first_response_at") else None,
            started_by=_SENDERS.get(_name(ticket.at("create_article_sender")).casefold()),
        )
    if state in words(settings.resumed, _OPEN):
        return Resumed(at=ticket.at("updated_at").time)
    return None


ZAMMAD = Helpdesk(read=_read, signed=hub_signed, inner=("ticket",))
