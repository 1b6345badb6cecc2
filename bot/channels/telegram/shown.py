"""What a customer shows in place of words (where they are, whom to call, a sticker), as words for agents. Pure."""

from typing import Any

Json = dict[str, Any]

#: characters of any one thing; Telegram's own limits are lower or near it
_LONGEST = 300


def shown(message: Json) -> str:
    """Such content as words, ``"[location 41.9, 12.5]"``; empty where a message holds none."""
    # a venue stands under "location" too
    for kind, told in _TOLD.items():
        content = message.get(kind)
        if isinstance(content, dict) and (words := told(content)):
            return f"[{words}]"
    return ""


def _venue(venue: Json) -> str:
    what = _listed(_text(venue, "title"), _text(venue, "address"), _place(venue.get("location")))
    return f"place: {what}" if what else ""


def _location(location: Json) -> str:
    place = _place(location)
    return f"location {place}" if place else ""


def _contact(contact: Json) -> str:
    name = " ".join(part for part in (_text(contact, "first_name"), _text(contact, "last_name")) if part)
    what = _listed(name, _text(contact, "phone_number"))
    return f"contact: {what}" if what else ""


def _sticker(sticker: Json) -> str:
    return f"sticker {_text(sticker, 'emoji')}".strip()


def _poll(poll: Json) -> str:
    question = _text(poll, "question")
    return f"poll: {question}" if question else "poll"


def _dice(dice: Json) -> str:
    value = dice.get("value")
    number = str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000 else ""
    return " ".join(part for part in ("dice", _text(dice, "emoji"), number) if part)


_TOLD = {
    "venue": _venue,
    "location": _location,
    "contact": _contact,
    "sticker": _sticker,
    "poll": _poll,
    "dice": _dice,
}


def _place(location: object) -> str:
    """Degrees, as a map takes them."""
    fields = location if isinstance(location, dict) else {}
    degrees = [fields.get("latitude"), fields.get("longitude")]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) <= 180 for one in degrees):
        return ""
    return ", ".join(f"{one:.6f}".rstrip("0").rstrip(".") for one in degrees)


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    return value.replace("\0", "").strip()[:_LONGEST] if isinstance(value, str) else ""
