"""The Bot API's methods that concern chats, with the refusals of the real one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bot.sandbox.serving import Fields
from bot.sandbox.telegram_state import (
    Bot,
    CallbackAnswer,
    Chat,
    Json,
    Message,
    World,
    cleaned,
    utf16_length,
)

MAX_TEXT = 4096
MAX_CALLBACK_DATA = 64
MAX_BUTTONS = 100
MAX_TOAST = 200
#: seconds after which a tap can no longer be answered
QUERY_LIFETIME = 900.0


class Declined(Exception):
    """The API says no: `Declined(400, "chat not found")`."""

    def __init__(self, code: int, reason: str, parameters: Json | None = None) -> None:
        titles = {
            400: "Bad Request",
            401: "Unauthorized",
            403: "Forbidden",
            404: "Not Found",
            409: "Conflict",
        }
        title = titles[code]
        super().__init__(title if reason == "" else f"{title}: {reason}")
        self.code = code
        self.parameters = parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of a bot."""

    world: World
    bot: Bot
    fields: Fields


Method = Callable[[Ask], Any]


def nested(fields: Fields, name: str) -> Any:
    """A field that is an object or a list, which forms carry as JSON text."""
    value = fields.get(name)
    if not isinstance(value, str) or value == "":
        return value or None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Declined(400, f"can't parse {name.replace('_', ' ')} JSON object") from None


def number(fields: Fields, name: str, default: int = 0) -> int:
    """A field that is a whole number."""
    try:
        return int(fields.get(name, default))
    except (TypeError, ValueError):
        raise Declined(400, f"invalid {name} specified") from None


def flag(fields: Fields, name: str) -> bool:
    """A field that is true or false."""
    return str(fields.get(name, "")).lower() in ("true", "1", "yes")


def find_chat(ask: Ask) -> Chat:
    """The chat of a request, where the bot may write."""
    try:
        chat_id = int(ask.fields["chat_id"])
    except KeyError:
        raise Declined(400, "chat_id is empty") from None
    except (TypeError, ValueError):
        raise Declined(400, "chat not found") from None
    chat = ask.bot.chats.get(chat_id)
    if chat is None:
        if chat_id in ask.world.users:
            raise Declined(403, "bot can't initiate conversation with a user")
        raise Declined(400, "chat not found")
    if chat.migrated_to is not None:
        reason = "group chat was upgraded to a supergroup chat"
        raise Declined(400, reason, {"migrate_to_chat_id": chat.migrated_to})
    if chat.blocked:
        raise Declined(403, "bot was blocked by the user")
    if ask.bot.token in chat.kicked:
        raise Declined(403, f"bot was kicked from the {chat.type} chat")
    if chat.type == "private" and chat_id in ask.world.deactivated:
        raise Declined(403, "user is deactivated")
    return chat


def _text(fields: Fields) -> str:
    text = cleaned(str(fields.get("text") or ""))
    if not text:
        raise Declined(400, "message text is empty")
    if utf16_length(text) > MAX_TEXT:
        raise Declined(400, "message is too long")
    return text


def _keyboard(markup: Any) -> list[list[Json]] | None:
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise Declined(400, "object expected as reply markup")
    rows = markup.get("inline_keyboard")
    if rows is None:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Declined(400, "can't parse inline keyboard: an array of arrays of buttons expected")
    for row in rows:
        for button in row:
            _check_button(button)
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise Declined(400, "reply markup is too long")
    return [row for row in rows if row] or None


