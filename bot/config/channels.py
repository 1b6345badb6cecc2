"""The [channels.<name>] blocks: one reader per kind. A new kind of channel is one function and one line here."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from bot.config.environment import Environment, Wanted
from bot.config.settings import (
    ChannelSettings,
    PageSettings,
    SlackSettings,
    TelegramSettings,
    WebchatSettings,
    WebhookChatSettings,
)
from bot.conversations.questions import Texts
from bot.conversations.text_toml import Speech, read_texts
from bot.languages import locales
from bot.messages import ChannelName
from bot.toml_journal import AnyText
from bot.toml_tables import Table

#: Signing with less is guessing distance from not signing.
SECRET_LENGTH = 16
_TELEGRAM = "https://api.telegram.org"
_ALWAYS = "the channel cannot work without it"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TELEGRAM_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
#: other names of bots are sold by Telegram, and then need not end in "bot"
_TELEGRAM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def read_channels(root: Table, environment: Environment, *, public_url: str) -> tuple[ChannelSettings, ...]:
    """The channels that are switched on, in the order of the file."""
    block = root.table("channels")
    if block is None:
        if not root.has("channels"):
            root.missing("channels", "a block such as [channels.telegram]")
        return ()
    found = []
    for name in block.names(_NAME.pattern, "shop"):
        table = block.table(name)
        if table is not None:
            channel = _read_channel(table, name, environment, public_url)
            found += [channel] if channel is not None else []
            if isinstance(channel, PageSettings) and (first := _page_in(found[:-1])) is not None:
                wrong = f"'{first}' is the survey page already, and all survey links open one page"
                table.report("kind", wrong, "Remove one of the two.")
    if not found and not root.findings.under(block.path):
        block.report("", "no channel is switched on, so nobody can be asked", "Set enabled = true for one.")
    return tuple(found)


def _page_in(channels: Sequence[ChannelSettings]) -> ChannelName | None:
    return next((each.name for each in channels if isinstance(each, PageSettings)), None)


def kinds_of(root: Table) -> dict[str, tuple[str, bool]]:
    """Name -> (kind, switched on) of every channel in the file, right or wrong, for what refers to channels."""
    block = root.data.get("channels")
    if not isinstance(block, Mapping):
        return {}
    return {
        name: (str(table.get("kind", "")), table.get("enabled") is not False)
        for name, table in block.items()
        if isinstance(table, Mapping)
    }


class _Block:
    """One [channels.<name>] table under reading."""

    def __init__(self, table: Table, name: str, kind: str, environment: Environment, public_url: str) -> None:
        self.table = table
        self.name = ChannelName(name)
        self.live = table.flag("enabled", True)
        self.public_url = public_url
        self._kind = kind
        self._environment = environment

    def secret(self, key: str, suggested: str, needed: str = _ALWAYS) -> str:
        """A secret's value; with ``needed`` empty it is of no use in this mode, and need not be set."""
        wanted = Wanted(kind=self._kind, key=key, suggested=suggested, needed=needed)
        return self._environment.secret(self.table, wanted, live=self.live and bool(needed))

    def url(self, key: str, default: str) -> str:
        return read_url(self.table, key, default, self._environment)


def _read_channel(table: Table, name: str, environment: Environment, public_url: str) -> ChannelSettings | None:
    if not _NAME.fullmatch(name):
        right = "Use at most 32 of a-z, 0-9, _ and -, and begin with a letter or digit."
        table.report("", f"'{name[:60]}' is no name for a channel", right)
    kind = table.one_of("kind", tuple(_READERS))
    if kind not in _READERS:
        return None
    block = _Block(table, name, kind, environment, public_url)
    channel = _READERS[kind](block)
    table.finish()
    return channel if block.live else None


def _telegram(block: _Block) -> TelegramSettings:
    table = block.table
    mode = table.one_of("mode", ("polling", "webhook"), "polling")
    for_hook = 'mode = "webhook" needs it' if mode == "webhook" else ""
    token = block.secret("token", "TELEGRAM_TOKEN")
    secret = block.secret("webhook_secret", "TELEGRAM_WEBHOOK_SECRET", for_hook)
    if secret and not _TELEGRAM_SECRET.fullmatch(secret):
        right = "Use at most 256 of A-Z, a-z, 0-9, _ and -."
        table.report("webhook_secret", "Telegram does not take this secret", right)
    api_url = block.url("api_url", _TELEGRAM)
    # A Bot API server of one's own may stand beside us, and calls whatever address it is given.
    if mode == "webhook" and block.live and api_url == _TELEGRAM:
        _report_out_of_reach(table, block.public_url)
    return TelegramSettings(
        name=block.name,
        token=token,
        webhook_secret=secret,
        mode="webhook" if mode == "webhook" else "polling",
        messages_per_second=table.whole("messages_per_second", 25, 0, 1000),
        api_url=api_url,
        username=_username(table),
    )


def _username(table: Table) -> str:
    table.note("username", AnyText(pattern=_TELEGRAM_NAME.pattern))
    username = table.text("username", "")
    if username and not _TELEGRAM_NAME.fullmatch(username):
        right = 'Write it without "@", as in "lotus_home_bot".'
        table.report("username", f"'{username[:40]}' is no name of a bot in Telegram", right)
    return username


