"""Pages as HTML: the templates, the words in the agents' language, times in their zone, and what browsers may do."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

from aiohttp import web

from bot.config import FollowUpSettings, Settings
from bot.config.state import BrokenNow
from bot.followup.clocks import Team
from bot.languages.formats import moment
from bot.languages.tags import direction
from bot.languages.voice import Voice
from bot.web.html import POLICY, give_asset, tag_of, templates_of

_TYPES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_PACKAGE = __package__ or "bot.web.dashboard"
_PAGES = templates_of(_PACKAGE)


class Words:
    """The sentences of a page in one language: ``t("desk.claim")``, and ``t.page("back")`` for ``page.back``."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    @property
    def locale(self) -> str:
        return self.voice.locale

    @property
    def dir(self) -> Literal["ltr", "rtl"]:
        return direction(self.voice.locale)

    def __call__(self, key: str, **variables: object) -> str:
        return self.voice.say(key, **variables)

    def page(self, key: str, **variables: object) -> str:
        return self.voice.say(f"page.{key}", **variables)


def words_for(settings: Settings) -> Words:
    """The agents' language, as their alerts have it."""
    return Words(settings.agents_voice())


def draw(template: str, words: Words, values: Mapping[str, object], *, status: int = 200) -> web.Response:
    """A page that no cache keeps."""
    text = _PAGES.get_template(template).render(t=words, **values)
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update({"Cache-Control": "no-store", "Content-Security-Policy": POLICY})
    return response


def message(
    words: Words, what: str, *, status: int, kept: str = "", link: tuple[str, str] | None = None
) -> web.Response:
    """A page that says one thing (the sentences ``page.<what>`` and ``page.<what>_text``), and shows what was typed and
    not taken. ``link`` is where to go on, and what that is called.
    """
    address, label = link or ("/cases", words.page("back"))
    values = {
        "title": words.page(what),
        "text": words.page(f"{what}_text"),
        "kept": kept,
        "link": address,
        "link_text": label,
    }
    return draw("message.html", words, values, status=status)


def trouble_now(broken: BrokenNow, settings: Settings, words: Words) -> Mapping[str, object] | None:
    """What is wrong with the files of the settings, for whoever runs the program."""
    found = broken()
    if found is None:
        return None
    zone = settings.asking.time_zone
    return {
        "what": words("ops.broken", file=found.file, at=moment(found.in_force_since, zone, words.locale)),
        "count": words("ops.problems", n=len(found.problems)),
        "since": moment(found.since, zone, words.locale),
        "iso": found.since.isoformat(),
        "problems": [str(problem) for problem in found.problems],
    }


def asset(request: web.Request, name: str) -> web.Response:
    """A script, style or picture of the pages, or 304 for a browser that has it."""
    if name not in _TYPES:
        raise web.HTTPNotFound
    body = files(_PACKAGE).joinpath("static", name).read_bytes()
    tag = tag_of(body)
    return give_asset(request, body, tag, _TYPES[name])


def team_of(followup: FollowUpSettings, name: str) -> Team:
    """A team of the settings; that of the rest for a case whose team is no longer there."""
    found = {team.name: team for team in followup.teams}
    return found.get(name) or found.get(followup.team) or Team(name=followup.team)
