"""Puts the stand-in together as one aiohttp application.

Web API at `/api/`, response URLs, uploads and Socket Mode at Slack's paths, the control API under
`/_sandbox/`, the page at `/`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from sandbox.faults import Faults
from sandbox.slack.control import Control, control_errors
from sandbox.slack.files import LARGEST
from sandbox.slack.model import SlackError
from sandbox.slack.page.routes import Page
from sandbox.slack.server import SlackServer
from sandbox.slack.state import SlackState
from sandbox.slack.web_api import METHODS, web_api_handler

BOT_TOKEN: Final = "xoxb-sandbox-bot-token-not-secret"
APP_TOKEN: Final = "xapp-sandbox-app-token-not-secret"
SIGNING_SECRET: Final = "sandbox-slack-signing-secret-not-secret"

SERVER: Final = web.AppKey("slack_server", SlackServer)
FAULTS: Final = web.AppKey("slack_faults", Faults)
_STATUS: Final = {"expired_url": 404, "used_url": 404, "invalid_url": 404}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_slack_app(
    state: SlackState,
    *,
    request_url: str = "",
    signing_secret: str = SIGNING_SECRET,
    bot_token: str = BOT_TOKEN,
    app_token: str = APP_TOKEN,
    faults: Faults | None = None,
) -> web.Application:
    """The stand-in over a workspace. `request_url`, where the app listens, may be set later with
    `PUT /_sandbox/request_url`; an app in Socket Mode needs none. The `SlackServer` is at
    `app[SERVER]`, its faults at `app[FAULTS]`.
    """
    server = SlackServer(state, signing_secret, bot_token, app_token)
    server.dispatcher.request_url = request_url
    page = Page(server)
    app = web.Application(client_max_size=LARGEST, middlewares=[_know_base_url, control_errors])
    app[SERVER] = server
    app.router.add_routes(
        [
            web.route("*", "/api/{method}", web_api_handler(server, METHODS)),
            web.post("/{kind:commands|actions|app}/{team}/{id}/{token}", _use_response_url),
            web.post("/upload/v1/{token}", _upload),
            web.get("/link", server.hub.serve),
            *Control(server).routes(),
            *page.routes(),
        ]
    )
    app[FAULTS] = faults or Faults(refuse_token)
    app[FAULTS].mount(app)
    app.cleanup_ctx.append(_lifetime)

    async def end_streams(_: web.Application) -> None:
        await page.close()
        await server.hub.close()

    app.on_shutdown.append(end_streams)
    return app


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    server = app[SERVER]
    posting = asyncio.create_task(server.schedule.run())
    yield
    posting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await posting
    await server.close()


def refuse_token(request: web.Request) -> web.Response:
    """How Slack refuses a token: with HTTP 200. For `Faults(refusal=...)`."""
    return web.json_response({"ok": False, "error": "invalid_auth"})


@web.middleware
async def _know_base_url(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whoever did not say where this server listens lets the first request tell."""
    state = request.app[SERVER].state
    if not state.base_url:
        state.base_url = f"{request.scheme}://{request.host}"
    return await handler(request)


async def _use_response_url(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    try:
        body = await _response_body(request)
        server.response_urls.use(request.match_info["kind"], request.match_info["token"], body)
    except SlackError as error:
        server.state.problem("response_url", error.code, "; ".join(error.extra.get("errors", ())))
        return web.json_response(
            {"ok": False, "error": error.code}, status=_STATUS.get(error.code, 400)
        )
    return web.Response(text="ok")


async def _response_body(request: web.Request) -> dict[str, Any]:
    raw = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        raw = str((await request.post()).get("payload", ""))
    try:
        body = json.loads(raw)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    return body


async def _upload(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    content = await request.read()
    if request.content_type == "multipart/form-data":
        field = next(iter((await request.post()).values()), None)
        content = field.file.read() if isinstance(field, web.FileField) else b""
    try:
        file = server.files.upload(request.match_info["token"], content)
    except SlackError as error:
        server.state.problem("upload", error.code)
        return web.Response(status=400, text=error.code)
    return web.Response(text=f"OK - {file.length}")
