"""Signing in with an API key and a name, and out again."""

import math
import secrets
from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import web

from bot.channels.limits import Buckets, Rate, network_of
from bot.config import CurrentSettings
from bot.ports import Clock
from bot.web.dashboard.drawing import Words, draw, words_for
from bot.web.dashboard.forms import page_of_ours, read_form, same
from bot.web.dashboard.sessions import LASTS, LONGEST_NAME, Session, clean_name, matching_key, new_cookie, read_cookie
from bot.web.requests import Senders

#: attempts of one network address that failed
ATTEMPTS = Rate(burst=5, per_second=1 / 60)
#: seconds for which the form of a sign-in page is good
_FORM_LASTS = 3600


class Door:
    """Lets agents in: reads and writes the session's cookie."""

    def __init__(self, settings: CurrentSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._senders = Senders(settings)
        self._attempts = Buckets(ATTEMPTS)

    def session(self, request: web.Request) -> Session | None:
        """Who sends a request, if they are signed in."""
        cookie = request.cookies.get(self._name("afterchat"), "")
        return read_cookie(cookie, self._settings().server.api_keys, self._clock())

    def to_sign_in(self, request: web.Request) -> web.Response:
        """Where to send somebody who is not signed in; they come back to the page that they asked for."""
        wanted = page_of_ours(request.path_qs)
        return see_other("/sign-in" if wanted == "/cases" else f"/sign-in?next={quote(wanted, safe='')}")

    async def show(self, request: web.Request) -> web.Response:
        """GET /sign-in."""
        wanted = page_of_ours(request.query.get("next", ""))
        if self.session(request) is not None:
            return see_other(wanted)
        return self._form(request, {"next": wanted})

    async def sign_in(self, request: web.Request) -> web.Response:
        """POST /sign-in: a key and a name for a session."""
        form = await read_form(request, self._settings().server)
        words = words_for(self._settings())
        name = clean_name(form.get("name", ""))
        typed = {"name": name, "next": page_of_ours(form.get("next", ""))}
        if not same(request.cookies.get(self._name("afterchat-form"), ""), form.get("form", "")):
            return self._form(request, typed, words.page("sign_in.expired"), status=403)
        if not name:
            return self._form(request, typed, words.page("sign_in.no_name"), status=422)
        return self._with_key(request, form.get("key", "").strip(), name, typed, words)

    def _with_key(
        self, request: web.Request, offered: str, name: str, typed: Mapping[str, str], words: Words
    ) -> web.Response:
        now, network = self._clock(), network_of(self._senders.address(request))
        wait = self._attempts.wait(network, now)
        if wait > 0:
            seconds = math.ceil(wait)
            refused = self._form(request, typed, words.page("sign_in.too_often", n=seconds), status=429)
            refused.headers["Retry-After"] = str(seconds)
            return refused
        key = matching_key(offered, self._settings().server.api_keys)
        if key is None:
            return self._form(request, typed, words.page("sign_in.wrong"), status=403)
        self._attempts.give_back(network)
        response = see_other(typed["next"])
        self._set(response, "afterchat", new_cookie(key, name, now), int(LASTS.total_seconds()))
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """POST /sign-out."""
        form = await read_form(request, self._settings().server)
        session = self.session(request)
        response = see_other("/sign-in")
        if session is not None and same(session.form_token, form.get("form", "")):
            response.del_cookie(self._name("afterchat"), path="/", secure=self._secure, httponly=True, samesite="Lax")
        return response

    def _form(
        self, request: web.Request, typed: Mapping[str, str], error: str = "", *, status: int = 200
    ) -> web.Response:
        token = request.cookies.get(self._name("afterchat-form"), "") or secrets.token_urlsafe(24)
        values = {
            "error": error,
            "form": token,
            "next": typed["next"],
            "name": typed.get("name", ""),
            "longest": LONGEST_NAME,
            "keys": any(self._settings().server.api_keys),
            "company": self._settings().company,
        }
        response = draw("sign_in.html", words_for(self._settings()), values, status=status)
        self._set(response, "afterchat-form", token, _FORM_LASTS)
        return response

    @property
    def _secure(self) -> bool:
        return self._settings().server.public_url.startswith("https:")

    def _name(self, cookie: str) -> str:
        # a browser takes this prefix only over https, for the whole host and no other
        return f"__Host-{cookie}" if self._secure else cookie

    def _set(self, response: web.Response, cookie: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(cookie), value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="Lax"
        )


def see_other(path: str) -> web.Response:
    """Go on with another page, by GET."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
