"""The Web API's methods that concern views, and what a filled-in view sends back."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack_blocks import MAX_VIEW_BLOCKS, STATEFUL, all_options, elements, named, problems
from bot.sandbox.slack_methods import Ask, Declined, Method, nested
from bot.sandbox.slack_state import TRIGGER_LIFETIME, Json, SlackWorld, Trigger, View

#: how many modals may lie upon each other
MAX_STACK = 3


def checked(world: SlackWorld, body: Any) -> Json:
    """The body of a view with its ids filled in; Declined if Slack would refuse it."""
    if not isinstance(body, dict):
        raise Declined("invalid_arguments", "[ERROR] missing required field: view")
    found = problems(body.get("blocks"), MAX_VIEW_BLOCKS, "/view/blocks")
    if body.get("type") not in ("modal", "home"):
        found.append("[ERROR] unsupported type [json-pointer:/view/type]")
    if body.get("type") == "modal":
        found += _modal_problems(body)
    for name, most in (("private_metadata", 3000), ("callback_id", 255)):
        if len(str(body.get(name) or "")) > most:
            found.append(f"[ERROR] must be less than {most + 1} characters [json-pointer:/view/{name}]")
    if found:
        raise Declined("invalid_arguments", *found)
    return {**body, "blocks": named(body["blocks"], lambda: world.next_id("b"))}


def _modal_problems(body: Json) -> list[str]:
    found = []
    for name in ("title", "submit", "close"):
        text = body.get(name)
        if text is None:
            if name == "title":
                found.append("[ERROR] missing required field: title [json-pointer:/view]")
            continue
        if len(text.get("text") or "") not in range(1, 25):
            found.append(f"[ERROR] must be less than 25 characters [json-pointer:/view/{name}/text]")
    asks = any(isinstance(block, dict) and block.get("type") == "input" for block in body.get("blocks") or ())
    if asks and body.get("submit") is None:
        found.append("[ERROR] `submit` is required when an `input` is in blocks [json-pointer:/view]")
    return found


def to_json(world: SlackWorld, view: View, state: Json | None = None) -> Json:
    """Slack's view object, with the values that are filled in."""
    workspace = world.by_team[view.team_id]
    return {
        "private_metadata": "",
        "callback_id": "",
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "external_id": "",
        **view.body,
        "id": view.id,
        "team_id": view.team_id,
        "state": {"values": state if state is not None else values(view, {})},
        "hash": view.hash,
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": world.app_id,
        "app_installed_team_id": view.team_id,
        "bot_id": workspace.bot_id,
    }


def values(view: View, given: Mapping[str, Any]) -> Json:
    """A view's `state.values`; `given` is keyed by block or action id: text, or the value(s) of options.

    What is not given is as it was entered before, else as the app put it there.
    """
    state: Json = {}
    for block, element in _fields(view.body):
        name, action_id = block["block_id"], element["action_id"]
        chosen = given.get(name, given.get(action_id))
        held = view.entered.get((name, action_id)) or _value(element, None)
        value = held if chosen is None else _value(element, chosen)
        state.setdefault(name, {})[action_id] = {"type": element["type"], **value}
    return state


def enter(view: View, given: Mapping[str, Any]) -> Json:
    """Let the person fill in fields; returns the view's `state.values`."""
    state = values(view, given)
    for block, element in _fields(view.body):
        name, action_id = block["block_id"], element["action_id"]
        held = state[name][action_id]
        view.entered[name, action_id] = {key: value for key, value in held.items() if key != "type"}
    return state


def _fields(body: Json) -> list[tuple[Json, Json]]:
    pairs = [(block, element) for block in body["blocks"] for element in elements(block)]
    return [(block, element) for block, element in pairs if element["type"] in STATEFUL]


def missing(view: View, state: Json) -> dict[str, str]:
    """What Slack's client itself finds wrong, as it words it, by block id: empty required fields, words too long."""
    found = {}
    for block in view.body["blocks"]:
        if block["type"] != "input":
            continue
        held = next(iter(state[block["block_id"]].values()))
        if not block.get("optional") and not any(value for key, value in held.items() if key != "type"):
            found[block["block_id"]] = "Please complete this required field."
        most = block["element"].get("max_length")
        if most and len(held.get("value") or "") > most:
            found[block["block_id"]] = f"Must be fewer than {most + 1} characters."
    return found


