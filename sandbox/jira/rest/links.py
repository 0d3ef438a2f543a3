"""Links: from issues to pages elsewhere (remote links), and between issues."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.jira.model import JiraIssue, Refusal, RemoteLink
from sandbox.jira.render import link_json, remote_link_json
from sandbox.jira.rest.call import Answer, Call, Router, created, done, ok
from sandbox.jira.rest.reading import read_text

router = Router()
LONGEST: Final = 255


@router.get("issue/{key}/remotelink")
def remote_links(call: Call) -> Answer:
    """All remote links; with `globalId` that one alone, not a list."""
    issue, wanted = call.issue(), call.query.get("globalId")
    if wanted is None:
        return ok([_shown(call, issue, link) for link in issue.remote_links])
    return ok(_shown(call, issue, _by_global_id(issue, wanted)))


@router.post("issue/{key}/remotelink")
def add_remote_link(call: Call) -> Answer:
    """Add a link (201), or replace the one with the same `globalId` (200), whole."""
    issue, _ = call.issue(), call.writer()
    target = _target(call)
    global_id = call.asked.get("globalId")
    if global_id is not None and (not isinstance(global_id, str) or len(global_id) > LONGEST):
        raise Refusal(400, errors={"globalId": f"'globalId' is longer than {LONGEST} characters."})
    link, new = call.state.add_remote_link(
        issue.key,
        target["url"],
        target["title"],
        global_id,
        call.asked.get("relationship"),
        summary=target.get("summary"),
    )
    base = f"{call.state.base_url}/rest/api/{call.version}/issue/{issue.key}/remotelink"
    body = {"id": link.id, "self": f"{base}/{link.id}"}
    return created(body) if new else ok(body)


@router.delete("issue/{key}/remotelink")
def remove_by_global_id(call: Call) -> Answer:
    """Take the link with a `globalId` away."""
    issue, wanted = call.issue(), call.query.get("globalId")
    if not wanted:
        raise Refusal(400, "The query parameter 'globalId' is required.")
    call.state.remove_remote_link(issue.key, _by_global_id(issue, wanted).id)
    return done()


@router.get(r"issue/{key}/remotelink/{id:\d+}")
def remote_link(call: Call) -> Answer:
    """One remote link."""
    issue, number = call.issue(), int(call.path["id"])
    for link in issue.remote_links:
        if link.id == number:
            return ok(_shown(call, issue, link))
    raise Refusal(404, f"No remote link with id '{number}' exists.")


@router.delete(r"issue/{key}/remotelink/{id:\d+}")
def remove(call: Call) -> Answer:
    """Take a remote link away."""
    call.state.remove_remote_link(call.issue().key, int(call.path["id"]))
    return done()


@router.post("issueLink")
def link(call: Call) -> Answer:
    """Link two issues: the inward one `blocks` the outward one."""
    who = call.writer()
    kind = call.asked.get("type")
    name = kind.get("name") if isinstance(kind, Mapping) else None
    if not name:
        raise Refusal(400, "An issue link type is required: type.name.")
    source, target = _end(call, "inwardIssue"), _end(call, "outwardIssue")
    comment = call.asked.get("comment")
    text = read_text(comment["body"], call.version, "comment") if comment else ""
    call.state.link(source.key, target.key, str(name))
    if text:
        call.state.add_comment(source.key, who, text)
    return created()


@router.get("issueLink/{id}")
def one_link(call: Call) -> Answer:
    """One link between issues."""
    found = call.state.links.get(call.path["id"])
    if found is None or call.actor is None:
        raise Refusal(404, f"No issue link with id '{call.path['id']}' exists.")
    for end in (found.source, found.target):
        call.visible(end)
    return ok(link_json(call.state, found))


@router.delete("issueLink/{id}")
def unlink(call: Call) -> Answer:
    """Take a link between issues away."""
    call.writer()
    call.state.unlink(call.path["id"])
    return done()


def _target(call: Call) -> dict[str, Any]:
    target = call.asked.get("object")
    found = dict(target) if isinstance(target, Mapping) else {}
    errors = {name: f"'{name}' is required." for name in ("title", "url") if not found.get(name)}
    if not errors and len(str(found["title"])) > LONGEST:
        errors["title"] = f"'title' is longer than {LONGEST} characters."
    if errors:
        raise Refusal(400, errors=errors)
    return {**found, "url": str(found["url"]), "title": str(found["title"])}


def _by_global_id(issue: JiraIssue, wanted: str) -> RemoteLink:
    for found in issue.remote_links:
        if found.global_id == wanted:
            return found
    raise Refusal(404, f"No remote link with globalId '{wanted}' exists.")


def _shown(call: Call, issue: JiraIssue, link: RemoteLink) -> dict[str, Any]:
    return remote_link_json(call.state, issue, link, call.version)


def _end(call: Call, name: str) -> JiraIssue:
    given = call.asked.get(name)
    key = (given.get("key") or given.get("id")) if isinstance(given, Mapping) else None
    if not key:
        raise Refusal(400, f"'{name}' needs a key or an id.")
    return call.visible(str(key))
