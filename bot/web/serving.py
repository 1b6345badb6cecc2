"""Listening: how long connections may idle, what is said to and of those who speak no HTTP, and no access log."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Any

from aiohttp import web

from bot.web.api import problem

log = logging.getLogger(__name__)

#: Seconds that a connection may stand without a complete request head: an idle one, or a slow sender's.
IDLE = 60.0
#: Seconds that the rest of a refused body is still taken in, so that its sender gets to read the refusal.
LINGER = 1.0
#: Seconds that requests under way get to finish when the server stops.
SHUTDOWN = 10.0
#: Seconds between two lines of the log about what is no HTTP.
QUIET = 60.0


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving; port 0 takes a free one (``port_of``). ``cleanup()`` of the result stops gracefully."""
    runner = _Runner(
        app,
        access_log=None,
        keepalive_timeout=IDLE,
        lingering_time=LINGER,
        shutdown_timeout=SHUTDOWN,
        # Nobody whom we serve compresses; a small body that inflates to a huge one costs nothing then.
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


def port_of(runner: web.AppRunner) -> int:
    """The port that a runner listens on."""
    return int(runner.addresses[0][1])


class Noise:
    """Says of what is no HTTP in one short line that it came, and how often since the line before.

    Anyone can send it without end, so it fills no log; the bytes are a stranger's, so none of them is shown.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._said_at = float("-inf")
        self._unsaid = 0

    def heard(self, peer: str | None, error: BaseException | None) -> None:
        """Take note of one such request."""
        now = self._clock()
        if now - self._said_at < QUIET:
            self._unsaid += 1
            return
        more = f" ({self._unsaid:,} more since the last such line)" if self._unsaid else ""
        log.info("what %s sent is no HTTP: %s%s", peer, type(error).__name__, more)
        self._said_at, self._unsaid = now, 0


class _Protocol(web.RequestHandler):
    """One connection, which answers to broken HTTP in the one shape of errors."""

    __slots__ = ("noise",)

    noise: Noise

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """As the library does, but for what the sender did wrong: its text would quote them and name our parts."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        self.noise.heard(request.remote, exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        response = problem(status, "http", "This is no HTTP request that the server understands.")
        response.force_close()
        return response


class _Server(web.Server):
    """Makes a protocol of ours for each connection."""

    def __init__(self, made: web.Server, options: dict[str, Any]) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory)
        self._options = options
        self._noise = Noise()

    def __call__(self) -> web.RequestHandler:
        protocol = _Protocol(self, loop=asyncio.get_running_loop(), **self._options)
        protocol.noise = self._noise
        return protocol


class _Runner(web.AppRunner):
    def __init__(self, app: web.Application, *, shutdown_timeout: float, **options: Any) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout, **options)
        self._options = options

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._options)
