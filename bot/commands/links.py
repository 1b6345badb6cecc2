"""``afterchat link``: makes a link to a survey, and prints what leads to it: for a chat, a page, a card, an e-mail."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import segno

from bot.app import real_clock
from bot.channels.telegram import TelegramChannel
from bot.commands.places import add_place, settings_and_database, span
from bot.config import Settings, TelegramSettings, WebchatSettings, WebhookChatSettings
from bot.conversations.flow import PinnedFlow
from bot.errors import AfterchatError, SendFailed
from bot.intake.anonymity import keyed
from bot.ports import Link
from bot.reports.figures import json_for_terminal
from bot.storage import Storage, open_storage
from bot.toml_tables import did_you_mean
from bot.web.api import Refused
from bot.web.links import (
    Letter,
    answer_address,
    answers_of,
    deep_link,
    html_of,
    language_of,
    new_link,
    only_here,
    page_address,
    page_of,
)
from bot.web.links_api import attributes_of

#: How many modules of light a QR code has around it, and how many dots one module has in a picture.
_BORDER, _SCALE = 4, 10
_DRAWN = (".png", ".svg")
#: characters of a company's own reference of a customer, as in the HTTP API
_LONGEST_REFERENCE = 200


class Leads(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to a link; null where the config has no such channel."""

    id: str
    flow: str
    customer: str | None
    expires_at: str | None
    page: str | None = None
    telegram: str | None = None
    #: to be written in a chat window of other channels
    command: str | None = None
    answers: dict[str, str] = {}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Join the command to the parser."""
    link = commands.add_parser("link", help="make a link to a survey: for a chat, a page, a QR code or an e-mail")
    link.add_argument("flow", help="the id of the flow that it begins")
    link.add_argument("--channel", help="only what leads there: the name of a channel of the config")
    link.add_argument("--customer", help="personal: for the customer of this reference alone, answered once")
    link.add_argument("--language", help="an IETF language tag, such as vi")
    link.add_argument(
        "--attribute", action="append", default=[], type=_attribute, metavar="NAME=VALUE", help="agent=Minh, order=A7"
    )
    link.add_argument("--expires", type=span, metavar="90d", help="it leads nowhere after this (m, h, d)")
    link.add_argument("--qr", type=_picture, metavar="FILE", help="draw its QR code: a file.png or file.svg")
    link.add_argument("--email", action="store_true", help="print the scale as HTML for an e-mail or a signature")
    link.add_argument("--ref", default="", metavar="PLACEHOLDER", help="with --email: such as '{{ticket.id}}'")
    link.add_argument("--answers", action="store_true", help="print the address of each answer")
    add_place(link, None)
    link.set_defaults(run=_link)


def _attribute(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name.strip() and sign and value.strip()):
        raise argparse.ArgumentTypeError(f"{text!r} names no value; write it like agent=Minh")
    return name.strip(), value.strip()


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _DRAWN:
        raise argparse.ArgumentTypeError(f"{text!r} is no picture that can be drawn; end it in .png or .svg")
    return path


async def _link(options: argparse.Namespace) -> int:
    settings, url = settings_and_database(options)
    flow = _flow(options.flow, settings)
    _refuse_language(options.language, flow)
    _refuse_channel(options, settings)
    storage = await open_storage(url, clock=real_clock)
    try:
        link = _made(options, flow, settings, storage)
        letter = Letter(link=link, flow=flow, locale=language_of(flow, options.language), reference=options.ref.strip())
        # before anything is kept: a mistake in what was asked for leaves no link behind
        html = html_of(letter, settings) if options.email else ""
        plain = options.email and options.qr is None
        leads = _nowhere(link, options) if plain else await _leads(options, link, letter, settings)
        if options.qr is not None:
            _draw(leads, options.qr)
        await storage.links.keep(link)
    finally:
        await storage.close()
    _print(options, leads, html, settings)
    return 0


def _flow(id: str, settings: Settings) -> PinnedFlow:
    flow = settings.flow_or_first(id)
    if flow is None:
        known = [pinned.flow.id for pinned in settings.askable()]
        guess = did_you_mean(id, known, " ").strip()
        raise AfterchatError(f"There is no flow {id!r}; there are: {', '.join(known)}. {guess}".rstrip())
    return flow


def _refuse_language(language: str | None, flow: PinnedFlow) -> None:
    """Whoever is given such a link would be asked in another language than they were promised."""
    locales = flow.flow.locales
    if language is None or language.partition("-")[0].casefold() in {
        tag.partition("-")[0].casefold() for tag in locales
    }:
        return
    raise AfterchatError(f"The flow {flow.flow.id!r} has no language {language!r}; it has: {', '.join(locales)}.")


def _refuse_channel(options: argparse.Namespace, settings: Settings) -> None:
    names = [str(channel.name) for channel in settings.channels]
    if options.channel is not None and options.channel not in names:
        raise AfterchatError(f"There is no channel {options.channel!r} switched on; there are: {', '.join(names)}.")
    if (options.email or options.answers) and page_of(settings) is None:
        raise AfterchatError('There is no survey page: add a channel of kind = "page" to the config.')
    if options.ref and not options.email:
        raise AfterchatError("--ref goes with --email: there a mail system puts the ticket in its place.")


def _made(options: argparse.Namespace, flow: PinnedFlow, settings: Settings, storage: Storage) -> Link:
    now = real_clock()
    customer: str | None = options.customer
    if customer is not None and not customer.strip():
        raise AfterchatError("--customer names nobody; leave it out for a link for everybody.")
    if customer is not None and len(customer) > _LONGEST_REFERENCE:
        raise AfterchatError(f"--customer is longer than {_LONGEST_REFERENCE} characters.")
    if customer is not None and settings.asking.anonymous:
        customer = keyed(storage.key_for("references"))(customer)
    try:
        attributes = attributes_of(dict(options.attribute), "--attribute")
    except Refused as refused:
        raise AfterchatError(f"{refused.field}: {refused}") from refused
    lasts: timedelta | None = options.expires
    return new_link(
        flow.flow.id,
        now,
        customer=customer,
        locale=options.language,
        attributes=attributes,
        expires_at=None if lasts is None else now + lasts,
    )


def _nowhere(link: Link, options: argparse.Namespace) -> Leads:
    expires_at = None if link.expires_at is None else link.expires_at.isoformat(timespec="seconds")
    return Leads(id=link.id, flow=link.flow, customer=options.customer, expires_at=expires_at)


async def _leads(options: argparse.Namespace, link: Link, letter: Letter, settings: Settings) -> Leads:
    """What leads to a link, on the channel that was named or on all."""
    wanted: str | None = options.channel
    page = page_of(settings)
    has_page = page is not None and wanted in (None, page.name)
    others = WebchatSettings | WebhookChatSettings
    typed = any(isinstance(each, others) and wanted in (None, each.name) for each in settings.channels)
    answers = answers_of(letter, settings) if options.answers else ()
    return msgspec.structs.replace(
        _nowhere(link, options),
        page=page_address(settings, link) if has_page else None,
        telegram=await _telegram(wanted, link, settings),
        command=f"/start {link.id}" if typed and wanted is not None else None,
        answers={f"{each.value} {each.label}": answer_address(letter, settings, each.value) for each in answers},
    )


async def _telegram(wanted: str | None, link: Link, settings: Settings) -> str | None:
    """The deep link to the bot, whose name Telegram tells where the config does not."""
    for channel in settings.channels:
        if isinstance(channel, TelegramSettings) and wanted in (None, channel.name):
            try:
                return deep_link(await _username(channel, settings), link)
            except AfterchatError as error:
                if wanted is not None:
                    raise
                print(error, file=sys.stderr)
    return None


async def _username(settings: TelegramSettings, whole: Settings) -> str:
    name = settings.name
    bot = TelegramChannel(settings, clock=real_clock, public_url=whole.server.public_url)
    try:
        username = await bot.username()
    except SendFailed as failure:
        raise AfterchatError(
            f"The name of the bot of {name!r} cannot be asked of Telegram: {failure.reason}. "
            f"Set username in [channels.{name}], or the bot's token."
        ) from failure
    finally:
        await bot.close()
    if not username:
        raise AfterchatError(f"Telegram tells no name for the bot of {name!r}; set username in [channels.{name}].")
    return username


def _draw(leads: Leads, path: Path) -> None:
    """The QR code of the address that a phone should open: the page's, else the bot's."""
    address = leads.page or leads.telegram
    if address is None:
        raise AfterchatError("There is no address to draw: the link leads to no page and to no bot of Telegram.")
    code = segno.make(address, error="m", micro=False)
    try:
        code.save(str(path), scale=_SCALE, border=_BORDER, light="#fff")
    except OSError as error:
        raise AfterchatError(f"{path} cannot be written: {error.strerror or error}") from error


def _print(options: argparse.Namespace, leads: Leads, html: str, settings: Settings) -> None:
    if html or leads.page is not None:
        _warn(settings)
    if html:
        # alone on the output, so that it can be copied or written to a file
        print(html)
        print(f"The link is {leads.id}.", file=sys.stderr)
        return
    if options.json:
        print(json_for_terminal(leads))
        return
    whom = f"for {leads.customer} alone" if leads.customer else "for everybody"
    until = f", until {leads.expires_at}" if leads.expires_at else ""
    print(f"{leads.flow}, {whom}{until}")
    for what, address in (("Page", leads.page), ("Telegram", leads.telegram), ("Command", leads.command)):
        if address is not None:
            print(f"  {what:<9} {address}")
    for label, address in leads.answers.items():
        print(f"  {label:<9} {address}")
    if options.qr is not None:
        print(f"  {'QR code':<9} {options.qr}")


def _warn(settings: Settings) -> None:
    if only_here(settings.server.public_url):
        print(
            f"Only this computer can open {settings.server.public_url}: set server.public_url to your https address.",
            file=sys.stderr,
        )
