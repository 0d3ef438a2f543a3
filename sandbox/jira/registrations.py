"""Webhooks as administrators register them: on Cloud, and on Data Center 10 and later. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.jira.jql import matches
from sandbox.jira.model import Event, Refusal
from sandbox.jira.state import JiraState

SECTION = "issue-related-events-section"


@dataclass(frozen=True)
class Registration:
    """Where to, which events (none: all of them), signed with what, of which issues (JQL)."""

    id: int
    name: str
    url: str
    events: tuple[str, ...] = ()
    secret: str = ""
    filter: str = ""
    active: bool = True
    exclude_body: bool = False

    def wants(self, state: JiraState, event: Event, name: str) -> bool:
        """Say whether this event, sent under this name, goes there."""
        if not self.active or (self.events and name not in self.events):
            return False
        if not self.filter or event.issue is None:
            return True
        try:
            return matches(state, self.filter)(event.issue)
        except Refusal:  # what the filter names is gone
            return False


def read_registration(state: JiraState, number: int, asked: Mapping[str, Any]) -> Registration:
    """Read what was asked for. Raises Refusal 400.

    On Data Center a `secret` at the top is ignored without a word: from version 10 on it belongs
    into `configuration.SECRET`, and older ones know none.
    """
    url = str(asked.get("url") or "")
    if not url.startswith(("http://", "https://")):
        raise Refusal(400, "The webhook's URL must be absolute.")
    options = asked if classic(state) else _object(asked.get("configuration"))
    if classic(state):
        secret, kept = options.get("secret"), _object(options.get("filters")).get(SECTION)
        bare = options.get("excludeBody")
    else:
        secret, kept, bare = (options.get(x) for x in ("SECRET", "FILTERS", "EXCLUDE_BODY"))
    matches(state, str(kept or ""))
    return Registration(
        number,
        str(asked.get("name") or ""),
        url,
        tuple(str(name) for name in asked.get("events") or ()),
        "" if state.old else str(secret or ""),
        str(kept or ""),
        active=asked.get("enabled", asked.get("active", True)) is not False,
        exclude_body=str(bare).casefold() == "true",
    )


def classic(state: JiraState) -> bool:
    """Say whether this server has the older of the two ways to register."""
    return state.cloud or state.old


def registration_json(state: JiraState, found: Registration) -> dict[str, Any]:
    """A registration as the admin API shows it; never its secret."""
    shared = {"id": found.id, "name": found.name, "url": found.url, "events": list(found.events)}
    if classic(state):
        signed = {} if state.old else {"isSigned": bool(found.secret)}
        return {
            "self": f"{state.base_url}/rest/webhooks/1.0/webhook/{found.id}",
            **shared,
            "filters": {SECTION: found.filter},
            "excludeBody": found.exclude_body,
            "enabled": found.active,
            **signed,
        }
    return {
        **shared,
        "active": found.active,
        "scopeType": "global",
        "configuration": {
            "EXCLUDE_BODY": str(found.exclude_body).lower(),
            "FILTERS": found.filter,
        },
        "isSigned": bool(found.secret),
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
