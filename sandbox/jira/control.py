"""Steers the stand-in from tests and from its page: move, comment, update, and the whole state."""

from typing import Any

from aiohttp import web

from sandbox.jira.render import time_text
from sandbox.jira.state import JiraIssue, JiraState, Refusal
from sandbox.jira.webhooks import Webhooks

BASE = "/_sandbox"


class Control:
    """The handlers of one server."""

    def __init__(self, state: JiraState, webhooks: Webhooks) -> None:
        self.state = state
        self.webhooks = webhooks

    def add_routes(self, app: web.Application) -> None:
        """Mount all routes."""
        app.router.add_get(BASE + "/state", self.everything)
        app.router.add_get(BASE + "/deliveries", self.deliveries)
        app.router.add_post(BASE + "/issues/{key}/transition", self.transition)
        app.router.add_post(BASE + "/issues/{key}/comment", self.comment)
        app.router.add_post(BASE + "/issues/{key}/update", self.update)
        app.router.add_delete(BASE + "/issues/{key}", self.delete)

    async def everything(self, _: web.Request) -> web.Response:
        return web.json_response({key: plain(issue) for key, issue in self.state.issues.items()})

    async def deliveries(self, _: web.Request) -> web.Response:
        rows = [
            {"id": d.identifier, "event": d.event, "answers": d.answers, "outcome": d.outcome}
            for d in self.webhooks.log
        ]
        return web.json_response(rows)

    async def transition(self, request: web.Request) -> web.Response:
        key, asked = request.match_info["key"], await request.json()
        return web.json_response(plain(self.state.transition(key, asked["status"])))

    async def comment(self, request: web.Request) -> web.Response:
        key, asked = request.match_info["key"], await request.json()
        author = self.state.user(asked.get("author"))
        comment = self.state.add_comment(key, author, asked["body"])
        return web.json_response({"id": comment.id})

    async def update(self, request: web.Request) -> web.Response:
        key, changes = request.match_info["key"], dict(await request.json())
        if "assignee" in changes:
            who = changes["assignee"]
            changes["assignee"] = self.state.user(who)
            if who and changes["assignee"] is None:
                raise Refusal(400, f"There is no user {who}.")
        return web.json_response(plain(self.state.update_issue(key, **changes)))

    async def delete(self, request: web.Request) -> web.Response:
        self.state.delete_issue(request.match_info["key"])
        return web.Response(status=204)


def plain(issue: JiraIssue) -> dict[str, Any]:
    """An issue in plain words, to compare end states with."""
    return {
        "key": issue.key,
        "id": issue.id,
        "summary": issue.summary,
        "status": issue.status,
        "priority": issue.priority,
        "assignee": issue.assignee.account_id if issue.assignee else None,
        "labels": list(issue.labels),
        "sprint": issue.sprint,
        "updated": time_text(issue.updated),
        "comments": [
            {"id": comment.id, "body": comment.body, "author": comment.author.account_id}
            for comment in issue.comments
        ],
        "remote_links": [
            {"url": link.url, "title": link.title, "globalId": link.global_id}
            for link in issue.remote_links
        ],
    }
