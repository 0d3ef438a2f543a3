"""Steers the stand-in from tests: move, comment, update, delete, deliveries, and the whole state.

Unlike JIRA it asks for no token. What is done here is done by a person, not by the bot, unless
the body names somebody else in `by`.
"""

import dataclasses
from typing import Any, Final

from aiohttp import web

from sandbox.jira.model import JiraIssue, JiraUser, Refusal
from sandbox.jira.render import time_text
from sandbox.jira.rest.call import Answer, created, done, ok
from sandbox.jira.serving import body_of, respond
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import Misdelivery, Webhooks

BASE: Final = "/_sandbox"


class Control:
    """The handlers of one server."""

    def __init__(self, state: JiraState, webhooks: Webhooks) -> None:
        self.state = state
        self.webhooks = webhooks

    def add_routes(self, app: web.Application) -> None:
        """Mount all routes."""
        add = app.router
        add.add_get(BASE + "/state", self.everything)
        add.add_get(BASE + "/deliveries", self.deliveries)
        add.add_put(BASE + "/deliveries/trouble", self.trouble)
        add.add_post(BASE + "/issues", self.create)
        add.add_get(BASE + "/issues/{key}", self.show)
        add.add_post(BASE + "/issues/{key}/transition", self.transition)
        add.add_post(BASE + "/issues/{key}/comment", self.comment)
        add.add_post(BASE + "/issues/{key}/update", self.update)
        add.add_post(BASE + "/issues/{key}/move", self.move)
        add.add_post(BASE + "/issues/{key}/sprint", self.sprint)
        add.add_delete(BASE + "/issues/{key}", self.delete)

    async def everything(self, _: web.Request) -> web.Response:
        """All issues by key, in plain words."""
        return respond(ok({key: plain(issue) for key, issue in self.state.issues.items()}))

    async def deliveries(self, _: web.Request) -> web.Response:
        """The webhooks that were sent, oldest first, with the status of each try."""
        return respond(ok([_told(delivery) for delivery in self.webhooks.log]))

    async def trouble(self, request: web.Request) -> web.Response:
        """Let deliveries go wrong from now on; an empty object: no more."""
        asked = await _object(request)
        try:
            self.webhooks.misdelivery = Misdelivery(**asked)
        except TypeError as error:
            raise Refusal(400, str(error)) from None
        return respond(done())

    async def create(self, request: web.Request) -> web.Response:
        """Create an issue; the body has the arguments of `JiraState.create_issue`."""
        asked = await _object(request)
        reporter = self._by(asked)
        try:
            issue = self.state.create_issue(**{"reporter": reporter, **asked})
        except TypeError as error:
            raise Refusal(400, str(error)) from None
        return respond(created(plain(issue)))

    async def show(self, request: web.Request) -> web.Response:
        """One issue."""
        return self._shown(request)

    async def transition(self, request: web.Request) -> web.Response:
        """Move an issue to `status`."""
        asked = await _object(request)
        self.state.transition(self._key(request), _needed(asked, "status"), self._by(asked))
        return self._shown(request)

    async def comment(self, request: web.Request) -> web.Response:
        """Comment with `body`, perhaps as `author`."""
        asked = await _object(request)
        author = asked.get("author") or self._by(asked)
        made = self.state.add_comment(
            self._key(request),
            author,
            _needed(asked, "body"),
            visibility=asked.get("visibility"),
        )
        return respond(ok({"id": made.id}))

    async def update(self, request: web.Request) -> web.Response:
        """Change fields, named as in `JiraState.update_issue`."""
        asked = await _object(request)
        by = self._by(asked)
        try:
            self.state.update_issue(self._key(request), by, **asked)
        except TypeError as error:
            raise Refusal(400, str(error)) from None
        return self._shown(request)

    async def move(self, request: web.Request) -> web.Response:
        """Move an issue to another `project`."""
        asked = await _object(request)
        new = self.state.move_issue(self._key(request), _needed(asked, "project"), self._by(asked))
        return respond(ok(plain(self.state.issue(new))))

    async def sprint(self, request: web.Request) -> web.Response:
        """Put an issue into a `sprint` (its number), or with null into the backlog."""
        asked = await _object(request)
        self.state.move_to_sprint(self._key(request), asked.get("sprint"), self._by(asked))
        return self._shown(request)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete an issue."""
        self.state.delete_issue(self._key(request), someone(self.state))
        return respond(Answer(204))

    def _key(self, request: web.Request) -> str:
        return self.state.issue(request.match_info["key"]).key

    def _shown(self, request: web.Request) -> web.Response:
        return respond(ok(plain(self.state.issue(request.match_info["key"]))))

    def _by(self, asked: dict[str, Any]) -> JiraUser:
        return self.state.person(asked.pop("by", None), "by") or someone(self.state)


def someone(state: JiraState) -> JiraUser:
    """A person who is not the bot, if there is one."""
    people = (user for user in state.users.values() if user.active and user != state.bot)
    return next(people, state.bot)


def plain(issue: JiraIssue) -> dict[str, Any]:
    """An issue in plain words, to compare end states with."""
    return {
        "key": issue.key,
        "id": issue.id,
        "project": issue.project,
        "type": issue.type,
        "summary": issue.summary,
        "status": issue.status,
        "resolution": issue.resolution,
        "priority": issue.priority,
        "assignee": issue.assignee.account_id if issue.assignee else None,
        "labels": list(issue.labels),
        "components": list(issue.components),
        "fix_versions": list(issue.fix_versions),
        "sprint": issue.sprint,
        "security": issue.security,
        "custom": {name: _plain(value) for name, value in issue.custom.items()},
        "created": time_text(issue.created),
        "updated": time_text(issue.updated),
        "comments": [
            {
                "id": comment.id,
                "body": comment.body,
                "author": comment.author.account_id,
                "visibility": comment.visibility,
            }
            for comment in issue.comments
        ],
        "remote_links": [
            {"url": link.url, "title": link.title, "globalId": link.global_id}
            for link in issue.remote_links
        ],
        "properties": issue.properties,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, JiraUser):
        return value.account_id
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _told(delivery: Any) -> dict[str, Any]:
    row = dataclasses.asdict(delivery)
    return {"id": row.pop("identifier"), **row}


async def _object(request: web.Request) -> dict[str, Any]:
    body = await body_of(request)
    if not isinstance(body, dict):
        raise Refusal(400, "An object is wanted.")
    return body


def _needed(asked: dict[str, Any], name: str) -> str:
    if not isinstance(asked.get(name), str):
        raise Refusal(400, f"'{name}' is wanted, as a text.")
    return str(asked[name])
