"""A small page of the stand-in JIRA: the board, and cards to move and comment on by hand."""

from html import escape
from urllib.parse import quote

from aiohttp import web

from sandbox.jira.state import PRIORITIES, JiraIssue, JiraState, Refusal

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d9dde3, #3a414b);
  --soft: light-dark(#f3f5f8, #22272e); --text: light-dark(#1b2430, #e3e8ee);
  --quiet: light-dark(#5a6675, #9aa7b5); --link: light-dark(#0b5cad, #7db7ff); }
* { box-sizing: border-box; } body { margin: 0; font: 15px/1.45 system-ui, sans-serif;
  color: var(--text); background: light-dark(#fff, #171b20); }
header { padding: .8rem 1rem; border-bottom: 1px solid var(--line); display: flex; gap: 1rem;
  align-items: baseline; flex-wrap: wrap; } h1 { font-size: 1.1rem; margin: 0; }
main { padding: 1rem; } a { color: var(--link); } .quiet { color: var(--quiet); }
.board { display: flex; gap: .8rem; overflow-x: auto; align-items: flex-start; }
.column { flex: 0 0 15rem; background: var(--soft); border-radius: 8px; padding: .6rem; }
.column h2 { font-size: .85rem; margin: 0 0 .5rem; display: flex; justify-content: space-between; }
.card { display: block; background: light-dark(#fff, #2b313a); border: 1px solid var(--line);
  border-radius: 6px; padding: .5rem .6rem; margin-bottom: .5rem; text-decoration: none;
  color: inherit; overflow-wrap: anywhere; } .card small { color: var(--quiet); }
.narrow { max-width: 46rem; } form { display: flex; gap: .5rem; flex-wrap: wrap; margin: .6rem 0;
  align-items: center; } label { min-width: 6rem; } select, textarea, input, button { font: inherit;
  padding: .35rem .5rem; border: 1px solid var(--line); border-radius: 6px; color: inherit;
  background: light-dark(#fff, #2b313a); } textarea { width: 100%; min-height: 4rem; }
button { cursor: pointer; } blockquote { margin: .5rem 0; padding: .3rem .8rem;
  border-left: 3px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
"""
MOST_CARDS = 25
TEAM = "T5G"


def add_routes(app: web.Application, state: JiraState) -> None:
    """Mount the page."""
    pages = _Pages(state)
    app.router.add_get("/", pages.board)
    app.router.add_get("/browse/{key}", pages.card)
    app.router.add_post("/browse/{key}", pages.change)


class _Pages:
    def __init__(self, state: JiraState) -> None:
        self.state = state

    async def board(self, request: web.Request) -> web.Response:
        project = request.query.get("project", TEAM)
        if project not in self.state.projects:
            raise Refusal(404, f"There is no project {project}.")
        columns = "".join(
            self._column(status, project) for status in self.state.projects[project].statuses
        )
        links = " ".join(
            f'<a href="/?project={quote(key)}">{escape(key)}</a>' for key in self.state.projects
        )
        title = f"Sandbox JIRA · {escape(project)}"
        return _page(title, links, f'<div class="board">{columns}</div>')

    def _column(self, status: str, project: str) -> str:
        found = [
            i for i in self.state.issues.values() if i.project == project and i.status == status
        ]
        found.sort(key=lambda issue: issue.updated, reverse=True)
        cards = "".join(_tile(issue) for issue in found[:MOST_CARDS])
        more = len(found) - MOST_CARDS
        rest = f'<p class="quiet">and {more} more</p>' if more > 0 else ""
        count = f'<span class="quiet">{len(found)}</span>'
        return f'<section class="column"><h2>{escape(status)} {count}</h2>{cards}{rest}</section>'

    async def card(self, request: web.Request) -> web.Response:
        issue = self.state.issue(request.match_info["key"])
        facts = (
            f"<p>{escape(issue.type)} · {escape(issue.priority)} · "
            f"labels: {escape(', '.join(issue.labels) or 'none')}</p>"
        )
        comments = "".join(
            f'<blockquote><small class="quiet">{escape(comment.author.name)} · '
            f"{comment.created:%Y-%m-%d %H:%M}</small>\n{escape(comment.body)}</blockquote>"
            for comment in issue.comments
        )
        body = (
            f'<div class="narrow"><h2>{escape(issue.summary)}</h2>{facts}{self._forms(issue)}'
            f"<h3>Comments</h3>{comments}"
            '<form method="post"><textarea name="comment" aria-label="Comment" required></textarea>'
            f"<button>Comment</button></form></div>"
        )
        return _page(
            escape(issue.key), f'<a href="/?project={quote(issue.project)}">Board</a>', body
        )

    def _forms(self, issue: JiraIssue) -> str:
        people = {"": "Nobody"} | {u.account_id: u.name for u in self.state.users.values()}
        statuses = {s: s for s in self.state.projects[issue.project].statuses}
        assignee = issue.assignee.account_id if issue.assignee else ""
        return (
            _choice("status", "Status", statuses, issue.status)
            + _choice("assignee", "Assignee", people, assignee)
            + _choice("priority", "Priority", {p: p for p in PRIORITIES}, issue.priority)
            + '<form method="post"><label for="labels">Labels</label>'
            f'<input id="labels" name="labels" value="{escape(" ".join(issue.labels))}">'
            "<button>Set</button></form>"
        )

    async def change(self, request: web.Request) -> web.Response:
        key, form = request.match_info["key"], await request.post()
        for name, raw in form.items():
            value = str(raw)
            match name:
                case "status":
                    self.state.transition(key, value)
                case "comment":
                    self.state.add_comment(key, None, value)
                case "assignee":
                    self.state.update_issue(key, assignee=self.state.user(value or None))
                case "priority":
                    self.state.update_issue(key, priority=value)
                case "labels":
                    self.state.update_issue(key, labels=tuple(value.split()))
        raise web.HTTPSeeOther(f"/browse/{quote(self.state.issue(key).key)}")


def _tile(issue: JiraIssue) -> str:
    who = escape(issue.assignee.name if issue.assignee else "nobody")
    return (
        f'<a class="card" href="/browse/{quote(issue.key)}"><strong>{escape(issue.key)}</strong> '
        f"{escape(issue.summary[:90])}<br><small>{escape(issue.priority)} · {who}</small></a>"
    )


def _choice(name: str, label: str, options: dict[str, str], chosen: str) -> str:
    rows = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(text)}</option>"
        for value, text in options.items()
    )
    return (
        f'<form method="post"><label for="{name}">{label}</label>'
        f'<select id="{name}" name="{name}">{rows}</select><button>Set</button></form>'
    )


def _page(title: str, links: str, body: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style>"
        f"<header><h1>{title}</h1><nav>{links}</nav></header><main>{body}</main></html>"
    )
    return web.Response(text=text, content_type="text/html")
