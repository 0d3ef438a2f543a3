"""What a server tells of itself: its kind, who asks, and the lists that all projects share."""

from collections.abc import Iterable
from typing import Any, Final

from sandbox.jira.fields import Field
from sandbox.jira.model import ISSUE_TYPES, LINK_TYPES, PRIORITIES, RESOLUTIONS, Refusal
from sandbox.jira.render import (
    link_type_json,
    priority_json,
    resolution_json,
    status_json,
    time_text,
    type_json,
    user_json,
)
from sandbox.jira.rest.call import Answer, Call, Router, csv, ok
from sandbox.jira.workflow import DONE, MOVING, NEW

router = Router()
applinks = Router("/rest/applinks/latest")

PERMISSIONS: Final = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ASSIGN_ISSUES", "TRANSITION_ISSUES",
    "ADD_COMMENTS", "LINK_ISSUES", "MANAGE_WATCHERS", "ADMINISTER",
)  # fmt: skip
_TYPES: Final = {
    "users": ("array", "user"), "options": ("array", "option"), "labels": ("array", "string"),
    "components": ("array", "component"), "versions": ("array", "version"),
    "issuelinks": ("array", "issuelinks"), "sprint": ("array", "json"), "text": ("string", None),
    "comments": ("comments-page", None), "security": ("securitylevel", None),
    "raw": ("any", None),
}  # fmt: skip


@router.get("serverInfo")
def server_info(call: Call) -> Answer:
    """What kind of server this is; anybody may ask."""
    cloud, now = call.state.cloud, time_text(call.state.now())
    return ok(
        {
            "baseUrl": call.state.base_url,
            "version": "1001.0.0-SNAPSHOT" if cloud else "10.3.2",
            "versionNumbers": [1001, 0, 0] if cloud else [10, 3, 2],
            "deploymentType": "Cloud" if cloud else "Server",
            "buildNumber": 100_287,
            "buildDate": now,
            "serverTime": now,
            "scmInfo": "sandbox",
            "serverTitle": "Sandbox JIRA",
        }
    )


@router.get("myself")
def myself(call: Call) -> Answer:
    """Who asks."""
    who = user_json(call.state, call.writer(), call.version, email=True)
    return ok({**(who or {}), "locale": "en_US"})


@router.get("mypermissions")
def my_permissions(call: Call) -> Answer:
    """What whoever asks may do: everything."""
    asked = csv(call.query.get("permissions")) or PERMISSIONS
    rows = {
        name: {
            "id": str(number),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "PROJECT",
            "description": "",
            "havePermission": call.actor is not None,
        }
        for number, name in enumerate(asked, 10)
    }
    return ok({"permissions": rows})


@router.get("field")
def fields(call: Call) -> Answer:
    """All fields."""
    return ok([field_json(field) for field in call.state.fields.values()])


@router.get("priority")
def priorities(call: Call) -> Answer:
    """All priorities."""
    return ok([priority_json(call.state, name) for name in PRIORITIES])


@router.get("priority/{id}")
def priority(call: Call) -> Answer:
    """One priority."""
    return ok(priority_json(call.state, _nth(PRIORITIES, call.path["id"], "priority")))


@router.get("issuetype")
def issue_types(call: Call) -> Answer:
    """All issue types."""
    return ok([type_json(call.state, name) for name in ISSUE_TYPES])


@router.get("issuetype/{id}")
def issue_type(call: Call) -> Answer:
    """One issue type."""
    return ok(type_json(call.state, _nth(ISSUE_TYPES, call.path["id"], "issue type")))


@router.get("resolution")
def resolutions(call: Call) -> Answer:
    """All resolutions."""
    return ok([resolution_json(call.state, name) for name in RESOLUTIONS])


@router.get("status")
def statuses(call: Call) -> Answer:
    """All statuses."""
    return ok([status_json(call.state, name) for name in call.state.statuses])


@router.get("statuscategory")
def categories(call: Call) -> Answer:
    """All categories of statuses."""
    base = f"{call.state.base_url}/rest/api/2/statuscategory"
    return ok([{"self": f"{base}/{one['id']}", **one} for one in (NEW, MOVING, DONE)])


@router.get("issueLinkType")
def link_types(call: Call) -> Answer:
    """How issues may be linked."""
    return ok({"issueLinkTypes": [link_type_json(call.state, kind) for kind in LINK_TYPES]})


@applinks.get("listApplicationlinks")
def application_links(call: Call) -> Answer:
    """Other servers that this one knows: none."""
    return ok({"list": []})


def field_json(field: Field) -> dict[str, Any]:
    """A field."""
    type_name, items = _TYPES.get(field.kind, (field.kind, None))
    schema: dict[str, Any] = {"type": type_name}
    if items:
        schema["items"] = items
    if field.custom:
        number = int(field.id.removeprefix("customfield_"))
        kind = "textarea" if field.kind == "text" else field.kind
        plugin = f"com.atlassian.jira.plugin.system.customfieldtypes:{kind}"
        schema |= {"custom": plugin, "customId": number}
    else:
        schema["system"] = field.id
    return {
        "id": field.id,
        "key": field.id,
        "name": field.name,
        "custom": field.custom,
        "orderable": field.settable,
        "navigable": field.kind != "comments",
        "searchable": True,
        "clauseNames": field.clause_names,
        "schema": schema,
    }


def _nth(names: Iterable[str], number: str, kind: str) -> str:
    known = list(names)
    if not number.isdigit() or not 1 <= int(number) <= len(known):
        raise Refusal(404, f"The {kind} with id '{number}' does not exist")
    return known[int(number) - 1]
