"""A card as plain text, for whatever cannot show buttons: numbered options, or the ends of a scale."""

from bot.messages import Button, Card, Token, parse_token


def as_text(card: Card) -> str:
    """The whole card in words, answerable by typing.

    A rating is answered by its score, so scores are shown (``0 = 👎``); options are counted from 1 (``1. Price``);
    a button that names no value of the question, such as *Skip*, is answered by its own word.
    An answered card shows its choice and offers nothing.

    >>> as_text(Card(text="Again?", chosen="8"))
    'Again?\\n\\n✓ 8'
    """
    if card.chosen is not None:
        return _paragraphs(card.text, f"✓ {card.chosen}", card.hint)
    buttons = tuple(button for row in card.buttons for button in row)
    scores = _scores(buttons)
    if len(scores) > 1:
        rest = tuple(button for button in buttons if button not in scores.values())
        return _paragraphs(card.text, _scale(card, scores), _words(rest), card.hint)
    options = "\n".join(f"{n}. {_ticked(button)}" for n, button in enumerate(buttons, start=1))
    return _paragraphs(card.text, options, ends(card), card.hint)


def ends(card: Card) -> str:
    """What the ends of a scale mean, in one line under the question: ``1 = bad · 5 = good``; empty if unlabelled.

    The numbers are left out where the buttons carry none.
    """
    buttons = tuple(button for row in card.buttons for button in row)
    scores = _scores(buttons)
    if not scores:
        return " – ".join(label for label in (card.low, card.high) if label)
    first, last = scores[min(scores)].label, scores[max(scores)].label
    pairs = ((first, card.low), (last, card.high))
    return " · ".join(f"{name} = {label}" for name, label in pairs if label)


def _scores(buttons: tuple[Button, ...]) -> dict[int, Button]:
    """The buttons whose values are consecutive scores, by score; empty when the card asks for no rating."""
    valued = ((parse_token(button.token), button) for button in buttons)
    scores = {
        int(token.value): button
        for token, button in valued
        if isinstance(token, Token) and token.value.isascii() and token.value.isdigit()
    }
    consecutive = bool(scores) and sorted(scores) == list(range(min(scores), min(scores) + len(scores)))
    return dict(sorted(scores.items())) if consecutive else {}


def _scale(card: Card, scores: dict[int, Button]) -> str:
    if all(button.label == str(score) for score, button in scores.items()):
        return ends(card) or ("" if card.hint else f"{min(scores)}–{max(scores)}")
    notes = {min(scores): card.low, max(scores): card.high}
    lines = (
        f"{score} = {_ticked(button)}" + (f" ({notes[score]})" if notes.get(score) else "")
        for score, button in scores.items()
    )
    return "\n".join(lines)


def _words(buttons: tuple[Button, ...]) -> str:
    return "\n".join(f"“{button.label}”" for button in buttons)


def _ticked(button: Button) -> str:
    return f"{button.label} ✓" if button.selected else button.label


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
