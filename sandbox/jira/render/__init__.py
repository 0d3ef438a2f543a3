"""What JIRA believes, in the JSON of its REST API (v2, v3) and of its webhooks (always v2)."""

from sandbox.jira.fields import SPRINT_CLOUD, SPRINT_DC
from sandbox.jira.render.issues import (
    changelog_json,
    fields_json,
    history_json,
    issue_json,
    item_json,
)
from sandbox.jira.render.parts import (
    avatars,
    board_json,
    comment_json,
    link_json,
    link_type_json,
    members_json,
    priority_json,
    project_json,
    remote_link_json,
    resolution_json,
    sprint_json,
    status_json,
    time_text,
    transition_json,
    type_json,
    user_json,
)

__all__ = [
    "SPRINT_CLOUD",
    "SPRINT_DC",
    "avatars",
    "board_json",
    "changelog_json",
    "comment_json",
    "fields_json",
    "history_json",
    "issue_json",
    "item_json",
    "link_json",
    "link_type_json",
    "members_json",
    "priority_json",
    "project_json",
    "remote_link_json",
    "resolution_json",
    "sprint_json",
    "status_json",
    "time_text",
    "transition_json",
    "type_json",
    "user_json",
]