def _value(element: Json, chosen: Any) -> Json:
    match element["type"]:
        case "static_select" | "radio_buttons":
            option = _option(element, chosen) if chosen is not None else element.get("initial_option")
            return {"selected_option": option}
        case "multi_static_select" | "checkboxes":
            many = [_option(element, one) for one in chosen] if chosen is not None else element.get("initial_options")
            return {"selected_options": many or []}
        case "users_select":
            return {"selected_user": chosen or element.get("initial_user")}
        case "conversations_select" | "channels_select":
            kind = element["type"].removesuffix("s_select")
            return {f"selected_{kind}": chosen or element.get(f"initial_{kind}")}
        case "datetimepicker":
            return {"selected_date_time": int(chosen) if chosen else element.get("initial_date_time")}
        case "datepicker":
            return {"selected_date": chosen or element.get("initial_date")}
        case "timepicker":
            return {"selected_time": chosen or element.get("initial_time")}
        case _:
            return {"value": (chosen if chosen is not None else element.get("initial_value")) or None}


def _option(element: Json, chosen: str) -> Json:
    for option in all_options(element):
        if chosen in (option.get("value"), option["text"]["text"]):
            return dict(option)
    raise LookupError(f"{element['action_id']} has no option {chosen!r}")


def _exchanged(ask: Ask) -> Trigger:
    trigger = ask.world.triggers.get(ask.text("trigger_id"))
    if trigger is None or trigger.team_id != ask.workspace.team_id:
        raise Declined("invalid_trigger_id")
    if trigger.used:
        raise Declined("exchanged_trigger_id")
    if ask.world.clock() - trigger.at > TRIGGER_LIFETIME:
        raise Declined("expired_trigger_id")
    return trigger


def shown(world: SlackWorld, user: str, body: Json, *, below: View | None = None) -> View:
    """Put a new modal in front of a person, upon `below` or alone."""
    view_id = world.next_id("V")
    view = View(
        id=view_id,
        user=user,
        team_id=world.members[user].team_id,
        body=body,
        hash=world.next_ts(),
        root_id=below.root_id if below else view_id,
        previous_id=below.id if below else None,
    )
    world.views[view_id] = view
    enter(view, {})
    return view


def replaced(world: SlackWorld, view: View, body: Json) -> View:
    """Change what a view shows; a field whose block and action keep their names keeps what is in it."""
    view.body, view.errors, view.hash = body, {}, world.next_ts()
    kept = {(block["block_id"], element["action_id"]) for block, element in _fields(body)}
    view.entered = {key: value for key, value in view.entered.items() if key in kept}
    enter(view, {})
    return view


def views_open(ask: Ask) -> Json:
    """views.open."""
    body = checked(ask.world, nested(ask.fields, "view"))
    trigger = _exchanged(ask)
    trigger.used = True
    for view in ask.world.stack(trigger.user):
        del ask.world.views[view.id]
    return {"view": to_json(ask.world, shown(ask.world, trigger.user, body))}


def views_push(ask: Ask) -> Json:
    """views.push."""
    body = checked(ask.world, nested(ask.fields, "view"))
    trigger = _exchanged(ask)
    stack = ask.world.stack(trigger.user)
    if len(stack) >= MAX_STACK:
        raise Declined("push_limit_reached")
    if not stack:
        raise Declined("not_found")
    trigger.used = True
    return {"view": to_json(ask.world, shown(ask.world, trigger.user, body, below=stack[-1]))}


def views_update(ask: Ask) -> Json:
    """views.update."""
    body = checked(ask.world, nested(ask.fields, "view"))
    external = ask.text("external_id")
    view = ask.world.views.get(ask.text("view_id")) or next(
        (one for one in ask.world.views.values() if external and one.body.get("external_id") == external), None
    )
    if view is None:
        raise Declined("not_found")
    if ask.text("hash") not in ("", view.hash):
        raise Declined("hash_conflict")
    return {"view": to_json(ask.world, replaced(ask.world, view, body))}


def views_publish(ask: Ask) -> Json:
    """views.publish."""
    body = checked(ask.world, nested(ask.fields, "view"))
    user = ask.text("user_id")
    if user not in ask.world.members:
        raise Declined("user_not_found")
    view_id = ask.world.next_id("V")
    view = View(
        id=view_id, user=user, team_id=ask.workspace.team_id, body=body, hash=ask.world.next_ts(), root_id=view_id
    )
    ask.world.homes[user] = view
    return {"view": to_json(ask.world, view)}


METHODS: dict[str, Method] = {
    "views.open": views_open,
    "views.push": views_push,
    "views.update": views_update,
    "views.publish": views_publish,
}
