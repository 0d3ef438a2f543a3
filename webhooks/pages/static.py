"""The few static files, from memory; their addresses change with their text."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from webhooks.pages.environment import StaticFile

FILES: Final = web.AppKey("FILES", Mapping[str, StaticFile])
FOR_EVER = "public, max-age=31536000, immutable"


async def send(request: web.Request) -> web.Response:
    """`/static/NAME`; with its version it may be kept for ever."""
    found = request.app[FILES].get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    current = request.query.get("v") == found.version
    headers = {
        "Content-Type": found.type,
        "Cache-Control": FOR_EVER if current else "no-cache",
        "ETag": f'"{found.version}"',
    }
    if f'"{found.version}"' in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=found.body, headers=headers)
    response.enable_compression()
    return response
