"""The page behind survey links as a channel: each page is a session, and what is said to it is a line of the chat log.

The page itself is drawn by the web server (``bot.web.survey``), which also takes what people send: there is nothing to
receive here. Which session a page is stands in its address::

    /s/<link>              of a personal link: the session of that link
    /s/<link>?ref=T-81     of a link for many: the session of this link and this name of a dealing
    /s/<link>?s=<proof>    of a link for many, without a name: a session made here, proven by its signature

A personal link is a proof itself. A name of a dealing can be guessed, so the session belongs to the browser that began
it, which was given a proof then.
"""

import base64
import hmac
import secrets
from datetime import datetime

from bot.channels.limits import Allowance, Buckets, network_of
from bot.channels.replies import for_customers
from bot.channels.signatures import session_in, session_token
from bot.config import PageSettings
from bot.errors import SendFailed, StoreUnavailable
from bot.messages import Address, Outbound, Receipt, Text
from bot.ports import ChatLog, Clock, File, Handle, Limits, Raw, Reply

#: What people write of up to this many characters is kept whole; more is refused, so that nothing is cut unseen.
LONGEST_TEXT = 65_536
_SESSION_BYTES = 16


class PageChannel:
    """Survey pages; an address key is a session. ``key`` is 32 bytes that only this database's processes know."""

    limits = Limits(buttons=60, text=LONGEST_TEXT, button_label=200, token_bytes=64, edits=True)

    def __init__(
        self,
        settings: PageSettings,
        *,
        clock: Clock,
        chat: ChatLog,
        key: bytes,
        allowance: Allowance | None = None,
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self._clock = clock
        self._chat = chat
        self._key = key
        allowance = allowance or Allowance()
        self._requests = Buckets(allowance.requests)
        self._surveys = Buckets(allowance.surveys_of_address)
        self._octets = Buckets(allowance.octets_of_address)

    # ---- sessions ---------------------------------------------------------------------------------------

    def session_of(self, link: str, reference: str = "") -> str:
        """The session of a personal link, or of a link for many with the name of a dealing beside it."""
        digest = hmac.digest(self._key, f"page\0{link}\0{reference}".encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(digest[:_SESSION_BYTES]).decode().rstrip("=")

    def new_session(self) -> str:
        """The proof of a session of its own, to stand in a page's address."""
        return self.proof_of(secrets.token_urlsafe(_SESSION_BYTES))

    def proof_of(self, session: str) -> str:
        """What proves that a browser was let into a session."""
        return session_token(self._key.hex(), session)

    def proven(self, proof: str) -> str | None:
        """The session that a proof proves, or None for a forged one."""
        return session_in(self._key.hex(), proof)

    def address(self, session: str) -> Address:
        return Address(channel=self.name, key=session)

    # ---- what one page and one network may do -------------------------------------------------------------

    def wait(self, session: str, remote: str, octets: int) -> float:
        """Seconds until a page, and the network that it was sent from, may send so much; 0.0 when they may now."""
        now = self._clock()
        return self._requests.wait(session, now) or self._octets.wait(network_of(remote), now, octets)

    def wait_to_begin(self, remote: str) -> float:
        """Seconds until the network may begin one more survey of a link that is for many; 0.0 when it may now."""
        return self._surveys.wait(network_of(remote), self._clock())

    def began_nothing(self, remote: str) -> None:
        """What was let begin did not."""
        self._surveys.give_back(network_of(remote))

    # ---- the channel --------------------------------------------------------------------------------------

    async def receive(self, raw: Raw, handle: Handle) -> Reply:
        """Nothing is received here: pages have addresses of their own."""
        del raw, handle
        return Reply(status=404)

    async def send(
        self, message: Outbound, remote: str | None, *, again: bool = False, thread: str | None = None
    ) -> Receipt:
        """Keep a message in the session's log, where the page finds it; an edit keeps the slot of its post."""
        del remote, again, thread
        try:
            content = for_customers(message.content)
            await self._chat.append(self.name, message.to.key, "us", message.slot, content, self._clock())
        except StoreUnavailable as error:
            raise SendFailed(reason="the database did not answer", retryable=True, whole_channel=True) from error
        return Receipt(remote=message.slot)

    async def heard(self, session: str, id: str, text: str, locale: str, at: datetime) -> None:
        """Keep what a customer wrote, where it shows above our answer to it."""
        await self._chat.append(self.name, session, "customer", f"customer/{id}", Text(text=text, locale=locale), at)

    async def fetch(self, reference: str) -> File | None:
        """Nothing: pages take no files."""
        del reference
        return None

    async def run(self, handle: Handle) -> None:
        """Nothing to listen to: browsers call us."""

    async def close(self) -> None:
        """Nothing is held open."""
