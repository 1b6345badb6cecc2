"""The agents' forms as Slack's modals: what they look like, and what comes back filled in. Pure.

The callback id names the kind, ``private_metadata`` the case. Fields are known by their action ids; block ids tell
Slack where a complaint belongs, and a new one lets it show new words in a field.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_never, get_args

import msgspec

from bot.channels.slack.emoji_names import named
from bot.channels.slack.parts import FIELD, OPTION_VALUE, OPTIONS, Block, option, plain, quotation, section
from bot.channels.slack.plain import cut, found, text_at
from bot.followup.templates import TemplateKind
from bot.ids import CaseId
from bot.languages.voice import Voice
from bot.messages import CaseToken, Deed, Relay, Resolve, Snooze, format_token
from bot.ports import Form, FormKind, FormOption

TITLE = 24
ABOUT = 1_500
#: characters that Slack lets somebody type into a field; what may be longer is intake's to say
LONGEST_REPLY = 3_000
LONGEST_ACTION = 500

#: how the value of a template begins; with the form's case it is the token that intake is told
_USE = "use:"
_CALLBACK = "case."
_CASE = re.compile(r"[0-9a-z]{1,32}", re.ASCII)
#: the last second of the year 9999
_END_OF_TIME = 253_402_300_799


class OpenForm(msgspec.Struct, frozen=True, kw_only=True):
    """A form in front of somebody, as an interaction tells of it; ``fields`` are block ids by action id."""

    id: str
    hash: str
    kind: FormKind
    case: CaseId
    fields: Mapping[str, str] = {}
    #: what is in the text field, and what we had put there
    typed: str = ""
    began: str = ""


# ---- what it looks like ------------------------------------------------------------------------------------------


def draw_form(form: Form, voice: Voice, before: OpenForm | None = None) -> Block:
    """A form as views.open and views.update take it; ``before`` is how it stood when somebody chose a template."""
    return {
        "type": "modal",
        "callback_id": f"{_CALLBACK}{form.kind}",
        "private_metadata": form.case,
        "title": plain(voice.say(f"form.{form.kind}"), TITLE),
        "submit": plain(voice.say(f"form.{form.kind}.submit"), TITLE),
        "close": plain(voice.say("form.cancel"), TITLE),
        "blocks": [*_about(form), *_warning(form, voice), *_fields(form, voice, before)],
    }


def _about(form: Form) -> Iterable[Block]:
    if form.title.strip():
        yield section(form.title)
    if form.about.strip():
        yield quotation(form.about, ABOUT)


def _warning(form: Form, voice: Voice) -> Iterable[Block]:
    if form.group and form.kind == "reply":
        yield section(f"⚠️ {voice.say('form.group')}")


def _fields(form: Form, voice: Voice, before: OpenForm | None) -> Iterable[Block]:
    match form.kind:
        case "reply":
            if form.options:
                yield _template(form, voice)
            yield _text(form, voice, before)
        case "resolve":
            if form.options:
                yield _cause(form, voice)
            element = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST_ACTION}
            yield _input("action", voice.say("form.action"), {**element, **_initially(form.text, LONGEST_ACTION)})
        case "snooze":
            element = {"type": "datetimepicker"}
            if form.until is not None:
                element |= {"initial_date_time": int(form.until.timestamp())}
            hint = voice.say("form.until.hint")
            yield _input("until", voice.say("form.until"), element, hint=hint)
        case _:
            assert_never(form.kind)


def _template(form: Form, voice: Voice) -> Block:
    element = {
        "type": "static_select",
        "placeholder": plain(voice.say("form.template.choose"), TITLE * 4),
        **_grouped(form, voice),
    }
    drawn = _input("template", voice.say("form.template"), element)
    # whoever chooses one sees its words in the field at once
    return {**drawn, "optional": True, "dispatch_action": True}


def _grouped(form: Form, voice: Voice) -> Block:
    chosen = form.options[:OPTIONS]
    kinds = [kind for kind in get_args(TemplateKind) if any(each.kind == kind for each in chosen)]
    if not kinds or any(each.kind is None for each in chosen):
        return {"options": [_ready(each) for each in chosen]}
    groups = [
        {
            "label": plain(voice.say(f"form.{kind}"), TITLE * 3),
            "options": [_ready(each) for each in chosen if each.kind == kind],
        }
        for kind in kinds
    ]
    return {"option_groups": groups}


def _ready(template: FormOption) -> Block:
    return option(template.label, f"{_USE}{template.id}")


def _text(form: Form, voice: Voice, before: OpenForm | None) -> Block:
    words = form.text
    if before is not None and before.typed.strip() and before.typed != before.began:
        # a template is put under what was written already
        words = f"{before.typed.rstrip()}\n\n{form.text}"
    element = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST_REPLY}
    drawn = _input(
        "text",
        voice.say("form.text"),
        {**element, **_initially(words, LONGEST_REPLY)},
        hint=voice.say("form.text.hint"),
    )
    # Slack keeps what a field holds for as long as its block has the same name
    return {**drawn, "block_id": f"text.{before.hash}"} if before else drawn


def _initially(words: str, length: int) -> Block:
    return {"initial_value": cut(words, length)} if words.strip() else {}


def _cause(form: Form, voice: Voice) -> Block:
    causes = [option(each.label, each.id) for each in form.options if len(each.id) <= OPTION_VALUE]
    element = {
        "type": "static_select",
        "placeholder": plain(voice.say("form.cause.choose"), TITLE * 4),
        "options": causes[:OPTIONS],
    }
    return _input("cause", voice.say("form.cause"), element)


def _input(name: str, label: str, element: Block, hint: str = "") -> Block:
    drawn: Block = {
        "type": "input",
        "block_id": name,
        "label": plain(label, FIELD),
        "element": {**element, "action_id": name},
    }
    return {**drawn, "hint": plain(hint, FIELD)} if hint else drawn


# ---- what comes back ---------------------------------------------------------------------------------------------


def read_form(view: Mapping[str, Any]) -> OpenForm | None:
    """Which of our forms a view is, and what its text field holds; None for anybody else's."""
    kind = text_at(view, "callback_id").removeprefix(_CALLBACK)
    case, id = text_at(view, "private_metadata"), text_at(view, "id")
    if not text_at(view, "callback_id").startswith(_CALLBACK) or not _CASE.fullmatch(case) or not id:
        return None
    if kind not in ("reply", "snooze", "resolve"):
        return None
    held = {action: block for block, action, _ in _entries(view)}
    return OpenForm(
        id=id,
        hash=text_at(view, "hash"),
        kind=kind,  # type: ignore[arg-type]
        case=CaseId(case),
        fields=held,
        typed=text_at(_field(view, "text"), "value"),
        began=_began(view),
    )


