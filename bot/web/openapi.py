"""What the HTTP API is, for programs: an OpenAPI 3.1 description made from the very types that requests are read into
and responses are written from, so that it cannot tell something else than the server does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from bot import __version__
from bot.reports import ReportRow
from bot.reports.cases import WholeCase
from bot.web.api import EventReport, Failure, InteractionReport, Reported
from bot.web.cases_api import (
    ID_PATTERN,
    KEY_PATTERN,
    CasePage,
    CasesAsked,
    FollowUpAsked,
    FollowUpReport,
)
from bot.web.decisions_api import DecisionPage, DecisionsAsked
from bot.web.deeds import DEEDS
from bot.web.links_api import LinksAsked, MadeLinks
from bot.web.triggers import TriggerList

_REF = "#/components/schemas/{name}"
_ALWAYS = (401, 500, 503)
_WITH_BODY = (400, 408, 413, 415, 422)
_WHY: Mapping[int, str] = {
    400: "The body is no JSON, or broke off.",
    401: "No API key, or not one of the configured ones.",
    404: "There is no such case.",
    408: "The body did not arrive in time.",
    409: "The case is not in a state for this: already_claimed, already_resolved, case_closed, not_owner, unreachable.",
    413: "The body is too large.",
    415: "The body is compressed.",
    422: "A value is wrong; `field` names it.",
    500: "Something went wrong in the server; its log has more under the id in the message.",
    503: "The database does not answer; nothing was kept, try again.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One request that the API takes."""

    method: Literal["get", "post"]
    path: str
    id: str
    summary: str
    answer: Any
    status: int = 200
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    example: Mapping[str, object] | None = None
    #: the errors beside those that every request of its kind may meet
    errors: tuple[int, ...] = ()
    #: whether one needs an API key, and whether an Idempotency-Key makes it safe to send again
    key: bool = True
    repeatable: bool = False


_MINH = {"name": "Minh"}
_DEEDS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "claim": ("Take a case that nobody has", {"agent": {"name": "Minh", "id": "U024BE7LH"}}),
    "release": ("Give a case back", {"agent": _MINH}),
    "assign": ("Give a case to someone", {"agent": _MINH, "to": {"name": "Anna"}}),
    "reply": (
        "Say something to the customer",
        {"agent": _MINH, "text": "I am sorry. A courier brings a new one today."},
    ),
    "snooze": ("Mute the reminders of a case", {"agent": _MINH, "for": "1h"}),
    "resolve": ("Say what the cause was and what was done", {"agent": _MINH, "cause": "product", "action": "Replaced"}),
    "reopen": ("Work again on a case in which nothing was left to do", {"agent": _MINH}),
}


def _asked(path: str, id: str, summary: str, query: type[msgspec.Struct], answer: type[msgspec.Struct]) -> Operation:
    return Operation(method="get", path=path, id=id, summary=summary, query=query, answer=answer, errors=(422,))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="post",
        path="/api/v1/interactions",
        id="reportInteraction",
        summary="Report a dealing with a customer that ended, so that they may be asked",
        body=InteractionReport,
        answer=Reported,
        status=202,
        example={
            "customer": {"address": {"channel": "telegram", "key": "5512"}, "name": "Lan", "language": "vi"},
            "agent": "Minh",
            "reference": "ticket-81",
            "closed_at": "2026-03-01T09:30:00Z",
            "messages": 7,
            "human_answered": True,
            "attributes": {"order": "A7"},
        },
        repeatable=True,
    ),
    Operation(
        method="post",
        path="/api/v1/interactions/events",
        id="reportEvent",
        summary="Tell what happens in a dealing: words of the customer or of agents, a reopening",
        body=EventReport,
        answer=Reported,
        status=202,
        example={
            "source": "desk",
            "reference": "ticket-81",
            "event": "customer_wrote",
            "at": "2026-03-01T09:20:00Z",
            "id": "message-7",
        },
        repeatable=True,
    ),
    _asked(
        "/api/v1/decisions",
        "listDecisions",
        "Why somebody was or was not asked, newest first",
        DecisionsAsked,
        DecisionPage,
    ),
    Operation(
        method="post",
        path="/api/v1/links",
        id="makeLinks",
        summary="Make links to a survey, each for one customer or for everybody, at most 1,000 at a time",
        body=LinksAsked,
        answer=MadeLinks,
        status=201,
        example={
            "links": [
                {"customer": "C-1042", "language": "vi", "attributes": {"reference": "ticket-81", "agent": "Minh"}}
            ],
        },
    ),
    Operation(
        method="get",
        path="/api/v1/triggers",
        id="listTriggers",
        summary="What helpdesks sent to each trigger since the server started, and what became of it",
        answer=TriggerList,
    ),
    Operation(
        method="get",
        path="/api/v1/report",
        id="getReport",
        summary="The figures of all answers",
        answer=list[ReportRow],
    ),
    _asked(
        "/api/v1/reports/followup",
        "getFollowUpReport",
        "How many customers were won back, and how fast",
        FollowUpAsked,
        FollowUpReport,
    ),
    _asked("/api/v1/cases", "listCases", "The queue of cases, newest first", CasesAsked, CasePage),
    Operation(
        method="get",
        path="/api/v1/cases/{id}",
        id="getCase",
        summary="Everything that is known of a case",
        answer=WholeCase,
        errors=(404,),
    ),
    *(
        Operation(
            method="post",
            path=f"/api/v1/cases/{{id}}/{deed}",
            id=f"{deed}Case",
            summary=_DEEDS[deed][0],
            body=body,
            answer=WholeCase,
            example=_DEEDS[deed][1],
            errors=(404, 409),
            repeatable=True,
        )
        for deed, body in DEEDS.items()
    ),
    Operation(
        method="get",
        path="/api/v1/openapi.json",
        id="getDescription",
        summary="This description",
        answer=dict[str, Any],
        key=False,
    ),
)


