"""A card as plain text, for whatever cannot show buttons: numbered options, or the ends of a scale."""

from bot.conversations.engine import DONE
from bot.conversations.steering import LANGUAGE
from bot.languages.voice import Voice
from bot.messages import AnyToken, Button, Card, LanguageToken, Text, Token, parse_token

#: how the values of buttons begin that are no values of the question: skip, done, change
_CONTROL = "~"


def as_text(card: Card) -> str:
    """The whole card in words, answerable by typing.

    A rating is answered by its score, so scores are shown (``0 = 👎``); options are counted from 1 (``1. Price``);
    *Skip* is answered by its own word, which is shown where no hint tells it. What says no to the whole survey is told
    in a last line and has no number. An answered card shows its choice and offers nothing.

    >>> as_text(Card(text="Again?", chosen="8"))
    'Again?\\n\\n✓ 8'
    """
    if card.chosen is not None:
        return _paragraphs(card.text, f"✓ {card.chosen}", card.hint)
    valued = _valued(card)
    options = [(value, button) for value, button in valued if not value.startswith(_CONTROL)]
    # numbers typed at a multiple choice are complete in themselves: there is nothing to finish
    controls = [button for value, button in valued if value.startswith(_CONTROL) and value != DONE]
    scores = _scores(options)
    numbered = "\n".join(f"{n}. {_ticked(button)}" for n, (_, button) in enumerate(options, start=1))
    shown = _scale(card, scores) if len(scores) > 1 else _paragraphs(numbered, ends(card))
    words = "\n".join(f"“{button.label}”" for button in controls)
    return _paragraphs(card.text, shown, card.hint or words, _other_languages(card), _declined_by(card))


def _other_languages(card: Card) -> str:
    """What to write to get the question in another language."""
    return (
        Voice(card.locale, card.own).say("hint.language")
        if any(_is_language(button) for button in card.decline)
        else ""
    )


def _is_language(button: Button) -> bool:
    return _value(parse_token(button.token)) == LANGUAGE


def with_links(content: Text) -> str:
    """Words, and below them each link in words.

    >>> from bot.messages import Link
    >>> with_links(Text(text="Thank you!", links=(Link(label="Review", url="https://g.example/r"),)))
    'Thank you!\\n\\nReview: https://g.example/r'
    """
    return _paragraphs(content.text, "\n".join(f"{link.label}: {link.url}" for link in content.links))


def _declined_by(card: Card) -> str:
    """What to write to say no to the survey. To an open text "not now" may be an answer, so it is not taught there."""
    if all(_is_language(button) for button in card.decline):
        return ""
    answers = any(not value.startswith(_CONTROL) for value, _ in _valued(card))
    return Voice(card.locale, card.own).say("hint.decline" if answers else "hint.never")


def ends(card: Card) -> str:
    """What the ends of a scale mean, in one line under the question: ``1 = bad · 5 = good``; empty if unlabelled.

    The numbers are left out where the buttons carry none.
    """
    if not (card.low or card.high):
        return ""
    scores = _scores([(value, button) for value, button in _valued(card) if not value.startswith(_CONTROL)])
    if not scores:
        return " – ".join(label for label in (card.low, card.high) if label)
    first, last = scores[min(scores)].label, scores[max(scores)].label
    pairs = ((first, card.low), (last, card.high))
    return " · ".join(f"{name} = {label}" for name, label in pairs if label)


_Valued = list[tuple[str, Button]]


def _valued(card: Card) -> _Valued:
    tokens = ((parse_token(button.token), button) for row in card.buttons for button in row)
    return [(_value(token), button) for token, button in tokens]


def _value(token: AnyToken | None) -> str:
    match token:
        case Token(value=value):
            return value
        case LanguageToken():
            return _CONTROL  # asked for by its name: a number would answer the question that waits
        case _:
            return ""


def _scores(options: _Valued) -> dict[int, Button]:
    """The buttons by score, where all their values are consecutive scores; empty when they are no rating."""
    if not all(value.isascii() and value.isdigit() for value, _ in options):
        return {}
    by_score = {int(value): button for value, button in options}
    scores = {score: by_score[score] for score in sorted(by_score)}
    consecutive = list(scores) == list(range(min(scores, default=0), max(scores, default=-1) + 1))
    return scores if consecutive and len(scores) == len(options) else {}


def _scale(card: Card, scores: dict[int, Button]) -> str:
    if all(button.label == str(score) for score, button in scores.items()):
        return ends(card) or ("" if card.hint else f"{min(scores)}–{max(scores)}")
    notes = {min(scores): card.low, max(scores): card.high}
    lines = (
        f"{score} = {_ticked(button)}" + (f" ({notes[score]})" if notes.get(score) else "")
        for score, button in scores.items()
    )
    return "\n".join(lines)


def _ticked(button: Button) -> str:
    return f"{button.label} ✓" if button.selected else button.label


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
