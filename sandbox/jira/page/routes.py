"""Shows the board and single issues, and takes their forms; needs no script in the browser.

What is done here is done by a person: whoever was chosen at the top, never the bot by itself.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sandbox.jira.control import someone
from sandbox.jira.markup import to_html
from sandbox.jira.model import FINISHED, LINK_TYPES, PRIORITIES, JiraIssue, JiraUser, Refusal
from sandbox.jira.state import JiraState
from sandbox.jira.workflow import category, transitions

HERE: Final = Path(__file__).parent
COOKIE: Final = "sandbox_jira_person"
MOST_CARDS: Final = 25
SAFE: Final = frozenset({"", "none", "same-origin", "same-site"})


@cache
def page_templates() -> Environment:
    """The templates of these pages, each compiled once in a process."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"initials": initials, "wiki": wiki}
    return environment


class Pages:
    """The pages of one server."""

    def __init__(self, state: JiraState) -> None:
        self.state = state
        self._templates = page_templates()

    def add_routes(self, app: web.Application) -> None:
        """Mount the pages."""
        app.router.add_get("/", self.board)
        app.router.add_get("/browse/{key}", self.issue)
        app.router.add_post("/browse/{key}", self.change)
        app.router.add_post("/_sandbox/person", self.choose_person)
        app.router.add_static("/_sandbox/static", HERE / "static")

    async def board(self, request: web.Request) -> web.Response:
        """The board of a project, filtered by a text."""
        projects = self.state.projects
        key = request.query.get("project") or next(iter(projects), "")
        if key not in projects:
            return self._page(request, "empty.html", status=404, wanted=key)
        text = request.query.get("q", "").strip()
        columns = self._columns(key, text.casefold())
        return self._page(request, "board.html", project=projects[key], columns=columns, text=text)

    async def issue(self, request: web.Request) -> web.Response:
        """One issue."""
        return self._issue(request)

    async def change(self, request: web.Request) -> web.Response:
        """Take a form: one thing is changed, and the page it came from is shown again."""
        _same_site(request)
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            self._apply(request.match_info["key"], self._person(request), form)
        except Refusal as refusal:
            words = [*refusal.messages, *refusal.errors.values()]
            return self._issue(request, status=refusal.status, wrong=" ".join(words))
        key = self.state.issue(request.match_info["key"]).key
        back = form.get("back", "")
        raise web.HTTPSeeOther(_path_of(back) or f"/browse/{quote(key)}")

    async def choose_person(self, request: web.Request) -> web.Response:
        """Be somebody else from now on."""
        _same_site(request)
        form = await request.post()
        answer = web.HTTPSeeOther(_path_of(str(form.get("back", ""))) or "/")
        answer.set_cookie(COOKIE, str(form.get("person", "")), httponly=True, samesite="Strict")
        raise answer

    def _apply(self, key: str, who: JiraUser, form: Mapping[str, str]) -> None:
        state = self.state
        match form:
            case {"status": status}:
                state.transition(key, status, who)
            case {"comment": body} if body.strip():
                state.add_comment(key, who, body.replace("\r\n", "\n").strip())
            case {"assignee": account}:
                state.update_issue(key, who, assignee=account or None)
            case {"priority": priority}:
                state.update_issue(key, who, priority=priority)
            case {"labels": labels}:
                state.update_issue(key, who, labels=labels.split())
            case {"summary": summary}:
                state.update_issue(key, who, summary=summary.strip())
            case {"sprint": number}:
                state.move_to_sprint(key, int(number) if number.isdigit() else None, who)

    def _issue(self, request: web.Request, *, status: int = 200, wrong: str = "") -> web.Response:
        try:
            issue = self.state.issue(request.match_info["key"])
        except Refusal:
            wanted = request.match_info["key"]
            return self._page(request, "empty.html", status=404, wanted=wanted)
        return self._page(
            request,
            "issue.html",
            status=status,
            wrong=wrong,
            issue=issue,
            project=self.state.projects[issue.project],
            group=category(issue.status)["key"],
            ways=transitions(self.state.projects[issue.project], issue.status),
            people=[user for user in self.state.users.values() if user.active],
            priorities=PRIORITIES,
            sprints=[one for one in self.state.sprints.values() if one.state != "closed"],
            links=self._links(issue),
            custom=self._custom(issue),
            activity=self._activity(issue),
        )

    def _columns(self, key: str, text: str) -> list[dict[str, Any]]:
        project = self.state.projects[key]
        cards: dict[str, list[JiraIssue]] = {status: [] for status in project.statuses}
        for issue in self.state.index.projects[key].values():
            if not text or text in f"{issue.key} {issue.summary} {issue.labels}".casefold():
                cards.setdefault(issue.status, []).append(issue)
        return [
            {
                "status": status,
                "group": category(status)["key"],
                "count": len(found),
                "cards": sorted(found, key=lambda one: one.updated, reverse=True)[:MOST_CARDS],
                "ways": transitions(project, status),
            }
            for status, found in cards.items()
        ]

    def _links(self, issue: JiraIssue) -> list[tuple[str, JiraIssue]]:
        """The issues linked with this one, and how that reads from here."""
        known, kinds = self.state.index.by_id, {kind.name: kind for kind in LINK_TYPES}
        return [
            (kinds[link.type].outward, known[link.target])
            if link.source == issue.id
            else (kinds[link.type].inward, known[link.source])
            for link in self.state.links_of(issue)
        ]

    def _custom(self, issue: JiraIssue) -> list[tuple[str, str]]:
        """The custom fields that have a value, in words."""
        return [
            (self.state.fields[name].name, _words(value))
            for name, value in issue.custom.items()
            if value not in (None, "", [])
        ]

    def _activity(self, issue: JiraIssue) -> list[dict[str, Any]]:
        """Comments and changes, newest first."""
        rows: list[dict[str, Any]] = [
            {"at": one.created, "who": one.author, "comment": one} for one in issue.comments
        ]
        rows += [{"at": one.at, "who": one.author, "items": one.items} for one in issue.history]
        return sorted(rows, key=lambda row: row["at"], reverse=True)

    def _person(self, request: web.Request) -> JiraUser:
        return self.state.users.get(request.cookies.get(COOKIE, "")) or someone(self.state)

    def _page(
        self, request: web.Request, name: str, *, status: int = 200, **values: Any
    ) -> web.Response:
        html = self._templates.get_template(name).render(
            here=request.path_qs,
            kind="Cloud" if self.state.cloud else "Data Center",
            person=self._person(request),
            everyone=[user for user in self.state.users.values() if user.active],
            projects=self.state.projects.values(),
            finished=FINISHED,
            **values,
        )
        headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
        }
        return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def initials(user: JiraUser | None) -> str:
    """The first letters of somebody's names."""
    return "".join(part[0] for part in user.name.split()[:2]).upper() if user else "–"


def wiki(text: str) -> Markup:
    """Wiki text for the page; `to_html` escapes everything in it."""
    return Markup(to_html(text))  # noqa: S704


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_words(one) for one in value)
    return value.name if isinstance(value, JiraUser) else str(value)


def _same_site(request: web.Request) -> None:
    """Forms of other sites change nothing here."""
    if request.headers.get("Sec-Fetch-Site", "") not in SAFE:
        raise web.HTTPForbidden(text="This form comes from another site.")


def _path_of(back: str) -> str:
    """The path and query of an address on this server, "" for any other."""
    parts = urlsplit(back)
    inside = not parts.scheme and not parts.netloc and back.startswith("/")
    return back if inside and not back.startswith("//") and "\\" not in back else ""
