"""The description of the HTTP API, and the API held to it: no request that it describes may surprise the server."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.web.openapi import OPERATIONS, Operation, description
from tests.conftest import SetClock
from tests.web.case_site import MINH, Shop, case_id, empty_database, shop_at
from tests.web.scripted_site import KEY

#: One worker, since the server shares the machine; the seed makes a failure come again. What is described well may
#: still be refused, for a case has an owner already, or a cause is none of the settings.
SCHEMATHESIS = (
    "-m",
    "schemathesis.cli",
    "run",
    "--checks=all",
    "--exclude-checks=positive_data_acceptance",
    "--phases=examples,coverage,fuzzing",
    "--max-examples=15",
    "--workers=1",
    "--seed=7",
    "--generation-database=none",
    "--suppress-health-check=all",
    "--no-color",
)


@pytest.fixture
async def shop(sqlite_tables: Path, tmp_path: Path, clock: SetClock) -> AsyncIterator[Shop]:
    async with shop_at(empty_database(sqlite_tables, tmp_path), clock) as opened:
        for number in range(3):
            await opened.open_case(number, ["It came broken"])
        await opened.do(1, "claim")
        yield opened


async def test_server_keeps_to_its_description(shop: Shop, tmp_path: Path) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *SCHEMATHESIS,
        f"--header=Authorization: Bearer {KEY}",
        f"--url={shop.url}",
        f"{shop.url}/api/v1/openapi.json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
    # all but the address that the description itself came from
    assert f"{len(OPERATIONS) - 1} selected / {len(OPERATIONS) - 1} total" in said.decode()


async def test_every_address_of_the_api_is_described_and_none_besides(shop: Shop) -> None:
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in shop.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    _, told = await shop.ask("GET", "/api/v1/openapi.json", key=None)
    assert {(method, path) for path, methods in told["paths"].items() for method in methods} == served
    assert len(served) == len(OPERATIONS)


async def test_wrong_method_is_405_and_names_the_right_one(shop: Shop) -> None:
    for operation in OPERATIONS:
        path = operation.path.replace("{id}", case_id(1))
        for method in ("PUT", "PATCH", "DELETE", "POST" if operation.method == "get" else "GET"):
            status, answer = await shop.ask(method, path)
            assert (status, answer["error"]["code"]) == (405, "method_not_allowed"), (method, path)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=lambda each: each.id)
async def test_example_is_taken(shop: Shop, operation: Operation) -> None:
    path = operation.path.replace("{id}", case_id(1 if operation.id == "releaseCase" else 0))
    body = {**(operation.example or {})}
    if operation.id == "releaseCase":
        body["agent"] = MINH
    if operation.id == "resolveCase":
        body["cause"] = "late"
    status, answer = await shop.ask("POST", path, body)
    assert status == operation.status, answer


async def test_answers_hold_nothing_that_is_not_described(shop: Shop) -> None:
    """Extra fields pass a schema that does not forbid them, so they are looked for by name."""
    _, told = await shop.ask("GET", "/api/v1/openapi.json")
    for operation in OPERATIONS:
        if operation.method == "get" and operation.key:
            _, answer = await shop.ask("GET", operation.path.replace("{id}", case_id(1)))
            schema = told["paths"][operation.path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            assert undescribed(answer, schema, told["components"]["schemas"]) == []


def undescribed(value: Any, schema: Any, known: Any, at: str = "$") -> list[str]:
    """The key paths in a value that its schema does not name."""
    if isinstance(schema, bool):  # of a list with a fixed number of plain values
        return []
    choices = [schema, *schema.get("anyOf", ())]
    named = [known[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in choices]
    if isinstance(value, list):
        items = next(each["items"] for each in named if "items" in each)
        return [path for place, each in enumerate(value) for path in undescribed(each, items, known, f"{at}[{place}]")]
    if not isinstance(value, dict):
        return []
    found = next((each for each in named if "properties" in each), None)
    if found is None:
        return [] if any("additionalProperties" in each for each in named) else [at]
    unknown = [f"{at}.{name}" for name in value.keys() - found["properties"].keys()]
    inner = found["properties"]
    return unknown + [
        path
        for name in value.keys() & inner.keys()
        for path in undescribed(value[name], inner[name], known, f"{at}.{name}")
    ]


def test_description_names_how_to_sign_in_and_what_errors_look_like() -> None:
    told = description("https://feedback.example")
    assert told["openapi"] == "3.1.0"
    assert told["servers"] == [{"url": "https://feedback.example"}]
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert set(told["components"]["schemas"]["Problem"]["properties"]) == {"code", "message", "field"}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            has_key = operation.get("security") != []
            assert ("401" in operation["responses"]) == has_key, (method, path)
            assert ("404" in operation["responses"]) == ("{id}" in path), (method, path)


def test_everything_that_is_referred_to_is_there() -> None:
    told = description("")
    text = msgspec.json.encode(told).decode()
    for name in set(re.findall(r'"#/components/(\w+/\w+)"', text)):
        kind, _, which = name.partition("/")
        assert which in told["components"][kind], name
