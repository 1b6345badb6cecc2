"""How long the program's sentences may be: what the services that show them take."""

#: Telegram shows no more in a toast.
TOAST = 200
#: Slack takes no longer title or button of a form.
FORM_TITLE = 24
#: Slack's buttons take 75 characters, and a tick needs two.
LABEL = 72
#: Telegram describes a command in 256.
COMMAND = 256
#: the two ends of a scale and the titles of flows
SHORT = 80
#: Slack takes 3,000 characters in a section and Telegram 4,096 in a message; both hold more than one sentence.
TEXT = 1_500

_FORMS = frozenset(
    [f"form.{kind}{part}" for kind in ("reply", "resolve", "snooze") for part in ("", ".submit")] + ["form.cancel"]
)
_LABELS = ("button.", "consent.", "cause.", "reason.", "review.button", "panel.yes", "panel.no", "recovery.yes")
_DESK = ("desk.claim", "desk.re", "desk.snooze", "desk.assign", "desk.dashboard", "desk.ticket", "recovery.no")


def longest(key: str) -> int:
    """The most characters that a sentence may have.

    >>> longest("reply.taken"), longest("reply.welcome"), longest("button.done"), longest("form.cancel")
    (200, 1500, 72, 24)
    """
    if key in _FORMS:
        return FORM_TITLE
    if key.startswith((*_LABELS, *_DESK)):
        return LABEL
    if key.startswith("reply.") and key != "reply.welcome":
        return TOAST
    if key.startswith("command."):
        return COMMAND
    return SHORT if key.startswith("scale.") or key.endswith(".title") else TEXT
