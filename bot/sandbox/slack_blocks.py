"""Which blocks Slack accepts, and what it says of those that it does not."""

import re
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]

MAX_MESSAGE_BLOCKS = 50
MAX_VIEW_BLOCKS = 100

#: elements whose value a view's state carries
STATEFUL = frozenset(
    (
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "static_select",
        "multi_static_select",
        "radio_buttons",
        "checkboxes",
        "users_select",
        "conversations_select",
        "channels_select",
        "datepicker",
        "timepicker",
        "datetimepicker",
    )
)
_ELEMENTS = STATEFUL | {"button", "overflow", "image", "mrkdwn", "plain_text", "external_select", "multi_users_select"}
_MENUS = frozenset(("static_select", "multi_static_select", "overflow"))
_RICH_PARTS = frozenset(("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"))
_RICH_PIECES = frozenset(
    ("text", "link", "user", "usergroup", "emoji", "channel", "broadcast", "date", "color", "rich_text_section")
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_BLOCKS = frozenset(
    ("section", "actions", "divider", "context", "header", "input", "image", "rich_text", "markdown", "video", "file")
)


def problems(blocks: Any, most: int, at: str = "/blocks") -> list[str]:
    """What is wrong with a list of blocks, worded as in `response_metadata.messages`; empty if nothing is."""
    if not isinstance(blocks, list):
        return [_said("must be an array", at)]
    found = [_said(f"no more than {most} items allowed", at)] if len(blocks) > most else []
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        where = f"{at}/{index}"
        if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
            found.append(_said("unsupported type", f"{where}/type"))
            continue
        block_id = block.get("block_id")
        if block_id in seen:
            found.append(_said(f"`block_id` {block_id} already exists", f"{where}/block_id"))
        if block_id:
            seen.add(block_id)
            found += _length(block, "block_id", 255, where)
        found += _BLOCK_CHECKS.get(block["type"], _nothing)(block, where)
    return found


def named(blocks: list[Json], next_name: Callable[[], str]) -> list[Json]:
    """The blocks with the ids that Slack gives to those without."""
    return [{**_with_actions(block, next_name), "block_id": block.get("block_id") or next_name()} for block in blocks]


def elements(block: Json) -> list[Json]:
    """The interactive elements of one block."""
    match block.get("type"):
        case "actions":
            return list(block.get("elements") or ())
        case "section":
            return [block["accessory"]] if block.get("accessory") else []
        case "input":
            return [block["element"]]
        case _:
            return []


def _with_actions(block: Json, next_name: Callable[[], str]) -> Json:
    def with_id(element: Json) -> Json:
        return element if element.get("action_id") else {**element, "action_id": next_name()}

    match block.get("type"):
        case "actions":
            return {**block, "elements": [with_id(element) for element in block["elements"]]}
        case "section" if block.get("accessory"):
            return {**block, "accessory": with_id(block["accessory"])}
        case "input":
            return {**block, "element": with_id(block["element"])}
        case _:
            return block


def _said(trouble: str, at: str) -> str:
    return f"[ERROR] {trouble} [json-pointer:{at}]"


def _nothing(_block: Json, _at: str) -> list[str]:
    return []


def _length(holder: Json, name: str, most: int, at: str) -> list[str]:
    value = holder.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > most):
        return [_said(f"must be less than {most + 1} characters", f"{at}/{name}")]
    return []


def _text(holder: Json, name: str, most: int, at: str, *, plain: bool = False) -> list[str]:
    if holder.get(name) is None:
        return [_said(f"missing required field: {name}", at)]
    return _text_object(holder[name], most, f"{at}/{name}", plain=plain)


def _text_object(value: Any, most: int, at: str, *, plain: bool = False) -> list[str]:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(value, dict) or value.get("type") not in kinds:
        return [_said("unsupported type", f"{at}/type")]
    if not isinstance(value.get("text"), str) or value["text"] == "":
        return [_said("must be more than 0 characters", f"{at}/text")]
    return _length(value, "text", most, at)


def _section(block: Json, at: str) -> list[str]:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        return [_said("missing required field: text or fields", at)]
    found = _text(block, "text", 3000, at) if block.get("text") is not None else []
    if fields:
        found += [_said("no more than 10 items allowed", f"{at}/fields")] if len(fields) > 10 else []
        for index, value in enumerate(fields):
            found += _text_object(value, 2000, f"{at}/fields/{index}")
    if block.get("accessory"):
        found += _element(block["accessory"], f"{at}/accessory")
    return found


def _actions(block: Json, at: str) -> list[str]:
    inside = block.get("elements")
    if not isinstance(inside, list) or not inside:
        return [_said("must provide at least one element", f"{at}/elements")]
    found = [_said("no more than 25 items allowed", f"{at}/elements")] if len(inside) > 25 else []
    found += _many(inside, f"{at}/elements")
    names = [element.get("action_id") for element in inside if element.get("action_id")]
    if len(set(names)) < len(names):
        found.append(_said("`action_id` must be unique within a block", f"{at}/elements"))
    return found


def _context(block: Json, at: str) -> list[str]:
    inside = block.get("elements")
    if not isinstance(inside, list) or not inside:
        return [_said("must provide at least one element", f"{at}/elements")]
    found = [_said("no more than 10 items allowed", f"{at}/elements")] if len(inside) > 10 else []
    return found + _many(inside, f"{at}/elements")


def _header(block: Json, at: str) -> list[str]:
    return _text(block, "text", 150, at, plain=True)


