"""Telegram as a channel: updates in by webhook or long polling, messages out."""

import asyncio
import hmac
import logging
import mimetypes
from collections.abc import Coroutine, Mapping
from typing import Any, Final, assert_never

import orjson
from telegram import BotCommand
from telegram.error import BadRequest, ChatMigrated, TelegramError

from bot.channels.telegram.api import LARGEST_FILE, Api, FileGone
from bot.channels.telegram.drawing import TEXT_LENGTH, TOAST_LENGTH, cut, draw
from bot.channels.telegram.failures import failure, reason_of
from bot.channels.telegram.patience import Patience
from bot.channels.telegram.polling import Polling
from bot.channels.telegram.request import TooLarge
from bot.channels.telegram.updates import WANTED, Me, read_body
from bot.config import TelegramSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.languages import FALLBACK, locales
from bot.languages.voice import Speak, Voice
from bot.messages import TOKEN_BYTES, Address, Outbound, Receipt
from bot.ports import Clock, File, Handle, Limits, Raw, Reply, Said

log = logging.getLogger(__name__)

_SIGNATURE: Final = "x-telegram-bot-api-secret-token"
_JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}
_BYTES: Final = "application/octet-stream"
_NO_PREVIEW: Final = {"is_disabled": True}
_COMMANDS: Final = ("feedback", "human", "language", "stop")

#: what a tap is answered with in words, and whether that must be read before going on
_WORDED: Final[Mapping[str, bool]] = {
    "taken": False,
    "changed": False,
    "ticked": False,
    "already_counted": False,
    "closed": False,
    "not_yours": True,
    "unknown_button": False,
    "changing": False,
    "too_late_to_change": True,
    "choose_more": False,
    "choose_fewer": False,
}
#: refusals of an edit that leave nothing to do: the message is as it should be, or its reader deleted it
_AS_IT_SHOULD_BE: Final = "message is not modified"
_NOTHING_TO_EDIT: Final = ("message to edit not found", "message can't be edited", "message_id_invalid")