def _report_out_of_reach(table: Table, public_url: str) -> None:
    parts = urlsplit(public_url)
    if _is_loopback(parts.hostname):
        right = 'Set server.public_url to your https address, or mode = "polling", which needs none.'
        table.report("mode", f"Telegram cannot reach {public_url}, which is this computer only", right)
    elif parts.scheme != "https":
        table.report("mode", f"Telegram calls https addresses only, not {public_url}", "Set server.public_url.")


def _slack(block: _Block) -> SlackSettings:
    table = block.table
    mode = table.one_of("mode", ("socket", "http"), "socket")
    for_mode = f'mode = "{mode}" needs it'
    bot_token = block.secret("bot_token", "SLACK_BOT_TOKEN")
    app_token = block.secret("app_token", "SLACK_APP_TOKEN", for_mode if mode == "socket" else "")
    if bot_token.startswith("xapp-"):
        table.report("bot_token", "this is an app-level token (xapp-…)", "The bot's token begins with xoxb-.")
    if app_token.startswith(("xoxb-", "xoxp-")):
        table.report("app_token", "this is no app-level token", "It begins with xapp-.")
    return SlackSettings(
        name=block.name,
        bot_token=bot_token,
        signing_secret=block.secret("signing_secret", "SLACK_SIGNING_SECRET", for_mode if mode == "http" else ""),
        app_token=app_token,
        mode="http" if mode == "http" else "socket",
        posts_per_second=table.whole("posts_per_second", 1, 0, 100),
        api_url=block.url("api_url", "https://slack.com"),
    )


def _webchat(block: _Block) -> WebchatSettings:
    table = block.table
    secret = block.secret("secret", "WEBCHAT_SECRET")
    if secret and len(secret) < SECRET_LENGTH:
        table.report("secret", "is too short to sign with", f"Use at least {SECRET_LENGTH} random characters.")
    colour = _colour(table)
    origins = table.texts("origins", ("*",))
    for index, origin in enumerate(origins):
        wrong = None if origin == "*" else _not_an_origin(origin)
        if wrong:
            table.findings.add((*table.path, "origins", index), f"'{origin[:100]}' is no origin of a page", wrong)
    return WebchatSettings(name=block.name, secret=secret, origins=origins, title=_title(table), colour=colour)


def _colour(table: Table) -> str:
    table.note("colour", AnyText(pattern=_COLOUR.pattern, what="a colour"), "#2563eb")
    colour = table.text("colour", "#2563eb")
    if colour and not _COLOUR.fullmatch(colour):
        table.report("colour", f"'{colour[:40]}' is no colour", 'Write it as in "#2563eb".')
    return colour


def _title(table: Table) -> Texts:
    """The title of a window or page of ours, which speaks whatever language its visitor does, so it may be in any."""
    title = table.data.get("title")
    speech = Speech(locales=tuple(title) if isinstance(title, Mapping) else locales())
    return read_texts(table, "title", speech, required=False, variables=False, longest=60)


def _page(block: _Block) -> PageSettings:
    return PageSettings(name=block.name, title=_title(block.table), colour=_colour(block.table))


def _webhook(block: _Block) -> WebhookChatSettings:
    table = block.table
    listed = block.secret("secrets", "WEBHOOK_SECRETS")
    secrets = tuple(part.strip() for part in listed.split(",") if part.strip())
    if any(not _is_standard(secret) for secret in secrets):
        right = "Write whsec_ and the base64 of 24 to 64 random bytes; several with commas between them."
        table.report("secrets", "holds a secret that is none of Standard Webhooks", right)
    if not table.has("url"):
        table.missing("url", 'url = "https://…", where messages are to be posted')
    return WebhookChatSettings(
        name=block.name,
        url=block.url("url", ""),
        secrets=secrets,
        buttons=table.flag("buttons", True),
        edits=table.flag("edits", True),
    )


_READERS: Mapping[str, Callable[[_Block], ChannelSettings]] = {
    "telegram": _telegram,
    "slack": _slack,
    "webchat": _webchat,
    "webhook": _webhook,
    "page": _page,
}


# ---- addresses -------------------------------------------------------------------------------------------


def read_url(table: Table, key: str, default: str, environment: Environment) -> str:
    """An http or https address without a trailing slash."""
    url = environment.setting(table, key, default)
    if not url or url == default or table.findings.under((*table.path, key)):
        return url
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url):
        table.report(key, f"'{url[:100]}' is no web address", "Begin it with https:// and the name of the host.")
    elif parts.username or parts.password:
        table.report(key, "a password does not belong in this file", "Leave it out of the address.")
    elif parts.query or parts.fragment:
        table.report(key, "has a part after ? or #", "End the address before it.")
    return url.rstrip("/")


def _is_loopback(host: str | None) -> bool:
    return host in ("localhost", "::1") or (host or "").startswith("127.")


def _not_an_origin(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or "*" in origin:
        return 'Write it as in "https://shop.example", or "*" for any page.'
    bare = f"{parts.scheme}://{parts.netloc}"
    return None if origin == bare else f'Write "{bare}": an origin has no path and no slash at its end.'


def _is_standard(secret: str) -> bool:
    if not secret.startswith("whsec_"):
        return False
    try:
        return 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
    except (binascii.Error, ValueError):
        return False
