"""The Bot API's wire: python-telegram-bot's request class on aiohttp's client.

Its default one is httpx, which costs some twenty times the processor time a message and logs the token.
"""

import os
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import hdrs
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

# The library's own switch for the coming type of RetryAfter.retry_after; without it each 429 makes it warn.
os.environ.setdefault("PTB_TIMEDELTA", "true")

_CONNECT_TIMEOUT: Final = 5.0
#: seconds that a whole file may take
_DOWNLOAD_TIMEOUT: Final = 60.0
#: bytes of a file that are read at once
_PART: Final = 65_536
_HEADERS: Final = {hdrs.CONTENT_TYPE: "application/json"}


class NotSent(Exception):
    """The cause of a NetworkError when no byte of the request left this machine."""


class MaybeSent(Exception):
    """The cause of a NetworkError when the service may have carried the request out, although no answer came."""


class TooLarge(Exception):
    """A file is larger than whoever asked for it takes."""


class Request(BaseRequest):
    """Posts JSON over one session, made when it is first needed.

    Network errors become NetworkError or TimedOut with a ``__cause__`` of NotSent or MaybeSent. The library's own
    errors are not kept as causes: their texts hold the URL, and with it the token.
    """

    __slots__ = ("_default_timeout", "_read_timeout", "_session", "_urls")

    def __init__(self, *, timeout: float) -> None:
        self._read_timeout = timeout
        self._default_timeout = _timeout(timeout)
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}

    @property
    def read_timeout(self) -> float | None:
        """Seconds that one exchange may take, connecting included."""
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the session; a second call changes nothing."""
        self._open()

    async def shutdown(self) -> None:
        """Close the session; the next request opens another one."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # how many run at once is decided by who sends, not here
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={hdrs.USER_AGENT: self.USER_AGENT},
                timeout=self._default_timeout,
            )
        return self._session

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """One exchange: (status, body). Of the timeouts only ``read_timeout`` is used."""
        timeout = self._default_timeout if read_timeout is self.DEFAULT_NONE else _timeout(read_timeout)
        try:
            async with self._open().request(
                method,
                self._url(url),
                data=_body(request_data),
                headers=_HEADERS,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                return _checked(response.status, await response.read())
        except aiohttp.ConnectionTimeoutError:
            raise TimedOut("no connection in time") from NotSent()
        except aiohttp.ClientConnectorError as error:
            raise NetworkError(f"no connection ({type(error).__name__})") from NotSent()
        except TimeoutError:
            raise TimedOut("no answer in time") from MaybeSent()
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"connection lost ({type(error).__name__})") from MaybeSent()

    async def download(self, url: str, *, largest: int) -> tuple[int, str, bytes]:
        """A file: (status, media type, body of at most ``largest`` bytes).

        Raises TooLarge, and NetworkError or TimedOut as any request; no error names the URL, which holds the token.
        """
        try:
            timeout = _timeout(_DOWNLOAD_TIMEOUT)
            async with self._open().get(URL(url), timeout=timeout, allow_redirects=False) as response:
                if (response.content_length or 0) > largest:
                    raise TooLarge
                body = bytearray()
                async for part in response.content.iter_chunked(_PART):
                    body += part
                    if len(body) > largest:
                        raise TooLarge
                return response.status, response.content_type, bytes(body)
        except TimeoutError:
            raise TimedOut("no answer in time") from NotSent()
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"connection lost ({type(error).__name__})") from NotSent()

    def _url(self, url: str) -> URL:
        # there are few methods, and parsing an address is a good part of what a request costs
        known = self._urls.get(url)
        if known is None:
            known = self._urls[url] = URL(url)
        return known

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer as an object; unlike the library's own reading it logs nothing."""
        try:
            answer = orjson.loads(payload)
        except orjson.JSONDecodeError:
            raise TelegramError("the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise TelegramError("the answer is no JSON object")
        if not isinstance(answer.get("parameters"), dict):
            answer.pop("parameters", None)
        return answer


def _timeout(seconds: float | None) -> aiohttp.ClientTimeout:
    # connecting has a limit of its own, well before the whole: only then is it certain that nothing was sent
    connect = _CONNECT_TIMEOUT if seconds is None else min(_CONNECT_TIMEOUT, seconds / 2)
    return aiohttp.ClientTimeout(total=seconds, connect=connect)


def _body(request_data: RequestData | None) -> bytes | None:
    if request_data is None:
        return None
    if request_data.contains_files:
        raise TelegramError("files are not uploaded here")
    return orjson.dumps(request_data.parameters)


def _checked(status: int, payload: bytes) -> tuple[int, bytes]:
    # the library takes a "result" for granted in a 2xx answer
    if 200 <= status < 300 and b'"result"' not in payload:
        raise NetworkError("the answer holds no result") from MaybeSent()
    return status, payload
