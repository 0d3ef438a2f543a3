"""JIRA's REST API, v2 and v3, as Cloud and as Data Center speak it."""

import base64
import itertools
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.jira import jql
from sandbox.jira.adf import is_adf, to_text
from sandbox.jira.render import (
    comment_json,
    issue_json,
    priority_json,
    project_json,
    remote_link_json,
    status_json,
    time_text,
    type_json,
    user_json,
)
from sandbox.jira.state import (
    FINISHED,
    ISSUE_TYPES,
    PRIORITIES,
    JiraIssue,
    JiraState,
    JiraUser,
    Refusal,
)

STATE = web.AppKey("jira_state", JiraState)
PAGE_LIMIT = 100
KEYS_LIMIT = 5000
GONE = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available in the changelog, CHANGE-2046."
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what JIRA refuses with its error object."""
    try:
        return await handler(request)
    except Refusal as refusal:
        body = {"errorMessages": refusal.messages, "errors": refusal.errors}
        return web.json_response(body, status=refusal.status)
    except json.JSONDecodeError:
        return web.json_response({"errorMessages": ["Invalid request payload."]}, status=400)


class Rest:
    """The handlers of one server."""

    def __init__(self, state: JiraState, now: Callable[[], Any]) -> None:
        self.state = state
        self.now = now
        self._tokens: dict[str, tuple[list[str], int]] = {}
        self._serial = itertools.count(1)

    def add_routes(self, app: web.Application) -> None:
        """Mount all routes, under version 2 and 3."""
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "serverInfo", self.server_info),
            ("GET", "myself", self.myself),
            ("GET", "field", self.fields),
            ("GET", "priority", self.priorities),
            ("GET", "issuetype", self.issue_types),
            ("GET", "status", self.statuses),
            ("GET", "project/{key}", self.project),
            ("GET", "project/{key}/components", self.components),
            ("GET", "search", self.search),
            ("POST", "search", self.search),
            ("GET", "search/jql", self.search_jql),
            ("POST", "search/jql", self.search_jql),
            ("POST", "search/approximate-count", self.count),
            ("POST", "issue", self.create),
            ("GET", "issue/{key}", self.issue),
            ("PUT", "issue/{key}", self.edit),
            ("DELETE", "issue/{key}", self.delete),
            ("GET", "issue/{key}/transitions", self.transitions),
            ("POST", "issue/{key}/transitions", self.transition),
            ("PUT", "issue/{key}/assignee", self.assign),
            ("GET", "issue/{key}/comment", self.comments),
            ("POST", "issue/{key}/comment", self.comment),
            ("PUT", "issue/{key}/comment/{id}", self.edit_comment),
            ("DELETE", "issue/{key}/comment/{id}", self.delete_comment),
            ("GET", "issue/{key}/remotelink", self.remote_links),
            ("POST", "issue/{key}/remotelink", self.remote_link),
            ("GET", "issue/{key}/properties/{name}", self.property),
            ("PUT", "issue/{key}/properties/{name}", self.set_property),
            ("GET", "issue/{key}/watchers", self.watchers),
            ("POST", "issue/{key}/watchers", self.watch),
            ("POST", "issueLink", self.link),
            ("DELETE", "issueLink/{id}", self.unlink),
            ("GET", "user/search", self.users),
            ("GET", "user/assignable/search", self.users),
            ("GET", "user/assignable/multiProjectSearch", self.users),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, f"/rest/api/{{version:2|3|latest}}/{path}", handler)
        app.router.add_get("/rest/applinks/latest/listApplicationlinks", self.application_links)

    # The server and its lists

    async def server_info(self, _: web.Request) -> web.Response:
        cloud = self.state.cloud
        return web.json_response(
            {
                "baseUrl": self.state.base_url,
                "version": "1001.0.0-SNAPSHOT" if cloud else "10.3.2",
                "versionNumbers": [1001, 0, 0] if cloud else [10, 3, 2],
                "deploymentType": "Cloud" if cloud else "Server",
                "buildNumber": 100287,
                "serverTitle": "Sandbox JIRA",
                "serverTime": time_text(self.now()),
            }
        )

    async def myself(self, _: web.Request) -> web.Response:
        return web.json_response(user_json(self.state, self.state.bot))

    async def fields(self, _: web.Request) -> web.Response:
        names = {
            "summary": "Summary",
            "status": "Status",
            "labels": "Labels",
            "priority": "Priority",
        }
        custom = sorted({name for issue in self.state.issues.values() for name in issue.custom})
        rows = [{"id": k, "key": k, "name": v, "custom": False} for k, v in names.items()]
        rows += [{"id": k, "key": k, "name": k, "custom": True} for k in custom]
        return web.json_response(rows)

    async def priorities(self, _: web.Request) -> web.Response:
        return web.json_response([priority_json(self.state, name) for name in PRIORITIES])

    async def issue_types(self, _: web.Request) -> web.Response:
        return web.json_response([type_json(name) for name in ISSUE_TYPES])

    async def statuses(self, _: web.Request) -> web.Response:
        key = next(iter(self.state.projects))
        names = self.state.projects[key].statuses
        return web.json_response([status_json(self.state, key, name) for name in names])

    async def project(self, request: web.Request) -> web.Response:
        return web.json_response(project_json(self.state, self._project_key(request)))

    async def components(self, request: web.Request) -> web.Response:
        names = self.state.projects[self._project_key(request)].components
        return web.json_response([{"id": str(n), "name": x} for n, x in enumerate(names, 1)])

    async def application_links(self, _: web.Request) -> web.Response:
        return web.json_response({"list": []})

    async def users(self, request: web.Request) -> web.Response:
        wanted = (request.query.get("query") or request.query.get("username") or "").casefold()
        found = [
            user
            for user in self.state.users.values()
            if wanted in f"{user.name} {user.email} {user.username}".casefold()
            or wanted == user.account_id.casefold()
        ]
        return web.json_response([user_json(self.state, user) for user in found[:50]])

    # Search

    async def search(self, request: web.Request) -> web.Response:
        if self.state.cloud:
            raise Refusal(410, GONE)
        asked = await _asked(request)
        found = self._found(str(asked.get("jql") or ""), bounded=False)
        start = int(asked.get("startAt") or 0)
        size = min(int(asked.get("maxResults") or 50), 1000)
        page = found[start : start + size]
        fields = _csv(asked.get("fields")) or ["*navigable"]
        rows = [self._row(request, issue, asked, fields) for issue in page]
        return web.json_response(
            {"startAt": start, "maxResults": size, "total": len(found), "issues": rows}
        )

    async def search_jql(self, request: web.Request) -> web.Response:
        if not self.state.cloud:
            raise Refusal(404, "null for uri: /rest/api/2/search/jql")
        asked = await _asked(request)
        fields = _csv(asked.get("fields")) or ["id"]
        limit = KEYS_LIMIT if set(fields) <= {"id", "key"} else PAGE_LIMIT
        size = max(1, min(int(asked.get("maxResults") or 50), limit))
        keys, start = self._from_token(asked)
        page = keys[start : start + size]
        issues = [self.state.issues[key] for key in page if key in self.state.issues]
        body: dict[str, Any] = {
            "issues": [self._row(request, issue, asked, fields) for issue in issues],
            "isLast": start + size >= len(keys),
        }
        if not body["isLast"]:
            token = base64.urlsafe_b64encode(secrets.token_bytes(12)).decode()
            self._tokens[token] = keys, start + size
            body["nextPageToken"] = token
        return web.json_response(body)

    async def count(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response({"count": len(self._found(str(asked.get("jql") or "")))})

    def _from_token(self, asked: dict[str, Any]) -> tuple[list[str], int]:
        token = asked.get("nextPageToken")
        if not token:
            return [issue.key for issue in self._found(str(asked.get("jql") or ""))], 0
        if token not in self._tokens:
            raise Refusal(400, "The provided next page token is invalid or expired.")
        return self._tokens[token]

    def _found(self, text: str, *, bounded: bool = True) -> list[JiraIssue]:
        search = jql.parse(text, self.state, self.now())
        if bounded and not search.bounded:
            raise Refusal(
                400, "Unbounded JQL queries are not allowed here. Please add a search restriction."
            )
        return search.run(i for i in self.state.issues.values() if i.security is None)

    def _row(
        self, request: web.Request, issue: JiraIssue, asked: dict[str, Any], fields: list[str]
    ) -> dict[str, Any]:
        expand = asked.get("expand") or ""
        return issue_json(
            self.state,
            issue,
            _version(request),
            fields=fields,
            expand=",".join(expand) if isinstance(expand, list) else expand,
            properties=_csv(asked.get("properties")),
        )

    # One issue

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        fields = asked.get("fields") or {}
        facts = self._facts(fields, _version(request))
        project = self._project_of(fields.get("project"))
        summary = str(facts.pop("summary", ""))
        issue = self.state.create_issue(project, summary, reporter=self.state.bot, **facts)
        url = f"{self.state.base_url}/rest/api/{_version(request)}/issue/{issue.id}"
        return web.json_response({"id": issue.id, "key": issue.key, "self": url}, status=201)

    async def issue(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        fields = _csv(request.query.get("fields")) or None
        return web.json_response(
            issue_json(
                self.state,
                issue,
                _version(request),
                fields=fields,
                expand=request.query.get("expand", ""),
                properties=_csv(request.query.get("properties")),
            )
        )

    async def edit(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        asked = await request.json()
        facts = self._facts(asked.get("fields") or {}, _version(request))
        for name, steps in (asked.get("update") or {}).items():
            facts[name] = self._updated(issue, name, steps)
        self.state.update_issue(issue.key, **facts)
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        self.state.delete_issue(self._issue(request).key)
        return web.Response(status=204)

    async def transitions(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        rows = [
            {
                "id": str(10 + n),
                "name": f"Move to {name}" if name in FINISHED else name,
                "to": status_json(self.state, issue.project, name),
                "hasScreen": False,
                "isAvailable": True,
            }
            for n, name in enumerate(self.state.projects[issue.project].statuses)
            if name != issue.status
        ]
        return web.json_response({"expand": "transitions", "transitions": rows})

    async def transition(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        asked = await request.json()
        wanted = str((asked.get("transition") or {}).get("id", ""))
        statuses = self.state.projects[issue.project].statuses
        number = int(wanted) - 10 if wanted.isdigit() else -1
        if not 0 <= number < len(statuses) or statuses[number] == issue.status:
            raise Refusal(
                400, "It seems that you have tried to perform an illegal workflow operation."
            )
        self.state.transition(issue.key, statuses[number])
        return web.Response(status=204)

    async def assign(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        asked = await request.json()
        who = asked.get("accountId" if self.state.cloud else "name")
        self.state.update_issue(issue.key, assignee=self._user(who))
        return web.Response(status=204)

    # Comments, links, properties, watchers

    async def comments(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        start = int(request.query.get("startAt", 0))
        size = min(int(request.query.get("maxResults", 50)), 100)
        rows = [
            comment_json(self.state, issue, comment, _version(request))
            for comment in issue.comments[start : start + size]
        ]
        total = len(issue.comments)
        return web.json_response(
            {"startAt": start, "maxResults": size, "total": total, "comments": rows}
        )

    async def comment(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        asked = await request.json()
        body = self._body(asked.get("body"), _version(request), "comment")
        role = (asked.get("visibility") or {}).get("value")
        comment = self.state.add_comment(issue.key, self.state.bot, body, visibility=role)
        return web.json_response(
            comment_json(self.state, issue, comment, _version(request)), status=201
        )

    async def edit_comment(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        body = self._body((await request.json()).get("body"), _version(request), "comment")
        comment = self.state.edit_comment(issue.key, request.match_info["id"], body)
        return web.json_response(comment_json(self.state, issue, comment, _version(request)))

    async def delete_comment(self, request: web.Request) -> web.Response:
        self.state.delete_comment(self._issue(request).key, request.match_info["id"])
        return web.Response(status=204)

    async def remote_links(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        wanted = request.query.get("globalId")
        links = [x for x in issue.remote_links if wanted in (None, x.global_id)]
        return web.json_response([remote_link_json(self.state, issue, link) for link in links])

    async def remote_link(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        asked = await request.json()
        target = asked.get("object") or {}
        errors = {n: f"'{n}' is required." for n in ("title", "url") if not target.get(n)}
        if errors:
            raise Refusal(400, errors=errors)
        link, new = self.state.add_remote_link(
            issue.key,
            target["url"],
            target["title"],
            asked.get("globalId"),
            asked.get("relationship"),
        )
        url = f"{self.state.base_url}/rest/api/2/issue/{issue.key}/remotelink/{link.id}"
        return web.json_response({"id": link.id, "self": url}, status=201 if new else 200)

    async def property(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        properties = self._issue(request).properties
        if name not in properties:
            raise Refusal(404, f"The property {name} does not exist.")
        return web.json_response({"key": name, "value": properties[name]})

    async def set_property(self, request: web.Request) -> web.Response:
        issue = self._issue(request)
        self.state.set_property(issue.key, request.match_info["name"], await request.json())
        return web.Response(status=201)

    async def watchers(self, request: web.Request) -> web.Response:
        names = sorted(self._issue(request).watchers)
        return web.json_response(
            {"watchCount": len(names), "watchers": [{"name": n} for n in names]}
        )

    async def watch(self, request: web.Request) -> web.Response:
        self._issue(request).watchers.add(str(await request.json()))
        return web.Response(status=204)

    async def link(self, request: web.Request) -> web.Response:
        asked = await request.json()
        inward, outward = asked["inwardIssue"]["key"], asked["outwardIssue"]["key"]
        self.state.link(inward, outward, (asked.get("type") or {}).get("name", "Relates"))
        return web.Response(status=201)

    async def unlink(self, request: web.Request) -> web.Response:
        self.state.unlink(request.match_info["id"])
        return web.Response(status=204)

    # Within

    def _issue(self, request: web.Request) -> JiraIssue:
        issue = self.state.issue(request.match_info["key"])
        if issue.security is not None:
            raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
        return issue

    def _project_key(self, request: web.Request) -> str:
        return self._project_of({"key": request.match_info["key"]}, status=404)

    def _project_of(self, asked: Any, status: int = 400) -> str:
        wanted = asked if isinstance(asked, dict) else {}
        for project in self.state.projects.values():
            if wanted.get("key") == project.key or str(wanted.get("id")) == project.id:
                return project.key
        raise Refusal(status, errors={"project": "Specify a valid project ID or key"})

    def _user(self, who: Any) -> JiraUser | None:
        if who in (None, "", "-1"):
            return None
        user = self.state.user(str(who))
        if user is None:
            raise Refusal(400, errors={"assignee": f"User '{who}' does not exist."})
        return user

    def _person(self, asked: Any) -> JiraUser | None:
        if asked is None:
            return None
        return self._user(asked.get("accountId") if self.state.cloud else asked.get("name"))

    def _body(self, body: Any, version: int, field: str) -> str:
        if version == 3:
            if not is_adf(body):
                raise Refusal(400, errors={field: "Operation value must be an Atlassian Document"})
            return to_text(body)
        if not isinstance(body, str) or not body.strip():
            raise Refusal(400, errors={field: "Comment body can not be empty!"})
        return body

    def _facts(self, fields: dict[str, Any], version: int) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for name, value in fields.items():
            match name:
                case "project":
                    continue
                case "summary" | "labels":
                    facts[name] = value
                case "description":
                    facts[name] = self._body(value, version, name) if value else ""
                case "issuetype":
                    facts["type"] = value.get("name") or ISSUE_TYPES[int(value["id"]) - 1]
                case "priority":
                    facts["priority"] = value.get("name") or PRIORITIES[int(value["id"]) - 1]
                case "assignee" | "reporter":
                    facts[name] = self._person(value)
                case "components":
                    facts[name] = tuple(item.get("name", "") for item in value)
                case "fixVersions":
                    facts["fix_versions"] = tuple(item.get("name", "") for item in value)
                case _ if name.startswith("customfield_"):
                    facts.setdefault("custom", {})[name] = self._custom(value)
                case _:
                    errors[name] = (
                        f"Field '{name}' cannot be set. It is not on the appropriate screen, or "
                        "unknown."
                    )
        if errors:
            raise Refusal(400, errors=errors)
        return facts

    def _custom(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._custom(item) for item in value]
        if (
            isinstance(value, dict)
            and ({"accountId", "name"} & value.keys())
            and "value" not in value
        ):
            return self._person(value)
        return value

    def _updated(self, issue: JiraIssue, name: str, steps: list[dict[str, Any]]) -> Any:
        if name != "labels":
            raise Refusal(400, errors={name: f"Field '{name}' cannot be updated like this."})
        labels = list(issue.labels)
        for step in steps:
            if "set" in step:
                labels = list(step["set"])
            if "add" in step and step["add"] not in labels:
                labels.append(step["add"])
            if "remove" in step and step["remove"] in labels:
                labels.remove(step["remove"])
        return labels


async def _asked(request: web.Request) -> dict[str, Any]:
    if request.method == "POST":
        body = await request.json()
        return dict(body) if isinstance(body, dict) else {}
    return dict(request.query)


def _csv(value: Any) -> list[str]:
    if not value:
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return [str(part).strip() for part in parts if str(part).strip()]


def _version(request: web.Request) -> int:
    return 3 if request.match_info["version"] == "3" else 2
