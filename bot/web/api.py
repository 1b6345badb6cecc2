"""The HTTP API's shapes: what a reporter sends, what it gets back, and how an error looks.

Every error of the server is ``{"error": {"code": "...", "message": "...", "field": "..."}}``; ``field`` is the key path
of the value that is wrong, or empty. ``code`` is for programs and does not change; ``message`` is for people.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeVar

import msgspec
from aiohttp import web
from multidict import MultiMapping

from bot.conversations.dealings import Author
from bot.errors import AfterchatError
from bot.ports import Outcome

T = TypeVar("T", bound=msgspec.Struct)

#: NUL as JSON writes it; an even number of backslashes before it is only text that looks like it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_NUMBER = re.compile("-?[0-9]{1,9}")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Value = Annotated[str, msgspec.Meta(max_length=2000)]
At = Annotated[datetime, msgspec.Meta(tz=True)]
Tag = Annotated[str, msgspec.Meta(min_length=2, max_length=35, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]


class ReportedAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the customer is: the name of a configured channel and the person's key there."""

    channel: Name
    key: Name


class ReportedCustomer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who it was: an address, the company's own ``reference`` of the person, or both, which is what joins them.

    With a reference alone, the customer is asked wherever they were known by it last.
    """

    address: ReportedAddress | None = None
    name: Name | None = None
    #: an IETF language tag, such as "vi" or "pt-BR"
    language: Tag | None = None
    #: such as "Asia/Ho_Chi_Minh"
    time_zone: Name | None = None
    #: the company's own reference of this person
    reference: Name | None = None


class InteractionReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dealing with a customer that ended, after which they may be asked.

    ``reference`` is the reporter's own name of it (a ticket, an order); with ``source`` it is unique, so that reporting
    twice asks once::

        {"customer": {"address": {"channel": "telegram", "key": "5512"}, "language": "vi"},
         "agent": "Minh", "reference": "ticket-81", "closed_at": "2026-03-01T09:30:00Z", "attributes": {"order": "A7"}}

    What is left out of ``messages``, ``human_answered`` and ``started_by`` is not known, and no rule goes by it.
    """

    customer: ReportedCustomer
    reference: Name
    flow: Name | None = None
    agent: Name | None = None
    source: Name = "api"
    #: false: it is open, or open again, and what was planned is cancelled
    closed: bool = True
    #: when it was closed (or opened again); None: now
    closed_at: At | None = None
    #: words of the customer and of agents
    messages: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    #: whether a person answered, and not only a bot
    human_answered: bool | None = None
    started_by: Author | None = None
    #: an agent wants the customer to be asked at once, whatever the dealing was like
    now: bool = False
    tags: Annotated[tuple[Name, ...], msgspec.Meta(max_length=50)] = ()
    attributes: Annotated[Mapping[Name, Value], msgspec.Meta(max_length=50)] = {}


ReportedEvent = Literal["resumed", "customer_wrote", "agent_wrote", "bot_wrote"]


class EventReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened in a dealing while it went on, or after its end, told by a helpdesk of one's own::

        {"source": "desk", "reference": "ticket-81", "event": "customer_wrote", "at": "2026-03-01T09:20:00Z"}

    ``resumed`` and ``customer_wrote`` after an end cancel the question that was planned. ``id`` is the reporter's own
    name of this event: with one, telling it again changes nothing.
    """

    reference: Name
    event: ReportedEvent
    source: Name = "api"
    #: None: now
    at: At | None = None
    id: Name | None = None
    #: with these words it began
    first: bool = False


class Refused(AfterchatError):
    """What was sent is well formed and still cannot be taken; ``field`` is the key path of what is wrong."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Interactions(Protocol):
    async def report(self, body: InteractionReport, event: str = "") -> Outcome:
        """Decide and commit; ``Outcome.ref`` is the interaction's id. Raises Refused, StoreUnavailable.

        ``event`` names this report for good: told again under the same name it changes nothing.
        """

    async def hear(self, body: EventReport, event: str = "") -> Outcome:
        """Take in what happened in a dealing; ``event`` names it where its reporter does not.

        Raises Refused, StoreUnavailable.
        """


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a report: the interaction's id, whether its customer is asked, and the rule that says why.

    ``nothing`` was decided where nothing ended, began again or was planned.
    """

    interaction: str
    decision: Literal["asked", "deferred", "not_asked", "nothing"]
    rule: str


def reported(outcome: Outcome) -> Reported:
    """The answer to a report."""
    kind = outcome.said.kind
    match kind:
        case "asked" | "deferred" | "not_asked" | "nothing":
            return Reported(interaction=outcome.ref, decision=kind, rule=outcome.said.text)
        case "duplicate" | "done":
            # told before under the same name, and what was said then is not known any more
            return Reported(interaction=outcome.ref, decision="nothing", rule="reported before")
        case _:
            raise AssertionError(f"a report was answered with {kind}")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong: ``code`` for programs, ``message`` for people, ``field`` the key path of the wrong value."""

    code: str
    message: str
    field: str = ""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every response that is an error."""

    error: Problem


def problem(
    status: int, code: str, message: str, *, field: str = "", headers: Mapping[str, str] | None = None
) -> web.Response:
    """An error response in the one shape of this server."""
    failure = Failure(error=Problem(code=code, message=message, field=field))
    return json_response(failure, status=status, headers=headers)


def json_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON body that no cache keeps unless ``headers`` say so."""
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def read_body_as(body: bytes, kind: type[T]) -> T | web.Response:
    """What a body says, or the error that names the field which is wrong and what would be right."""
    try:
        read = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        return invalid(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return problem(
            400, "json", "The body is not JSON; send an object as UTF-8 with Content-Type: application/json."
        )
    if _NUL.search(body):
        return problem(422, "invalid", "A value holds the character NUL; leave it out.")
    return read


def read_query_as(query: MultiMapping[str], kind: type[T]) -> T | web.Response:
    """What query parameters say, or the error that names the one which is wrong; lists have commas between."""
    usual = {field.encode_name: field.default for field in msgspec.structs.fields(kind)}
    given: dict[str, object] = {}
    for name in set(query):
        values = query.getall(name)
        if "\0" in "".join(values):
            return problem(422, "invalid", "A value holds the character NUL; leave it out.", field=name)
        if isinstance(usual.get(name), tuple):
            given[name] = [each for value in values for each in value.split(",") if each]
        elif len(values) > 1:
            return problem(422, "invalid", "This parameter is given more than once.", field=name)
        else:
            # not left to the library, for which the text "null" is nothing, too
            is_number = isinstance(usual.get(name), int) and _NUMBER.fullmatch(values[0])
            given[name] = int(values[0]) if is_number else values[0]
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        return invalid(error)


def invalid(error: msgspec.ValidationError) -> web.Response:
    message, _, path = str(error).partition(" - at ")
    return problem(422, "invalid", message, field=_key_path(message, path))


def holds_key(headers: Mapping[str, str], keys: Sequence[str]) -> bool:
    """Whether ``Authorization: Bearer`` or ``X-Api-Key`` carries one of the configured API keys."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    offered = token.strip() if scheme.lower() == "bearer" else headers.get("X-Api-Key", "").strip()
    octets = offered.encode("utf-8", "surrogatepass")
    # All are compared, so that the time taken tells nothing of which one came close.
    matches = [hmac.compare_digest(octets, key.encode()) for key in keys if key]
    return bool(octets) and any(matches)


def _key_path(message: str, path: str) -> str:
    """msgspec's ``$.customer.address`` and the field named in its message as ``customer.address.key``.

    >>> _key_path("Object missing required field `key`", "`$.customer.address`")
    'customer.address.key'
    """
    named = re.search(r"(?:missing required|unknown) field `([^`]*)`", message)
    parts = [path.strip("`").removeprefix("$").removeprefix("."), named[1] if named else ""]
    return ".".join(part for part in parts if part)