def choice_of(form: OpenForm, action: Mapping[str, Any]) -> str:
    """The token of a template that somebody chose in a form; empty for any other choice."""
    value = text_at(action, "selected_option", "value")
    if text_at(action, "action_id") != "template" or not value.startswith(_USE):
        return ""
    return format_token(CaseToken(case=form.case, action=value))


def deed_of(view: Mapping[str, Any], kind: FormKind) -> Deed | None:
    """What somebody asks for who submits a form; None where Slack let a required field be empty."""
    match kind:
        case "reply":
            used = text_at(_field(view, "template"), "selected_option", "value")
            return Relay(text=_words(view, "text"), template=used.removeprefix(_USE))
        case "resolve":
            return Resolve(
                cause=text_at(_field(view, "cause"), "selected_option", "value"), action=_words(view, "action")
            )
        case "snooze":
            until = _time(_field(view, "until").get("selected_date_time"))
            return None if until is None else Snooze(until=until)
        case _:
            assert_never(kind)


def _entries(view: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """Block id, action id and value of each field."""
    for block, fields in found(view, "state", "values").items():
        for action, value in found(fields).items():
            yield str(block), str(action), found(value)


def _field(view: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next((value for _, action, value in _entries(view) if action == name), {})


def _words(view: Mapping[str, Any], name: str) -> str:
    return named(text_at(_field(view, name), "value")).replace("\0", "")


def _began(view: Mapping[str, Any]) -> str:
    blocks = view.get("blocks")
    inputs = (found(block, "element") for block in (blocks if isinstance(blocks, list) else ()))
    return next((text_at(each, "initial_value") for each in inputs if text_at(each, "action_id") == "text"), "")


def _time(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= _END_OF_TIME:
        return None
    return datetime.fromtimestamp(seconds, UTC)
