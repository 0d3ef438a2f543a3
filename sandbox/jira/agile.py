"""JIRA's agile API: boards and sprints."""

from typing import Any

from aiohttp import web

from sandbox.jira.render import issue_json, sprint_json
from sandbox.jira.state import JiraState, Refusal

MOST_AT_ONCE = 50


class Agile:
    """The handlers of one server."""

    def __init__(self, state: JiraState) -> None:
        self.state = state

    def add_routes(self, app: web.Application) -> None:
        """Mount all routes."""
        base = "/rest/agile/1.0"
        app.router.add_get(f"{base}/board", self.boards)
        app.router.add_get(f"{base}/board/{{id}}/sprint", self.sprints)
        app.router.add_get(f"{base}/sprint/{{id}}", self.sprint)
        app.router.add_get(f"{base}/sprint/{{id}}/issue", self.sprint_issues)
        app.router.add_post(f"{base}/sprint/{{id}}/issue", self.move)
        app.router.add_post(f"{base}/backlog/issue", self.to_backlog)

    async def boards(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "").casefold()
        project = request.query.get("projectKeyOrId")
        rows = [
            {"id": board.id, "name": board.name, "type": board.kind, "location": {}}
            for board in self.state.boards.values()
            if name in board.name.casefold() and project in (None, board.project)
        ]
        return _page(request, rows)

    async def sprints(self, request: web.Request) -> web.Response:
        board = self.state.boards.get(int(request.match_info["id"]))
        if board is None:
            raise Refusal(404, "The requested board cannot be viewed because it does not exist.")
        if board.kind == "kanban":
            raise Refusal(400, "The board does not support sprints")
        states = request.query.get("state", "active,future,closed").split(",")
        rows = [
            sprint_json(sprint)
            for sprint in self.state.sprints.values()
            if sprint.board == board.id and sprint.state in states
        ]
        return _page(request, rows)

    async def sprint(self, request: web.Request) -> web.Response:
        return web.json_response(sprint_json(self._sprint(request)))

    async def sprint_issues(self, request: web.Request) -> web.Response:
        sprint = self._sprint(request)
        found = [i for i in self.state.issues.values() if i.sprint == sprint.id]
        start, size = int(request.query.get("startAt", 0)), 50
        rows = [issue_json(self.state, issue, 2) for issue in found[start : start + size]]
        body = {"startAt": start, "maxResults": size, "total": len(found), "issues": rows}
        return web.json_response(body)

    async def move(self, request: web.Request) -> web.Response:
        sprint = self._sprint(request)
        if sprint.state == "closed":
            raise Refusal(400, "Issues can only be moved to open or active sprints.")
        for key in await _keys(request):
            self.state.move_to_sprint(key, sprint.id)
        return web.Response(status=204)

    async def to_backlog(self, request: web.Request) -> web.Response:
        for key in await _keys(request):
            self.state.move_to_sprint(key, None)
        return web.Response(status=204)

    def _sprint(self, request: web.Request) -> Any:
        sprint = self.state.sprints.get(int(request.match_info["id"]))
        if sprint is None:
            raise Refusal(404, "Sprint does not exist.")
        return sprint


async def _keys(request: web.Request) -> list[str]:
    keys = list((await request.json()).get("issues") or [])
    if len(keys) > MOST_AT_ONCE:
        raise Refusal(400, f"At most {MOST_AT_ONCE} issues may be moved at once.")
    return keys


def _page(request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
    start = int(request.query.get("startAt", 0))
    size = min(int(request.query.get("maxResults", 50)), 50)
    page = rows[start : start + size]
    last = start + size >= len(rows)
    return web.json_response(
        {"maxResults": size, "startAt": start, "isLast": last, "total": len(rows), "values": page}
    )
