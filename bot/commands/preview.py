"""``afterchat preview``: a page on this computer with every message of the flows, as each channel draws it."""

import argparse
import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bot.advice import consider
from bot.commands.places import add_config, config_path
from bot.config import Settings
from bot.config.reading import read
from bot.config.sources import gather
from bot.demo import LOOPBACK, with_placeholders
from bot.errors import AfterchatError, ConfigError
from bot.web.preview import Files, add_preview_alone
from bot.web.serving import listen, port_of

_THIS_COMPUTER = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Join the command to the parser."""
    preview = commands.add_parser("preview", help="show every message of the flows in a browser, as each channel does")
    add_config(preview)
    preview.add_argument("--port", type=int, default=0, help="port of the page (default: a free one)")
    preview.set_defaults(run=_preview)


async def _preview(options: argparse.Namespace) -> int:
    path = config_path(options)
    try:
        runner = await listen(preview_of(path), LOOPBACK, options.port)
    except OSError as error:
        raise AfterchatError(f"port {options.port} of {LOOPBACK} is taken: choose another with --port") from error
    try:
        print(f"The flows of {path}, as customers see them:  http://{LOOPBACK}:{port_of(runner)}/preview")
        print("Reload the page after a change. Ctrl-C ends it.", flush=True)
        await _told_to_stop()
    finally:
        await runner.cleanup()
    return 0


def preview_of(path: Path) -> web.Application:
    """The page of a file, which is read at each look."""
    found = _File(path)
    app = web.Application(middlewares=[_for_this_computer])
    add_preview_alone(app, found.read)
    return app


class _File:
    """What a file says now, and what it said when it could be used last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._good: Settings | None = None

    async def read(self) -> Files:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Files:
        try:
            return self._taken()
        except ConfigError as error:
            return Files(name=self._path.name, settings=self._good, errors=(str(error),))

    def _taken(self) -> Files:
        reading = read(gather(self._path), with_placeholders(self._path, os.environ), consider)
        if not reading.errors:
            self._good = reading.settings
        return Files(
            name=self._path.name,
            settings=self._good,
            errors=tuple(map(str, reading.errors)),
            warnings=tuple(map(str, reading.warnings)),
        )


@web.middleware
async def _for_this_computer(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse what was sent to another name: a site's own may be made to lead here, so that its page reads this one."""
    if not _THIS_COMPUTER.fullmatch(request.host):
        return web.Response(status=403, text="The preview answers on 127.0.0.1 only.")
    return await handler(request)


async def _told_to_stop() -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
