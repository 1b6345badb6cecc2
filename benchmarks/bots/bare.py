"""The least that could do the work: an aiohttp handler, one sqlite3 connection, a commit for each update.

What it goes without: other questions and flows, corrections, typed scores, stale buttons, retries, rate limits,
languages, reports, whatever arrives while a service or the process is down.
"""

import hmac
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from yarl import URL

from benchmarks.bots.child import Job, main
from benchmarks.survey import FLOW, QUESTION, ROOM, SCORES, SECRET, SLACK_TOKEN, THANKS, TOKEN, UNHAPPY, WEBHOOK, WHY

_TABLES = """
CREATE TABLE seen (update_id INTEGER PRIMARY KEY);
CREATE TABLE conversation (chat INTEGER PRIMARY KEY, step TEXT NOT NULL, score INTEGER, comment TEXT);
CREATE TABLE answer (chat INTEGER NOT NULL, question TEXT NOT NULL, score INTEGER, comment TEXT,
    PRIMARY KEY (chat, question)) WITHOUT ROWID;
CREATE TABLE followup_case (chat INTEGER PRIMARY KEY, score INTEGER NOT NULL);
"""
_KEYBOARD = {"inline_keyboard": [[{"text": str(n), "callback_data": f"nps:{n}"} for n in SCORES]]}
_JSON = {"Content-Type": "application/json"}
_SLACK_HEADERS = {**_JSON, "Authorization": f"Bearer {SLACK_TOKEN}"}

#: a method's name and its fields
Call = tuple[str, dict[str, Any]]


class Bare:
    """One bot with one survey."""

    def __init__(self, job: Job, client: aiohttp.ClientSession) -> None:
        self._client = client
        methods = ("sendMessage", "answerCallbackQuery")
        self._urls = {name: URL(f"{job.services}/bot{TOKEN}/{name}") for name in methods}
        self._urls["chat.postMessage"] = URL(f"{job.services}/api/chat.postMessage")
        self.db = sqlite3.connect(job.database, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(f"PRAGMA synchronous = {job.synchronous}")
        self.db.executescript(_TABLES)

    async def hook(self, request: web.Request) -> web.Response:
        """Take one update: commit, then send, then answer."""
        if not hmac.compare_digest(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""), SECRET):
            return web.Response(status=403)
        update = orjson.loads(await request.read())
        for call in self._decided(update):
            await self._send(*call)
        return web.Response()

    def _decided(self, update: dict[str, Any]) -> list[Call]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            calls = self._decide(update)
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
        return calls

    def _decide(self, update: dict[str, Any]) -> list[Call]:
        execute = self.db.execute
        if not execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (update["update_id"],)).rowcount:
            return []
        if "callback_query" in update:
            return self._tapped(update["callback_query"])
        chat, text = update["message"]["chat"]["id"], update["message"]["text"]
        if text == f"/start {FLOW}":
            execute("INSERT OR REPLACE INTO conversation (chat, step) VALUES (?, 'score')", (chat,))
            return [("sendMessage", {"chat_id": chat, "text": QUESTION, "reply_markup": _KEYBOARD})]
        return self._commented(chat, text)

    def _tapped(self, query: dict[str, Any]) -> list[Call]:
        chat, score = query["message"]["chat"]["id"], int(query["data"].removeprefix("nps:"))
        calls: list[Call] = [("answerCallbackQuery", {"callback_query_id": query["id"]})]
        moved = self.db.execute(
            "UPDATE conversation SET step = 'why', score = ? WHERE chat = ? AND step = 'score'", (score, chat)
        )
        if moved.rowcount:
            self.db.execute("INSERT INTO answer (chat, question, score) VALUES (?, 'score', ?)", (chat, score))
            calls.append(("sendMessage", {"chat_id": chat, "text": WHY}))
        return calls

    def _commented(self, chat: int, text: str) -> list[Call]:
        moved = self.db.execute(
            "UPDATE conversation SET step = 'done' WHERE chat = ? AND step = 'why' RETURNING score", (chat,)
        ).fetchone()
        if moved is None:
            return []
        self.db.execute("INSERT INTO answer (chat, question, comment) VALUES (?, 'why', ?)", (chat, text))
        calls: list[Call] = [("sendMessage", {"chat_id": chat, "text": THANKS})]
        if moved[0] <= UNHAPPY:
            self.db.execute("INSERT INTO followup_case VALUES (?, ?)", (chat, moved[0]))
            calls.append(("chat.postMessage", {"channel": ROOM, "text": f"{moved[0]}/10 from {chat}: {text}"}))
        return calls

    async def _send(self, method: str, fields: dict[str, Any]) -> None:
        headers = _SLACK_HEADERS if method == "chat.postMessage" else _JSON
        async with self._client.post(self._urls[method], data=orjson.dumps(fields), headers=headers) as response:
            response.raise_for_status()
            await response.read()


@asynccontextmanager
async def opened(job: Job) -> AsyncIterator[int]:
    """Serve until the end; yields the port."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        bot = Bare(job, client)
        app = web.Application()
        app.router.add_post(WEBHOOK, bot.hook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
            bot.db.close()


if __name__ == "__main__":
    main(opened)
