"""Makes what JIRA sends, in the shapes of Cloud and of Data Center, and signs it."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from t5g.jira_door import sign

SECRET = "test-webhook-not-secret"
T0 = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
URL = "https://jira.example.com"

_ids = itertools.count(1)


def at(minutes: float) -> datetime:
    """The moment so many minutes after T0."""
    return T0 + timedelta(minutes=minutes)


def stamp(moment: datetime) -> str:
    """A moment as JIRA writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def cloud_user(name: str = "ada") -> dict[str, Any]:
    """A user as Cloud shows one."""
    return {"accountId": f"acct-{name}", "displayName": name.title(), "accountType": "atlassian"}


def status(name: str) -> dict[str, Any]:
    """A status with its category."""
    done = name in ("Done", "Closed", "Resolved")
    return {"name": name, "statusCategory": {"key": "done" if done else "indeterminate"}}


def issue(key: str = "T5G-1", *, minutes: float = 0, id: str = "", **fields: Any) -> dict[str, Any]:
    """A full issue as it was at `minutes`; `fields` by JIRA's names."""
    defaults: dict[str, Any] = {
        "summary": "01234567: Node not ready",
        "status": "Open",
        "priority": {"name": "Normal", "id": "3"},
        "labels": ["field-support"],
        "issuetype": {"name": "Task"},
        "project": {"key": key.rpartition("-")[0]},
        "assignee": None,
        "fixVersions": [],
        "created": stamp(T0),
        "updated": stamp(at(minutes)),
        "description": None,
    }
    found = {**defaults, **fields}
    if isinstance(found["status"], str):
        found["status"] = status(found["status"])
    id = id or "1" + key.rpartition("-")[2].zfill(4)
    return {"id": id, "key": key, "self": f"{URL}/rest/api/2/issue/{id}", "fields": found}


def partial(of: dict[str, Any]) -> dict[str, Any]:
    """The issue as it comes with Cloud's comments: some fields only."""
    kept = ("summary", "issuetype", "project", "assignee", "priority", "status")
    return {**of, "fields": {name: of["fields"][name] for name in kept}}


def change(field: str, before: str | None, after: str | None, **ids: Any) -> dict[str, Any]:
    """One item of a changelog."""
    item = {"field": field, "fieldId": field, "fromString": before, "toString": after}
    return {"fieldtype": "jira", "from": None, "to": None, **item, **ids}


def event(name: str, minutes: float = 0, *changes: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """An event at `minutes`; `parts` are its top-level keys."""
    found = {"timestamp": int(at(minutes).timestamp() * 1000), "webhookEvent": name, **parts}
    if changes:
        found["changelog"] = {"id": "1", "items": list(changes)}
    return found


def issue_event(
    verb: str, minutes: float, *changes: dict[str, Any], key: str = "T5G-1", **fields: Any
) -> dict[str, Any]:
    """`jira:issue_VERB` of a full issue."""
    name = f"jira:issue_{verb}"
    found = issue(key, minutes=minutes, **fields)
    return event(name, minutes, *changes, issue=found, user=cloud_user())


def comment(
    id: str = "501",
    body: str = "Looking into it",
    *,
    minutes: float = 0,
    edited: float | None = None,
    issue_id: str = "10001",
    **extra: Any,
) -> dict[str, Any]:
    """A comment written at `minutes` and edited at `edited`."""
    return {
        "id": id,
        "self": f"{URL}/rest/api/2/issue/{issue_id}/comment/{id}",
        "author": cloud_user(),
        "body": body,
        "created": stamp(at(minutes)),
        "updated": stamp(at(minutes if edited is None else edited)),
        **extra,
    }  # fmt: skip


def comment_event(
    verb: str, minutes: float, /, *, of: dict[str, Any] | None = None, **facts: Any
) -> dict[str, Any]:
    """`comment_VERB` as Cloud sends it: with a part of the issue and without a user."""
    of = of or issue()
    facts.setdefault("minutes", minutes)
    said = comment(issue_id=of["id"], **facts)
    return event(f"comment_{verb}", minutes, comment=said, issue=partial(of))


def body_of(payload: Any) -> bytes:
    """The bytes of a payload."""
    return json.dumps(payload).encode()


def headers_of(
    body: bytes, *, secret: str | None = SECRET, delivery: str = "", retry: int = 0
) -> dict[str, str]:
    """What Cloud sends with a body."""
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "X-Atlassian-Webhook-Identifier": delivery or f"delivery-{next(_ids)}",
        "X-Atlassian-Webhook-Flow": "Primary",
    }
    if secret is not None:
        headers["X-Hub-Signature"] = sign(body, secret)
    if retry:
        headers["X-Atlassian-Webhook-Retry"] = str(retry)
    return headers