def _check_button(button: Any) -> None:
    trouble = "can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise Declined(400, trouble + "InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str) or not button["text"].strip():
        raise Declined(400, trouble + 'Field "text" must be a non-empty String')
    if not any(key != "text" for key in button):
        raise Declined(400, trouble + "Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= MAX_CALLBACK_DATA:
        raise Declined(400, "BUTTON_DATA_INVALID")


def get_me(ask: Ask) -> Json:
    """getMe."""
    return {
        **ask.bot.to_json(),
        "can_join_groups": True,
        "can_read_all_group_messages": ask.bot.reads_all_group_messages,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def send_message(ask: Ask) -> Json:
    """sendMessage."""
    chat = find_chat(ask)
    text = _text(ask.fields)
    markup = nested(ask.fields, "reply_markup")
    keyboard = _keyboard(markup)
    if markup is not None and keyboard is None:
        chat.reply_markup = None if markup.get("remove_keyboard") else markup
    message = Message(
        message_id=chat.next_message_id(),
        chat=chat,
        sender=ask.bot.to_json(),
        date=ask.world.now(),
        text=text,
        keyboard=keyboard,
        parse_mode=ask.fields.get("parse_mode") or None,
        reply_to=_replied(chat, ask.fields),
    )
    chat.add(message)
    return message.to_json()


def _replied(chat: Chat, fields: Fields) -> Message | None:
    parameters = nested(fields, "reply_parameters") or {}
    wanted = parameters.get("message_id") or fields.get("reply_to_message_id")
    if wanted is None:
        return None
    found = chat.messages.get(int(wanted))
    lenient = parameters.get("allow_sending_without_reply") or flag(fields, "allow_sending_without_reply")
    if found is None and not lenient:
        raise Declined(400, "message to be replied not found")
    return found


def _own_message(ask: Ask) -> Message:
    chat = find_chat(ask)
    message = chat.messages.get(number(ask.fields, "message_id"))
    if message is None:
        raise Declined(400, "message to edit not found")
    if message.sender["id"] != ask.bot.id:
        raise Declined(400, "message can't be edited")
    return message


def _edited(ask: Ask, message: Message, text: str | None) -> Json:
    keyboard = _keyboard(nested(ask.fields, "reply_markup"))
    if message.text == text and message.keyboard == keyboard:
        raise Declined(
            400,
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message",
        )
    message.text = text
    message.keyboard = keyboard
    message.edit_date = ask.world.now()
    return message.to_json()


def edit_message_text(ask: Ask) -> Json:
    """editMessageText."""
    message = _own_message(ask)
    if message.text is None:
        raise Declined(400, "there is no text in the message to edit")
    text = _text(ask.fields)
    message.parse_mode = ask.fields.get("parse_mode") or message.parse_mode
    return _edited(ask, message, text)


def edit_message_reply_markup(ask: Ask) -> Json:
    """editMessageReplyMarkup."""
    message = _own_message(ask)
    return _edited(ask, message, message.text)


def delete_message(ask: Ask) -> bool:
    """deleteMessage."""
    chat = find_chat(ask)
    message = chat.messages.get(number(ask.fields, "message_id"))
    if message is None:
        raise Declined(400, "message to delete not found")
    if message.sender["id"] != ask.bot.id and chat.type != "private":
        raise Declined(400, "message can't be deleted")
    del chat.messages[message.message_id]
    return True


def answer_callback_query(ask: Ask) -> bool:
    """answerCallbackQuery."""
    query_id = str(ask.fields.get("callback_query_id") or "")
    query = ask.bot.queries.get(query_id)
    if query is None or ask.world.clock() - query.at > QUERY_LIFETIME:
        raise Declined(400, "query is too old and response timeout expired or query ID is invalid")
    text = ask.fields.get("text") or None
    if text is not None and utf16_length(text) > MAX_TOAST:
        raise Declined(400, "MESSAGE_TOO_LONG")
    ask.bot.answers.append(
        CallbackAnswer(
            query_id=query_id,
            user_id=query.user_id,
            text=text,
            show_alert=flag(ask.fields, "show_alert"),
            at=ask.world.clock(),
        )
    )
    return True


_ACTIONS = frozenset(
    (
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    )
)


def send_chat_action(ask: Ask) -> bool:
    """sendChatAction."""
    chat = find_chat(ask)
    action = str(ask.fields.get("action"))
    if action not in _ACTIONS:
        raise Declined(400, "wrong parameter action in request")
    ask.bot.actions.append((chat.id, action))
    return True


def get_chat(ask: Ask) -> Json:
    """getChat."""
    chat = find_chat(ask)
    return {
        **chat.to_json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            False,
        ),
    }


def _command_scope(fields: Fields) -> str:
    scope = nested(fields, "scope") or {"type": "default"}
    return orjson.dumps([scope, fields.get("language_code") or ""], option=orjson.OPT_SORT_KEYS).decode()


def set_my_commands(ask: Ask) -> bool:
    """setMyCommands."""
    commands = nested(ask.fields, "commands")
    if not isinstance(commands, list):
        raise Declined(400, "can't parse commands: expected an Array of BotCommand")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", str(command.get("command"))):
            raise Declined(400, "BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise Declined(400, "BOT_COMMAND_DESCRIPTION_INVALID")
    ask.bot.commands[_command_scope(ask.fields)] = commands
    return True


def get_my_commands(ask: Ask) -> list[Json]:
    """getMyCommands."""
    return ask.bot.commands.get(_command_scope(ask.fields), [])


def delete_my_commands(ask: Ask) -> bool:
    """deleteMyCommands."""
    ask.bot.commands.pop(_command_scope(ask.fields), None)
    return True


def get_file(ask: Ask) -> Json:
    """getFile."""
    file_id = str(ask.fields.get("file_id") or "")
    content = ask.world.files.get(file_id)
    if content is None:
        raise Declined(400, "invalid file_id")
    return {
        "file_id": file_id,
        "file_unique_id": f"u{file_id}",
        "file_size": len(content),
        "file_path": file_id,
    }


#: by lower-case name, as the API's method names know no case
METHODS: dict[str, Method] = {
    "getme": get_me,
    "sendmessage": send_message,
    "editmessagetext": edit_message_text,
    "editmessagereplymarkup": edit_message_reply_markup,
    "deletemessage": delete_message,
    "answercallbackquery": answer_callback_query,
    "sendchataction": send_chat_action,
    "getchat": get_chat,
    "setmycommands": set_my_commands,
    "getmycommands": get_my_commands,
    "deletemycommands": delete_my_commands,
    "getfile": get_file,
}
