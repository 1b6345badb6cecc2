"""Somebody's file, from Slack alone: the bot's token opens it there and is shown nowhere else."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.channels.slack.meanings import name_of
from bot.channels.slack.plain import found, text_at
from bot.channels.slack.sending import code_of, failure
from bot.errors import SendFailed
from bot.ports import File

#: bytes
LARGEST = 20 * 1024 * 1024
_CHUNK = 64 * 1024
_GONE = frozenset({"file_deleted", "file_not_found", "not_visible"})
_ANY_KIND = "application/octet-stream"


async def fetched(client: AsyncWebClient, api_url: str, reference: str) -> File | None:
    """A file by its id; None where it is gone, or lies elsewhere (a linked document). Raises SendFailed.

    What is larger than 20 MB is refused.
    """
    try:
        answer = await client.files_info(file=reference)
        file = found(answer.data, "file")
        url = text_at(file, "url_private_download") or text_at(file, "url_private")
        if not is_of(api_url, url):
            return None
        size = file.get("size")
        if isinstance(size, int) and size > LARGEST:
            raise _too_large()
        body = await _download(client, url)
    except SendFailed:
        raise
    except Exception as error:
        if isinstance(error, SlackApiError) and code_of(error) in _GONE:
            return None
        raise failure(error, to_desk=True) from None
    return None if body is None else File(name=_name(file), kind=text_at(file, "mimetype") or _ANY_KIND, body=body)


async def _download(client: AsyncWebClient, url: str) -> bytes | None:
    session = client.session
    if session is None:
        raise RuntimeError("the channel is not opened")
    headers = {"Authorization": f"Bearer {client.token}"}
    # a redirect might lead the token to somebody else
    async with session.get(URL(url), headers=headers, allow_redirects=False, proxy=client.proxy) as response:
        if response.status in (404, 410):
            return None
        if response.status >= 500 or response.status == 429:
            raise SendFailed(reason=f"Slack did not hand out a file (status {response.status})", retryable=True)
        if response.status != 200:
            # without the scope files:read Slack leads to its sign-in page
            reason = f"Slack did not hand out a file (status {response.status}); does the app have files:read?"
            raise SendFailed(reason=reason, retryable=False)
        return await _body(response)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        parts += chunk
        if len(parts) > LARGEST:
            raise _too_large()
    return bytes(parts)


def _too_large() -> SendFailed:
    return SendFailed(reason=f"the file is larger than {LARGEST // 1024 // 1024} MB", retryable=False)


def _name(file: Mapping[str, Any]) -> str:
    return name_of(file, "name", "title") or "file"


def is_of(api_url: str, other: str) -> bool:
    """Whether an address that a body names is Slack's own (hooks.slack.com, files.slack.com), by the same scheme."""
    try:
        api, url = URL(api_url), URL(other)
    except ValueError:
        return False
    if api.host is None or url.host is None or url.scheme != api.scheme or url.user or url.password:
        return False
    if url.host == api.host:
        return url.port == api.port
    return url.host.endswith(f".{api.host}") and url.port == url.with_port(None).port