class TelegramChannel:
    """One bot.

    ``public_url`` is where Telegram reaches us, for the webhook: ``<public_url>/channels/<name>``. ``first_wait``
    and ``longest_wait`` (seconds) bound the pauses after failures; ``poll`` is how long (seconds) Telegram holds a
    request for updates; ``timeout`` is how long (seconds) any other request may take.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        clock: Clock,
        public_url: str,
        speak: Speak = Voice,
        first_wait: float = 1.0,
        longest_wait: float = 60.0,
        poll: int = 30,
        timeout: float = 10.0,
    ) -> None:
        self.name = settings.name
        self.limits = Limits(
            buttons=100,
            text=TEXT_LENGTH,
            button_label=64,
            token_bytes=TOKEN_BYTES,
            edits=True,
            per_second=settings.messages_per_second,
        )
        self._settings = settings
        self._clock = clock
        self._speak = speak
        self._webhook_url = f"{public_url.rstrip('/')}/channels/{settings.name}"
        self._api = Api(settings, timeout=timeout)
        number = settings.token.partition(":")[0]
        self._me = Me(channel=settings.name, id=int(number) if number.isascii() and number.isdigit() else None)
        self._patience = Patience(log, f"Telegram channel {settings.name}", first=first_wait, longest=longest_wait)
        self._poll = poll
        self._errands: set[asyncio.Task[None]] = set()

    # ---- in ---------------------------------------------------------------------------------------------

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Take one webhook call: 403 unless it carries our secret, 503 while nothing can be kept, else 200.

        The answer to a tap is the reply's body: a method that Telegram carries out and of which nobody hears again.
        """
        if not self._is_signed(raw):
            return Reply(status=403)
        reading = read_body(raw.body, self._me, self._clock())
        said = Said()
        if reading.inbound is not None:
            try:
                said = (await handle(reading.inbound)).said
            except StoreUnavailable:
                return Reply(status=503)
        if reading.query is None:
            return Reply()
        return Reply(body=orjson.dumps({"method": "answerCallbackQuery", **answer(reading.query, said)}), headers=_JSON)

    def _is_signed(self, raw: Raw) -> bool:
        secret = self._settings.webhook_secret
        shown = raw.headers.get(_SIGNATURE, "")
        # an empty secret would be matched by a request without the header
        return bool(secret) and hmac.compare_digest(shown.encode("utf-8", "replace"), secret.encode())

    async def run(self, handle: Handle) -> None:
        """In polling mode take updates until cancelled; else tell Telegram our webhook, until it holds, and return."""
        if self._settings.mode == "polling":
            self._spawn(self._introduce())
            await self._polling().run(handle)
        await self._set_webhook()
        await self._introduce()

    def _polling(self) -> Polling:
        return Polling(
            self._api,
            me=lambda: self._me,
            clock=self._clock,
            answer=lambda query, said: self._spawn(self._answer(query, said)),
            patience=self._patience,
            seconds=self._poll,
        )

    async def _set_webhook(self) -> None:
        while True:
            try:
                await self._api.bot.set_webhook(
                    self._webhook_url,
                    secret_token=self._settings.webhook_secret,
                    allowed_updates=WANTED,
                    max_connections=100,
                )
            except TelegramError as error:
                await self._patience.failed(error)
            else:
                self._patience.succeeded()
                return

    async def _introduce(self) -> None:
        """Learn our username, by which commands in groups name us, and show our commands in each language."""
        try:
            user = await self._api.bot.get_me()
            self._me = Me(channel=self.name, id=user.id, username=user.username)
            for locale in locales():
                commands = [BotCommand(command, self._speak(locale).say(f"command.{command}")) for command in _COMMANDS]
                language = None if locale == FALLBACK else locale.partition("-")[0]
                await self._api.bot.set_my_commands(commands, language_code=language)
        except TelegramError as error:
            log.info("Telegram channel %s: the list of commands was not set: %s", self.name, reason_of(error))

    async def username(self) -> str:
        """The bot's name without "@", for links to it: that of the settings, else Telegram's, which is asked once.

        Raises SendFailed.
        """
        named = self._settings.username or self._me.username
        if named:
            return named
        try:
            user = await self._api.bot.get_me()
        except TelegramError as error:
            raise failure(error) from error
        self._me = Me(channel=self.name, id=user.id, username=user.username)
        return user.username or ""

    async def _answer(self, query: str, said: Said) -> None:
        try:
            await self._api.call("answerCallbackQuery", answer(query, said))
        except TelegramError as error:
            # a tap that was answered too late shows nothing; what it did stands
            log.debug("Telegram channel %s: a tap was not answered: %s", self.name, reason_of(error))

    def _spawn(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    # ---- out --------------------------------------------------------------------------------------------

    async def send(
        self,
        message: Outbound,
        remote: str | None,
        *,
        again: bool = False,  # noqa: ARG002
        thread: str | None = None,  # noqa: ARG002
    ) -> Receipt:
        """Post or edit one message; the receipt is ``<chat id>:<message id>``. Raises SendFailed.

        ``again`` changes nothing: the Bot API knows no key by which it would recognise a repeated message. Nor does
        ``thread``: a customer's chat has none.
        """
        fields = {**draw(message.content), "link_preview_options": _NO_PREVIEW}
        match message.kind:
            case "post" | "relay":
                return await self._post(_chat(message.to), fields)
            case "edit":
                return await self._edit(remote, fields)
            case _:
                assert_never(message.kind)

    async def _post(self, chat: int, fields: Mapping[str, Any]) -> Receipt:
        async def post(chat: int) -> Receipt:
            sent = await self._api.call("sendMessage", {"chat_id": chat, **fields})
            return Receipt(remote=f"{chat}:{sent['message_id']}")

        try:
            try:
                return await post(chat)
            except ChatMigrated as moved:
                # the group's own message about this moves its address; this one need not wait for it
                return await post(moved.new_chat_id)
        except Exception as error:
            raise failure(error) from error

    async def _edit(self, remote: str | None, fields: Mapping[str, Any]) -> Receipt:
        chat, message = _parsed(remote)
        receipt = Receipt(remote=f"{chat}:{message}")
        try:
            await self._api.call("editMessageText", {"chat_id": chat, "message_id": message, **fields})
        except ChatMigrated:
            # the new group counts its messages anew: the same number is another message there
            self._let_go("the group has moved")
        except BadRequest as error:
            reason = reason_of(error).lower()
            if any(part in reason for part in _NOTHING_TO_EDIT):
                # posting it anew would bring back what its reader deleted, and nobody can tap what is gone
                self._let_go(reason)
            elif _AS_IT_SHOULD_BE not in reason:
                raise failure(error) from error
        except Exception as error:
            raise failure(error) from error
        return receipt

    def _let_go(self, why: str) -> None:
        log.info("Telegram channel %s: an edit has no message to change: %s", self.name, why)

    async def fetch(self, reference: str) -> File | None:
        """The file of a ``file_id``, of at most 20 MB; None where Telegram has it no more. Raises SendFailed."""
        try:
            name, kind, body = await self._api.file(reference)
        except FileGone:
            return None
        except TooLarge:
            reason = f"the file is larger than {LARGEST_FILE // 1_000_000} MB, and Telegram gives out none that large"
            raise SendFailed(reason=reason, retryable=False) from None
        except Exception as error:
            # not from it: what stands in its context may hold the address, and with it the token
            raise failure(error) from None
        return File(name=name, kind=_kind(kind, name), body=body)

    async def close(self) -> None:
        """Let go what is under way and close the connections."""
        errands = tuple(self._errands)
        for errand in errands:
            errand.cancel()
        await asyncio.gather(*errands, return_exceptions=True)
        await self._api.close()


def answer(query: str, said: Said) -> dict[str, Any]:
    """The fields of answerCallbackQuery: every tap is answered, most without words."""
    fields: dict[str, Any] = {"callback_query_id": query}
    alert = _WORDED.get(said.kind)
    if alert is not None:
        fields["text"] = cut(said.voice.say(f"reply.{said.kind}", n=said.text), TOAST_LENGTH)
    if alert:
        fields["show_alert"] = True
    return fields


def _kind(told: str, name: str) -> str:
    """The media type of a file: the service says of most only that they are bytes."""
    return told if told != _BYTES else mimetypes.guess_type(name)[0] or _BYTES


def _chat(address: Address) -> int:
    """The chat of an address, ``<user>`` or ``<chat>/<user>``."""
    try:
        return int(address.key.partition("/")[0])
    except ValueError:
        raise SendFailed(reason="the address names no Telegram chat", retryable=False) from None


def _parsed(remote: str | None) -> tuple[int, int]:
    chat, _, message = (remote or "").partition(":")
    try:
        return int(chat), int(message)
    except ValueError:
        raise SendFailed(reason="no message of this slot was posted that could be edited", retryable=False) from None