@lru_cache(maxsize=4)
def description(public_url: str) -> Mapping[str, Any]:
    """The whole description, made once: anybody may ask for it."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schemas, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Afterchat",
            "version": __version__,
            "description": "Report interactions, read why somebody was or was not asked, read the figures, and work "
            "the cases of unhappy customers. Times are RFC 3339 and UTC in answers. Errors have one shape: `code` for "
            "programs, `message` for people, and `field`, the key path of the value that is wrong. A report, event or "
            "deed sent again with the same `Idempotency-Key` within a week acts once.",
        },
        "servers": [{"url": public_url}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {_name(status): _failure(status) for status in _WHY},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "one of server.api_keys"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _schemas() -> tuple[Mapping[Any, dict[str, Any]], dict[str, Any]]:
    """The schema of each type that is named, and the types that they are made of."""
    kinds = [kind for each in OPERATIONS for kind in (each.answer, each.body, each.query) if kind is not None]
    kinds.append(Failure)
    found, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    # by name, because list[...] and dict[...] are other objects each time
    return {repr(kind): schema for kind, schema in zip(kinds, found, strict=True)}, components


def _operation(
    operation: Operation, schemas: Mapping[Any, dict[str, Any]], components: dict[str, Any]
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": _responses(operation, schemas),
    }
    parameters = list(_parameters(operation, components))
    if parameters:
        said["parameters"] = parameters
    if operation.body is not None:
        content: dict[str, Any] = {"schema": schemas[repr(operation.body)]}
        if operation.example is not None:
            content["example"] = operation.example
        said["requestBody"] = {"required": True, "content": {"application/json": content}}
    if not operation.key:
        said["security"] = []
    return said


def _responses(operation: Operation, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    answer = schemas[repr(operation.answer)]
    said = {"description": operation.summary, "content": {"application/json": {"schema": answer}}}
    responses: dict[str, Any] = {str(operation.status): said}
    for status in sorted(_errors(operation)):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return responses


def _errors(operation: Operation) -> set[int]:
    body = _WITH_BODY if operation.body is not None else ()
    always: Sequence[int] = _ALWAYS if operation.key else (500,)
    return {*always, *body, *operation.errors, 415}


def _parameters(operation: Operation, components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "{id}" in operation.path:
        yield {
            "name": "id",
            "in": "path",
            "required": True,
            "description": "the id of a case",
            "schema": {"type": "string", "pattern": ID_PATTERN},
        }
    if operation.query is not None:
        # nowhere else: nothing is sent or answered in this shape
        yield from _query(components.pop(operation.query.__name__))
    if operation.repeatable:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "makes it safe to send the request again: it acts once and is answered as before",
            "schema": {"type": "string", "pattern": KEY_PATTERN, "maxLength": 200},
        }


def _query(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, each in schema["properties"].items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        said = _without_null(each)
        if "description" in said:
            parameter["description"] = said.pop("description")
        if said.get("type") == "array":
            # several values with commas between
            parameter |= {"style": "form", "explode": False}
        yield parameter | {"schema": said}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema: it is left out where a field would be null."""
    said = {name: value for name, value in schema.items() if not (name == "default" and value in (None, "", (), []))}
    choices = [choice for choice in said.pop("anyOf", []) if choice.get("type") != "null"]
    return said | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _failure(status: int) -> dict[str, Any]:
    return {
        "description": _WHY[status],
        "content": {"application/json": {"schema": {"$ref": _REF.format(name=Failure.__name__)}}},
    }


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "")
