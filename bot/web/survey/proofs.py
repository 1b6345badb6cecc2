"""Which sessions of a link's pages a browser began: proofs in a cookie, or in the address where there are no cookies.

An address is passed on and sent to others; a cookie is not. So what the address proves counts only for a browser that
keeps no cookies.
"""

import msgspec
from aiohttp import web

from bot.channels.page import PageChannel

_NAME = "afterchat-pages"
#: first in the cookie, so that a browser that keeps cookies is told even before it has proven anything
_KEEPS = "1"
#: No name has this character, nor a proof.
_BETWEEN = "~"
#: sessions of one link; the oldest are forgotten first
_MOST = 40
_LASTS = 180 * 24 * 3600
#: in an address: what made it found no cookies
WITHOUT = ("c", "0")


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """What a request proves: by its cookie, or by its address."""

    #: None: the browser sent no cookie of this link
    kept: tuple[str, ...] | None
    #: of the address; empty where it does not count
    offered: str = ""

    @property
    def all(self) -> tuple[str, ...]:
        if self.kept is None:
            return (self.offered,) if self.offered else ()
        return self.kept

    def of(self, session: str, channel: PageChannel) -> bool:
        """Whether a session is this browser's."""
        return any(channel.proven(each) == session for each in self.all)

    def in_address(self) -> str:
        """The proof of the address, where it counts."""
        return self.offered if self.offered in self.all else ""


def proofs_of(request: web.Request) -> Proofs:
    """What a browser holds.

    Every page sets the cookie, so a form that comes without one comes from a browser that keeps none; of what is only
    shown, the address itself must say that its browser kept none.
    """
    offered = request.query.get("s", "")[:200]
    cookie = request.cookies.get(_NAME)
    if cookie is not None:
        found = cookie[:4096].split(_BETWEEN)[1:]
        return Proofs(kept=tuple(found[-_MOST:]), offered=offered)
    name, value = WITHOUT
    believed = request.method == "POST" or request.query.get(name) == value
    return Proofs(kept=None, offered=offered if believed else "")


def keep(response: web.Response, link: str, proofs: Proofs, proof: str, *, secure: bool) -> None:
    """Give a browser the proof of a session beside those that it has; with none, only learn whether it keeps any."""
    before = proofs.kept or ()
    after = (*(each for each in before if each != proof), *((proof,) if proof else ()))[-_MOST:]
    if proofs.kept is not None and after == before:
        return
    response.set_cookie(
        _NAME,
        _BETWEEN.join((_KEEPS, *after)),
        path=f"/s/{link}",
        max_age=_LASTS,
        httponly=True,
        samesite="Lax",
        secure=secure,
    )
