"""The door of the Web API: parses a call, checks token, scope and rate, and writes the answer.

Every failure is HTTP 200 with `ok: false`, except a rate limit, which is 429 with `Retry-After`.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from sandbox.slack.model import Json, SlackError
from sandbox.slack.server import SlackServer
from sandbox.slack.web_api.call import Call, Method, Methods

_FORMS: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class _RateLimited(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def web_api_handler(
    server: SlackServer, methods: Methods
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of `/api/{method}`."""

    async def handle(request: web.Request) -> web.Response:
        name = request.match_info["method"]
        try:
            args = await _arguments(request)
            body = _run(server, methods, name, args, _bearer(request, args))
        except _RateLimited as limited:
            return web.json_response(
                {"ok": False, "error": "ratelimited"},
                status=429,
                headers={"Retry-After": str(limited.seconds)},
            )
        except SlackError as error:
            if error.code not in {"users_not_found", "already_reacted"}:
                details = "; ".join(error.extra.get("errors", ()))
                server.state.problem(name, error.code, details)
            return web.json_response({"ok": False, "error": error.code, **error.extra})
        return web.json_response({"ok": True, **body}, headers=_scope_headers(server))

    return handle


def _run(server: SlackServer, methods: Methods, name: str, args: Json, token: str) -> Json:
    method = methods.by_name.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _check_token(server, method, token)
    _check_scope(server, method)
    call = Call(server, args)
    _check_rate(call, method)
    return method.handler(call)


async def _arguments(request: web.Request) -> Json:
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        args |= {key: value for key, value in body.items() if value is not None}
    elif request.content_type in _FORMS:
        args |= {key: _form_value(value) for key, value in (await request.post()).items()}
    return args


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _bearer(request: web.Request, args: Json) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    return str(args.pop("token", ""))


def _check_token(server: SlackServer, method: Method, token: str) -> None:
    if server.auth_error:
        raise SlackError(server.auth_error)
    if not token:
        raise SlackError("not_authed")
    wanted, other = server.bot_token, server.app_token
    if method.app_token:
        wanted, other = other, wanted
    if token == other:
        raise SlackError("not_allowed_token_type")
    if token != wanted:
        raise SlackError("invalid_auth")


def _check_scope(server: SlackServer, method: Method) -> None:
    given = server.state.installation.scopes
    if not server.enforce_scopes or given is None or not method.scopes:
        return
    if not given.intersection(method.scopes):
        raise SlackError(
            "missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(given))
        )


def _check_rate(call: Call, method: Method) -> None:
    limits = call.server.limits
    wait = limits.call(method.name, method.tier)
    if wait is None and method.posts:
        wait = limits.post(str(call.args.get("channel", "")))
    if wait is not None:
        raise _RateLimited(wait)


def _scope_headers(server: SlackServer) -> dict[str, str]:
    scopes = server.state.installation.scopes
    return {"x-oauth-scopes": ",".join(sorted(scopes or ()))}
