"""Which app in which workspace our token is for, and whether what comes is meant for it.

A request's signature says which app it is for and not which installation: an app may be installed in many workspaces,
and every one of them signs with the same secret.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.channels.slack.plain import found, text_at
from bot.channels.slack.sending import OUR_ACCESS, code_of
from bot.messages import ChannelName

log = logging.getLogger(__name__)

Body = Mapping[str, Any]

#: seconds between attempts to learn it; the last one goes on
WAITS: Final = (1.0, 5.0, 30.0, 300.0)


_UNTOLD = OUR_ACCESS | {"bot_not_found"}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What auth.test and bots.info tell of our token; empty where they do not."""

    #: the workspace, or the organisation where the app is installed in all of it
    home: str
    bot_user: str = ""
    app: str = ""


class Installation:
    """Learns whose our token is, as soon as Slack can be asked."""

    def __init__(self, name: ChannelName, client: Callable[[], AsyncWebClient]) -> None:
        self.known: Known | None = None
        self._name = name
        self._client = client

    async def learn(self) -> None:
        """Ask until it is known."""
        failures = 0
        while self.known is None:
            try:
                self.known = await self._ask()
            except Exception as error:
                wait = WAITS[min(failures, len(WAITS) - 1)]
                failures += 1
                log.warning(
                    "Slack (%s): which workspace the token is for is not known yet, again in %.0f s (%s)",
                    self._name,
                    wait,
                    _what(error),
                )
                await asyncio.sleep(wait)

    async def _ask(self) -> Known:
        client = self._client()
        us = found((await client.auth_test()).data)
        whole = us.get("is_enterprise_install") is True
        home = text_at(us, "enterprise_id" if whole else "team_id")
        return Known(home=home, bot_user=text_at(us, "user_id"), app=await self._app(client, text_at(us, "bot_id")))

    async def _app(self, client: AsyncWebClient, bot: str) -> str:
        if not bot:
            return ""
        try:
            return text_at((await client.bots_info(bot=bot)).data, "bot", "app_id")
        except SlackApiError as error:
            if code_of(error) not in _UNTOLD:
                raise
            # without users:read; the workspace is still checked
            log.info("Slack (%s): which app the token is for is not told (%s)", self._name, _what(error))
            return ""

    def stranger(self, body: Body) -> str:
        """Why a body is not for us; empty if it is, or as long as that cannot be told."""
        known = self.known
        if known is None:
            return ""
        app = text_at(body, "api_app_id")
        if known.app and app and app != known.app:
            return "a body for another app than the token's"
        homes = set(_homes(body)) - {""}
        if known.home and homes and known.home not in homes:
            return "a body for another workspace than the token's"
        return ""


def _homes(body: Body) -> Iterable[str]:
    """The workspaces and organisations whose installation a body may be for.

    In a channel that companies share, whoever does something may belong to another workspace than the installation.
    An event names one of the installations that see it, and where it happened.
    """
    installed = text_at(body, "view", "app_installed_team_id")
    if installed:
        # a form that was opened from another workspace
        return [installed, *_organisations(body)]
    if isinstance(body.get("event"), dict):
        shown = body.get("authorizations")
        seen_by = [found(one) for one in shown] if isinstance(shown, list) else []
        teams = [text_at(body, "team_id"), text_at(body, "context_team_id")]
        return [*teams, *(text_at(one, key) for one in seen_by for key in ("team_id", "enterprise_id"))]
    named = [
        text_at(body, "team", "id"),
        text_at(body, "team_id"),
        # whose bot wrote the message that was pressed
        text_at(body, "message", "team"),
    ]
    teams = named if any(named) else [text_at(body, "user", "team_id"), text_at(body, "view", "team_id")]
    return [*teams, *_organisations(body)]


def _organisations(body: Body) -> Iterable[str]:
    return [text_at(body, "enterprise", "id"), text_at(body, "team", "enterprise_id"), text_at(body, "enterprise_id")]


def _what(error: Exception) -> str:
    return code_of(error) if isinstance(error, SlackApiError) else type(error).__name__
