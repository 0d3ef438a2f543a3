"""A bug as JSON-like values, and changes to it as Bugzilla takes and reports them. Pure."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sandbox.bugzilla.state import BugzillaState, Json, SandboxBug

Moment = Callable[[datetime], Any]
#: Fields of Red Hat's server that only come when asked for.
_EXTRA: Final = frozenset({"comments", "description", "external_bugs", "flags"})
#: What the server calls a field that has another name here; it knows no other name for it.
_SERVERS: Final = {"cf_internal_whiteboard": "internal_whiteboard"}
#: What `PUT /rest/bug` and `Bug.update` may set; any other name is ignored without a word.
_SETTABLE: Final = frozenset(
    {
        "summary",
        "status",
        "resolution",
        "severity",
        "priority",
        "whiteboard",
        "cf_internal_whiteboard",
        "assigned_to",
        "qa_contact",
        "target_milestone",
        "target_release",
    }
)


def rest_time(moment: datetime) -> str:
    """`2014-09-23T19:12:17Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def render_bug(
    bug: SandboxBug,
    *,
    account: str | None,
    moment: Moment,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    lacks: Iterable[str] = (),
) -> Json:
    """The bug with the fields asked for (all that come by themselves if none are named).

    Names that the server does not know are ignored without a word; `lacks`: further such names.
    """
    everything = _everything(bug, account, moment)
    wanted = set(include) or {"_default"}
    excluded = {*exclude, *lacks}
    return {
        name: value
        for name, value in everything.items()
        if name not in excluded and _is_wanted(name, wanted)
    }


def _is_wanted(name: str, wanted: set[str]) -> bool:
    if name in wanted or "_all" in wanted:
        return True
    return ("_extra" if name in _EXTRA else "_default") in wanted


def _everything(bug: SandboxBug, account: str | None, moment: Moment) -> Json:
    # Who has not logged in sees no domains of mail addresses.
    mail = str if account else lambda address: address.partition("@")[0]
    return {
        "id": bug.id,
        "alias": list(bug.alias),
        "summary": bug.summary,
        "status": bug.status,
        "resolution": bug.resolution,
        "is_open": bug.is_open,
        "severity": bug.severity,
        "priority": bug.priority,
        "product": bug.product,
        "component": [bug.component],
        "version": [bug.version],
        "target_release": list(bug.target_release),
        "target_milestone": bug.target_milestone,
        "assigned_to": mail(bug.assigned_to),
        "assigned_to_detail": _person(mail(bug.assigned_to)),
        "qa_contact": mail(bug.qa_contact),
        "creator": mail(bug.creator),
        "creation_time": moment(bug.created),
        "last_change_time": moment(bug.changed),
        "whiteboard": bug.whiteboard,
        "cf_internal_whiteboard": bug.internal_whiteboard,
        "keywords": list(bug.keywords),
        "groups": [],
        "depends_on": [],
        "blocks": [],
        "see_also": [],
        "flags": [],
        "external_bugs": [],
        "description": bug.comments[0] if bug.comments else "",
        "comments": [
            {"id": bug.id * 1000 + place, "count": place, "text": text, "bug_id": bug.id}
            for place, text in enumerate(bug.comments)
        ],
    }


def _person(address: str) -> Json:
    name = address.partition("@")[0]
    number = zlib.crc32(name.encode()) % 100_000
    return {"id": number, "name": address, "real_name": name, "email": address}


def apply_update(
    state: BugzillaState, bugs: list[SandboxBug], update: Mapping[str, Any], moment: Moment
) -> Json:
    """Change bugs and report what changed, as both protocols do."""
    return {"bugs": [_apply(state, bug, update, moment) for bug in bugs]}


def _apply(
    state: BugzillaState, bug: SandboxBug, update: Mapping[str, Any], moment: Moment
) -> Json:
    settable = _SETTABLE - state.lacks
    wanted = {name: value for name, value in update.items() if name in settable}
    if isinstance(wanted.get("target_release"), str):
        wanted["target_release"] = [wanted["target_release"]]
    if isinstance(update.get("keywords"), Mapping):
        wanted["keywords"] = _keywords(bug, update["keywords"])
    before = {name: getattr(bug, _SERVERS.get(name, name)) for name in wanted}
    told = {name: value for name, value in wanted.items() if before[name] != value}
    report = {
        name: {"removed": _text(before[name]), "added": _text(value)}
        for name, value in told.items()
    }
    changed = {_SERVERS.get(name, name): value for name, value in told.items()}
    comment = (update.get("comment") or {}).get("comment", "")
    if comment:
        changed["comments"] = [*bug.comments, str(comment)]
    if changed:
        state.update_bug(bug.id, **changed)
        if not update.get("minor_update"):
            state.mailed.append(bug.id)
    return {
        "id": bug.id,
        "alias": list(bug.alias),
        "last_change_time": moment(bug.changed),
        "changes": report,
    }


def _keywords(bug: SandboxBug, change: Mapping[str, Any]) -> list[str]:
    if "set" in change:
        return list(change["set"])
    removed = set(change.get("remove") or ())
    kept = [one for one in bug.keywords if one not in removed]
    return kept + [one for one in change.get("add") or () if one not in kept]


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
