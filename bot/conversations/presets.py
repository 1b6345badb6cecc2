"""What comes with Afterchat: whole flows by one name, the standard questions, and the chips that give a reason.

A preset is a flow as an admin would write it, in the languages of the flow; its sentences are those of the packs.
"""

from collections.abc import Mapping
from typing import Any

from bot.conversations.questions import InBand, Option, Rating, ScaleName
from bot.conversations.text_toml import Speech, from_packs
from bot.languages import FALLBACK, locales

#: preset -> its scale, and how that is drawn
PRESETS: Mapping[str, tuple[ScaleName, str | None]] = {
    "csat": ("csat5", "emoji"),
    "csat10": ("csat10", "numbers"),
    "nps": ("nps", "numbers"),
    "ces": ("ces7", "numbers"),
    "thumbs": ("thumbs", None),
}
#: The standard chips, in their order; the last stays last.
REASONS = ("product", "speed", "price", "problem", "courtesy", "trust", "other_offer", "else")
LAST_REASON = "else"
#: Nobody who was delighted is asked whether they met a problem.
_OF_THE_UNHAPPY = "problem"
_STANDARD: Mapping[ScaleName, str] = {
    "csat5": "csat",
    "csat10": "csat",
    "nps": "nps",
    "ces7": "ces",
    "thumbs": "thumbs",
}
_BANDS = {"good": "liked", "middling": "missed", "poor": "wrong"}


def every_language() -> list[str]:
    """The languages of all packs; the one to fall back to stands first."""
    return sorted(locales(), key=lambda tag: (tag != FALLBACK, tag))


def preset(name: str, speech: Speech) -> dict[str, Any]:
    """A flow as it would be parsed from a file. Its questions are score, reasons and comment."""
    scale, look = PRESETS[name]
    score = {"id": "score", "type": scale} | ({"look": look} if look else {})
    comment = {f"text_{band}": from_packs(f"preset.comment.{band}", speech) for band in _BANDS}
    return {
        "languages": list(speech.locales),
        "title": from_packs(f"preset.{_STANDARD[scale]}.title", speech),
        "question": [score, {"id": "reasons", "type": "reasons"}, {"id": "comment", "type": "text", **comment}],
    }


def standard_question(scale: ScaleName) -> str:
    """The key of the packs' sentence that asks for a score on a scale."""
    return f"preset.{_STANDARD[scale]}.question"


def standard_reasons(band: str) -> str:
    """The key of the sentence that asks for reasons: of the good, the middling or the poor band."""
    return f"preset.{_BANDS[band]}"


def reason(id: str, speech: Speech, rating: Rating | None) -> Option:
    """A standard chip; ``rating`` is what it gives the reason for."""
    unhappy = id == _OF_THE_UNHAPPY and rating is not None
    when = InBand(question=rating.id, bands=_unhappy_bands(rating)) if unhappy and rating is not None else None
    return Option(id=id, text=from_packs(f"reason.{id}", speech), when=when, last=id == LAST_REASON)


def _unhappy_bands(rating: Rating) -> Any:
    return ("passive", "detractor") if rating.scale == "nps" else ("neutral", "dissatisfied")
