"""What the page tells the app over its HTTP API, and what the app answers."""

from dataclasses import replace

import aiohttp

from bot.sandbox.demo import Customer, Demo
from bot.sandbox.slack_state import Json

INTERACTIONS = "/api/v1/interactions"
EVENTS = "/api/v1/interactions/events"


class Telling:
    """Speaks to the app as a helpdesk would."""

    def __init__(self, demo: Demo, http: aiohttp.ClientSession) -> None:
        self._demo = demo
        self._http = http

    async def tell(self, path: str, body: Json) -> Json:
        """Post one JSON object: `{"ok": True, "answer": ...}`, or `{"ok": False, "error": ...}` to show."""
        headers = {"Authorization": f"Bearer {self._demo.api_key}"}
        try:
            async with self._http.post(f"{self._demo.app_url}{path}", json=body, headers=headers) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
            return {"ok": False, "error": f"The app does not answer ({type(problem).__name__})."}
        if response.status < 300:
            return {"ok": True, "answer": answer}
        error = answer.get("error") if isinstance(answer, dict) else None
        words = error.get("message") if isinstance(error, dict) else error
        return {"ok": False, "error": str(words or f"The app answered {response.status}.")}


def customer_of(demo: Demo, deed: Json) -> Customer:
    """Whom a deed is about; the page tells the key of the visitor. LookupError where there is nobody."""
    customer = demo.customers()[str(deed["chat"])]
    if deed["chat"] == "web" and deed.get("key"):
        customer = replace(customer, key=str(deed["key"]))
    return customer
