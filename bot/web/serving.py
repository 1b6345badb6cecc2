"""Listening: the one place that says how long connections may idle, and that no access log is written."""

from aiohttp import web

#: Seconds that a connection may stand without a complete request head: an idle one, or a slow sender's.
IDLE = 60.0
#: Seconds that the rest of a refused body is still taken in, so that its sender gets to read the refusal.
LINGER = 1.0
#: Seconds that requests under way get to finish when the server stops.
SHUTDOWN = 10.0


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving; port 0 takes a free one (``port_of``). ``cleanup()`` of the result stops gracefully."""
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=IDLE, lingering_time=LINGER, shutdown_timeout=SHUTDOWN
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
