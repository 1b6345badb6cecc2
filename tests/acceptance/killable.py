"""The program as a process that a test may kill: ``python -m tests.acceptance.killable`` with its places as JSON."""

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any, cast

from bot.app import App, run
from tests.acceptance.world import settings_for


async def main(places: dict[str, Any]) -> None:
    telegram = cast("Any", SimpleNamespace(base_url=places["telegram"]))
    slack = cast("Any", SimpleNamespace(base_url=places["slack"]))
    app = await App.open(settings_for(telegram, slack, places["database"], hooks=True, hold=0.2, port=places["port"]))
    await app.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(json.loads(sys.argv[1])))
