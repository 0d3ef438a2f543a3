"""JIRA's agile API: boards, their sprints, and issues that go from one to the other."""

from collections.abc import Iterable
from typing import Any, Final

from sandbox.jira.jql.syntax import Query, read
from sandbox.jira.model import Board, JiraIssue, Refusal
from sandbox.jira.render import board_json, issue_json, sprint_json
from sandbox.jira.rest.call import AGILE, Answer, Call, Router, created, csv, done, ok

router = Router(AGILE)

MOST_MOVED: Final = 50
PAGE: Final = 50
STATES: Final = ("active", "future", "closed")


@router.get("board")
def boards(call: Call) -> Answer:
    """Boards by a part of their name, their project or their type."""
    name = call.query.get("name", "").casefold()
    project, kind = call.query.get("projectKeyOrId"), call.query.get("type")
    found = [
        board_json(call.state, board)
        for board in call.state.boards.values()
        if call.actor is not None
        and name in board.name.casefold()
        and project in (None, board.project, call.state.project(board.project).id)
        and kind in (None, board.kind)
    ]
    return ok(_page(call, found))


@router.get(r"board/{id:\d+}")
def board(call: Call) -> Answer:
    """One board."""
    return ok(board_json(call.state, _board(call)))


@router.get(r"board/{id:\d+}/sprint")
def sprints(call: Call) -> Answer:
    """The sprints of a board; a kanban board has none and says so."""
    found = _board(call)
    if found.kind == "kanban":
        raise Refusal(400, "The board does not support sprints")
    states = csv(call.query.get("state")) or list(STATES)
    if unknown := [state for state in states if state not in STATES]:
        raise Refusal(400, f"Unknown sprint state '{unknown[0]}'; known: {', '.join(STATES)}.")
    rows = [
        sprint_json(call.state, sprint)
        for sprint in call.state.sprints.values()
        if sprint.board == found.id and sprint.state in states
    ]
    return ok(_page(call, rows))


@router.get(r"board/{id:\d+}/issue")
def board_issues(call: Call) -> Answer:
    """The issues of a board's project."""
    key = _board(call).project
    return ok(_issues(call, call.state.index.projects[key].values()))


@router.post("sprint")
def create_sprint(call: Call) -> Answer:
    """Plan a sprint."""
    call.writer()
    name, number = call.asked.get("name"), call.asked.get("originBoardId")
    if not name or not isinstance(number, int):
        raise Refusal(400, "A sprint needs a name and an originBoardId.")
    made = call.state.add_sprint(number, str(name), "future", goal=str(call.asked.get("goal", "")))
    return created(sprint_json(call.state, call.state.sprint(made)))


@router.get(r"sprint/{id:\d+}")
def sprint(call: Call) -> Answer:
    """One sprint."""
    return ok(sprint_json(call.state, call.state.sprint(_sprint_id(call))))


@router.post(r"sprint/{id:\d+}")
@router.put(r"sprint/{id:\d+}")
def edit_sprint(call: Call) -> Answer:
    """Start, close or rename a sprint."""
    call.writer()
    found, state = call.state.sprint(_sprint_id(call)), call.asked.get("state")
    name, goal = call.asked.get("name"), call.asked.get("goal")
    if name is not None or goal is not None:
        call.state.rename_sprint(found.id, name or found.name, goal)
    if state is not None and state != found.state:
        if (found.state, state) not in (("future", "active"), ("active", "closed")):
            raise Refusal(400, f"A sprint that is {found.state} can not become {state}.")
        call.state.set_sprint_state(found.id, str(state))
    return ok(sprint_json(call.state, found))


@router.get(r"sprint/{id:\d+}/issue")
def sprint_issues(call: Call) -> Answer:
    """The issues of a sprint."""
    found = call.state.sprint(_sprint_id(call))
    return ok(_issues(call, call.state.index.sprints[found.id].values()))


@router.post(r"sprint/{id:\d+}/issue")
def to_sprint(call: Call) -> Answer:
    """Put at most 50 issues into a sprint that is not closed."""
    who, found = call.writer(), call.state.sprint(_sprint_id(call))
    if found.state == "closed":
        raise Refusal(400, "Issues can only be moved to open or active sprints.")
    for issue in _moved(call):
        call.state.move_to_sprint(issue.key, found.id, who)
    return done()


@router.post("backlog/issue")
def to_backlog(call: Call) -> Answer:
    """Take at most 50 issues out of their sprints."""
    who = call.writer()
    for issue in _moved(call):
        call.state.move_to_sprint(issue.key, None, who)
    return done()


def _board(call: Call) -> Board:
    found = call.state.board(int(call.path["id"]))
    if call.actor is None:
        raise Refusal(404, "The requested board cannot be viewed.")
    return found


def _sprint_id(call: Call) -> int:
    return int(call.path["id"])


def _moved(call: Call) -> list[JiraIssue]:
    """The issues to move: all of them, or with one that is not there none."""
    keys = call.asked.get("issues")
    if not isinstance(keys, list) or not keys:
        raise Refusal(400, "The field 'issues' is required.")
    if len(keys) > MOST_MOVED:
        raise Refusal(400, f"At most {MOST_MOVED} issues may be moved in one operation.")
    return [call.visible(str(key)) for key in keys]


def _issues(call: Call, among: Iterable[JiraIssue]) -> dict[str, Any]:
    """A page of issues, of those that the query in `jql` finds too."""
    inside = {issue.id for issue in among}
    jql = call.query.get("jql") or ""
    query: Query = read(jql)
    ordered = jql if query.order else f"{jql} ORDER BY created ASC"
    found = call.search.find(ordered, call.actor, bounded=False).issues
    rows = [issue for issue in found if issue.id in inside]
    start, size = call.number("startAt", 0), call.number("maxResults", PAGE, most=1_000)
    fields = csv(call.query.get("fields")) or ["*all"]
    expand = call.query.get("expand", "")
    page = [
        issue_json(call.state, issue, 2, fields=fields, expand=expand)
        for issue in rows[start : start + size]
    ]
    return {
        "expand": "schema,names", "startAt": start, "maxResults": size, "total": len(rows),
        "issues": page,
    }  # fmt: skip


def _page(call: Call, rows: list[dict[str, Any]]) -> dict[str, Any]:
    start, size = call.number("startAt", 0), call.number("maxResults", PAGE, most=PAGE)
    page = rows[start : start + size]
    return {
        "maxResults": size, "startAt": start, "total": len(rows),
        "isLast": start + len(page) >= len(rows), "values": page,
    }  # fmt: skip
