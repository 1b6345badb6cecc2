"""What all pages of this server share: how templates are filled in, what browsers may do, how an asset is given out."""

import hashlib

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

#: Scripts, styles and connections of this server alone; nothing inline, nowhere else to send a form, in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def templates_of(*packages: str) -> Environment:
    """The templates of packages' folders ``templates``, with every value escaped and none left out."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def tag_of(body: bytes) -> str:
    """The ETag of an asset: another one for each content."""
    return f'"{hashlib.sha256(body).hexdigest()[:20]}"'


def give_asset(request: web.Request, body: bytes, tag: str, kind: str) -> web.Response:
    """A script, style or picture of the media type ``kind``, or 304 for a browser that has it."""
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    offered = (each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(","))
    if tag in offered:
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
