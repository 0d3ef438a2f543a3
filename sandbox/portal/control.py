"""The Portal's control routes, for tests and demos in another process.

`GET`, `POST`, `PUT`, `DELETE /_sandbox/cases/NUMBER` look at, change, open and remove a case;
`POST /_sandbox/life/step` lets something happen, where the server was given a life.
"""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from sandbox.portal.state import LinkedBug, LinkedJira, NotifiedUser, PortalState, SupportCase

_MOMENTS: Final = ("created", "modified", "closed", "relief_at", "resolved_at")
_PARTS: Final[dict[str, Callable[..., Any]]] = {
    "notified_users": NotifiedUser,
    "bugzillas": LinkedBug,
    "jiras": LinkedJira,
}


class Control:
    """Changes cases by hand; `step` makes one thing happen and says what."""

    def __init__(self, state: PortalState, step: Callable[[], str] | None) -> None:
        self._state = state
        self.step = step

    def mount(self, app: web.Application) -> None:
        """Serve the routes."""
        case = "/_sandbox/cases/{number}"
        app.router.add_get("/_sandbox/cases", self._list)
        app.router.add_get(case, self._show)
        app.router.add_post(case, self._change)
        app.router.add_put(case, self._open)
        app.router.add_delete(case, self._remove)
        app.router.add_post(f"{case}/comments", self._comment)
        app.router.add_post("/_sandbox/life/step", self._live)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"cases": list(self._state.cases)})

    async def _show(self, request: web.Request) -> web.Response:
        return _shown(self._case(request))

    async def _change(self, request: web.Request) -> web.Response:
        """Change facts; `{"status": "closed"}` closes, any other status of a closed one reopens."""
        number, changes = self._case(request).number, await _facts(request)
        try:
            return _shown(self._changed(number, changes))
        except ValueError as error:
            return _error(400, str(error))

    def _changed(self, number: str, changes: dict[str, Any]) -> SupportCase:
        case = self._state.cases[number]
        if changes.get("status") == "closed" and not case.is_closed:
            self._state.close_case(number)
        elif case.is_closed and changes.get("status", "closed") != "closed":
            self._state.reopen_case(number)
        return self._state.update_case(number, **changes)

    async def _open(self, request: web.Request) -> web.Response:
        number, facts = request.match_info["number"], await _facts(request)
        try:
            return _shown(self._state.add_case(number, **facts), 201)
        except TypeError as error:
            return _error(400, str(error))

    async def _remove(self, request: web.Request) -> web.Response:
        self._state.remove_case(self._case(request).number)
        return web.Response(status=204)

    async def _comment(self, request: web.Request) -> web.Response:
        number, body = self._case(request).number, await _facts(request)
        try:
            comment = self._state.add_comment(number, **body)
        except TypeError as error:
            return _error(400, str(error))
        return web.json_response({"id": comment.id}, status=201)

    async def _live(self, request: web.Request) -> web.Response:
        if self.step is None:
            return _error(409, "this server was started without a life")
        return web.json_response({"happened": self.step()})

    def _case(self, request: web.Request) -> SupportCase:
        case = self._state.cases.get(request.match_info["number"])
        if case is None:
            raise web.HTTPNotFound(text=f"no case {request.match_info['number']}")
        return case


async def _facts(request: web.Request) -> dict[str, Any]:
    """The body's facts, with moments and parts read."""
    try:
        facts: dict[str, Any] = dict(await request.json() if request.can_read_body else {})
        for name in _MOMENTS:
            if facts.get(name):
                facts[name] = _moment(facts[name])
        for name, kind in _PARTS.items():
            if name in facts:
                facts[name] = [kind(**one) for one in facts[name]]
    except (ValueError, TypeError) as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    return facts


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown(case: SupportCase, status: int = 200) -> web.Response:
    return web.json_response(dataclasses.asdict(case), status=status, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, default=datetime.isoformat)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