def _input(block: Json, at: str) -> list[str]:
    found = _text(block, "label", 2000, at, plain=True)
    if block.get("hint") is not None:
        found += _text(block, "hint", 2000, at, plain=True)
    element = block.get("element")
    if not isinstance(element, dict) or element.get("type") not in STATEFUL:
        return [*found, _said("unsupported type", f"{at}/element/type")]
    return found + _element(element, f"{at}/element")


def _image(block: Json, at: str) -> list[str]:
    missing = [name for name in ("alt_text",) if not block.get(name)]
    return [_said(f"missing required field: {name}", at) for name in missing]


def _many(inside: list[Any], at: str) -> list[str]:
    return [problem for index, element in enumerate(inside) for problem in _element(element, f"{at}/{index}")]


def _element(element: Any, at: str) -> list[str]:
    if not isinstance(element, dict) or element.get("type") not in _ELEMENTS:
        return [_said("unsupported type", f"{at}/type")]
    return list(_element_problems(element, at))


def _element_problems(element: Json, at: str) -> Iterator[str]:
    yield from _length(element, "action_id", 255, at)
    match element["type"]:
        case "button":
            yield from _text(element, "text", 75, at, plain=True)
            yield from _length(element, "value", 2000, at)
            yield from _length(element, "url", 3000, at)
            if element.get("url") is not None and not _ADDRESS.match(str(element["url"])):
                yield _said("must be a valid URL", f"{at}/url")
            if element.get("style") not in (None, "primary", "danger"):
                yield _said("must be a valid enum value", f"{at}/style")
        case "mrkdwn" | "plain_text":
            yield from _length(element, "text", 2000, at)
        case "static_select" | "multi_static_select" | "radio_buttons" | "checkboxes" | "overflow":
            most = {"radio_buttons": 10, "checkboxes": 10, "overflow": 5}.get(element["type"], 100)
            yield from _options(element, most, at)
        case "plain_text_input":
            yield from _typing(element, at)
        case "datetimepicker":
            initial = element.get("initial_date_time")
            if initial is not None and (not isinstance(initial, int) or len(str(initial)) != 10):
                yield _said("must be a UNIX timestamp of 10 digits", f"{at}/initial_date_time")
        case _:
            pass
    if element.get("placeholder") is not None:
        yield from _text(element, "placeholder", 150, at, plain=True)


def all_options(element: Json) -> list[Json]:
    """The options of a menu, those in groups too."""
    groups = [group["options"] for group in element.get("option_groups") or ()]
    return [*(element.get("options") or ()), *(option for group in groups for option in group)]


def _options(element: Json, most: int, at: str) -> Iterator[str]:
    groups = element.get("option_groups")
    if groups is None:
        yield from _list_of_options(element.get("options"), most, at, plain=element["type"] in _MENUS)
    elif element.get("options") is not None:
        yield _said("only one of `options` and `option_groups` may be given", at)
    elif not isinstance(groups, list) or len(groups) not in range(1, 101):
        yield _said("must provide 1 to 100 groups", f"{at}/option_groups")
    else:
        for index, group in enumerate(groups):
            where = f"{at}/option_groups/{index}"
            yield from _text(group, "label", 75, where, plain=True)
            yield from _list_of_options(group.get("options"), 100, where, plain=True)
    initial = element.get("initial_option")
    if initial is not None and initial not in all_options(element):
        yield _said("must be one of the options", f"{at}/initial_option")


def _list_of_options(options: Any, most: int, at: str, *, plain: bool) -> Iterator[str]:
    if not isinstance(options, list) or not options:
        yield _said("must provide at least one option", f"{at}/options")
        return
    if len(options) > most:
        yield _said(f"no more than {most} items allowed", f"{at}/options")
    for index, option in enumerate(options):
        where = f"{at}/options/{index}"
        yield from _text(option, "text", 75, where, plain=plain)
        if not option.get("value"):
            yield _said("missing required field: value", where)
        yield from _length(option, "value", 150, where)


def _typing(element: Json, at: str) -> Iterator[str]:
    most = element.get("max_length", 3000)
    if not isinstance(most, int) or not 1 <= most <= 3000:
        yield _said("must be between 1 and 3000", f"{at}/max_length")
    elif len(str(element.get("initial_value") or "")) > most:
        yield _said(f"must be less than {most + 1} characters", f"{at}/initial_value")


def _rich_text(block: Json, at: str) -> list[str]:
    inside = block.get("elements")
    if not isinstance(inside, list) or not inside:
        return [_said("must provide at least one element", f"{at}/elements")]
    found = []
    for index, part in enumerate(inside):
        where = f"{at}/elements/{index}"
        if not isinstance(part, dict) or part.get("type") not in _RICH_PARTS or not part.get("elements"):
            found.append(_said("unsupported type", f"{where}/type"))
            continue
        for number, piece in enumerate(part["elements"]):
            found += _rich_piece(piece, f"{where}/elements/{number}")
    return found


def _rich_piece(piece: Any, at: str) -> list[str]:
    kind = piece.get("type") if isinstance(piece, dict) else None
    if kind not in _RICH_PIECES:
        return [_said("unsupported type", f"{at}/type")]
    name = {"text": "text", "link": "url", "user": "user_id", "usergroup": "usergroup_id", "emoji": "name"}.get(kind)
    return [_said(f"missing required field: {name}", at)] if name and not piece.get(name) else []


_BLOCK_CHECKS: dict[str, Callable[[Json, str], list[str]]] = {
    "section": _section,
    "actions": _actions,
    "context": _context,
    "header": _header,
    "input": _input,
    "image": _image,
    "rich_text": _rich_text,
}
