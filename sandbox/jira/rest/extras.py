"""What else hangs on issues: properties (also the linked cases), watchers; and finding people."""

from typing import Any

from sandbox.jira.model import JiraUser, Refusal
from sandbox.jira.render import user_json
from sandbox.jira.rest.call import Answer, Call, Router, created, done, ok
from sandbox.jira.rest.reading import find_account

router = Router()


@router.get("issue/{key}/properties")
def properties(call: Call) -> Answer:
    """The names of an issue's properties."""
    issue = call.issue()
    base = f"{call.state.base_url}/rest/api/{call.version}/issue/{issue.id}/properties"
    return ok({"keys": [{"self": f"{base}/{name}", "key": name} for name in issue.properties]})


@router.get("issue/{key}/properties/{name}")
def get_property(call: Call) -> Answer:
    """One property."""
    name, found = call.path["name"], call.issue().properties
    if name not in found:
        raise Refusal(404, f"The property {name} does not exist.")
    return ok({"key": name, "value": found[name]})


@router.put("issue/{key}/properties/{name}")
def set_property(call: Call) -> Answer:
    """Set a property: 201 if it is new."""
    issue, name = call.issue(), call.path["name"]
    if call.body is None:
        raise Refusal(400, "The value has to be a non-empty valid JSON value.")
    new = name not in issue.properties
    call.state.set_property(issue.key, name, call.body)
    return created() if new else Answer(200)


@router.delete("issue/{key}/properties/{name}")
def remove_property(call: Call) -> Answer:
    """Take a property away."""
    get_property(call)
    call.issue().properties.pop(call.path["name"])
    return done()


@router.get("issue/{key}/watchers")
def watchers(call: Call) -> Answer:
    """Who watches."""
    issue = call.issue()
    people = [user_json(call.state, user, call.version) for user in issue.watchers.values()]
    address = f"{call.state.base_url}/rest/api/{call.version}/issue/{issue.key}/watchers"
    watching = call.actor is not None and call.actor.account_id in issue.watchers
    return ok({
        "self": address, "isWatching": watching, "watchCount": len(people), "watchers": people,
    })  # fmt: skip


@router.post("issue/{key}/watchers")
def watch(call: Call) -> Answer:
    """Let somebody watch: the body is their account; without one whoever asks."""
    issue, who = call.issue(), call.writer()
    if call.body is not None:
        who = _account(call, call.body)
    issue.watchers[who.account_id] = who
    return done()


@router.delete("issue/{key}/watchers")
def unwatch(call: Call) -> Answer:
    """Let somebody watch no more."""
    issue = call.issue()
    who = _account(call, call.query.get("accountId" if call.state.cloud else "username"))
    issue.watchers.pop(who.account_id, None)
    return done()


@router.get("user")
def user(call: Call) -> Answer:
    """One person."""
    name = "accountId" if call.state.cloud else "username"
    given = call.query.get(name)
    if not given:
        raise Refusal(400, f"The query parameter '{name}' is required.")
    found = find_account(call.state, given)
    if found is None or call.actor is None:
        raise Refusal(404, f"The user named '{given}' does not exist")
    return ok(user_json(call.state, found, call.version))


@router.get("user/search")
def everybody(call: Call) -> Answer:
    """Find accounts by the beginning of a name: `query` on Cloud, `username` on Data Center.

    Finds apps and people who left as well. Cloud finds people by their e-mail, and yet does not
    show it.
    """
    return _found(call, list(call.state.users.values()))


@router.get("user/assignable/search")
@router.get("user/assignable/multiProjectSearch")
@router.get("user/viewissue/search")
def users(call: Call) -> Answer:
    """Find people who are there, as `everybody` does."""
    everyone = call.state.users.values()
    return _found(call, [one for one in everyone if one.active and one.kind == "atlassian"])


def _found(call: Call, among: list[JiraUser]) -> Answer:
    wanted = _wanted(call).casefold()
    found = [one for one in among if _is_called(one, wanted)]
    start, size = call.number("startAt", 0), call.number("maxResults", 50, most=1_000)
    page = found[start : start + size] if call.actor else []
    return ok([user_json(call.state, one, call.version) for one in page])


def _wanted(call: Call) -> str:
    if not call.state.cloud:
        given = call.query.get("username")
        if given is None:
            raise Refusal(400, "The username query parameter was not provided")
        return given
    if call.query.get("username"):
        raise Refusal(400, "The query parameter 'username' is not supported in GDPR strict mode.")
    given = call.query.get("query") or call.query.get("accountId")
    if given is None:
        raise Refusal(400, "One of the query parameters 'query' and 'accountId' is required.")
    return given


def _is_called(one: JiraUser, wanted: str) -> bool:
    if wanted in (".", one.account_id.casefold()):
        return True
    names = (one.name, one.email, one.username, *one.name.split())
    return any(name.casefold().startswith(wanted) for name in names)


def _account(call: Call, given: Any) -> JiraUser:
    found = find_account(call.state, given) if isinstance(given, str) else None
    if found is None:
        raise Refusal(400, f"The user '{given}' does not exist.")
    return found
