"""What JIRA's webhooks say: recorded bodies of Cloud and Data Center, and nonsense of all kinds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from t5g.jira_door import Refusal
from t5g.jira_events import (
    DELIVERY,
    NO_JSON,
    RETRY,
    Event,
    EventReader,
    Kind,
    Unreadable,
    read_event,
)
from t5g.jira_payloads import fields_read
from t5g.settings import Settings
from tests import wall_clock
from tests.making import NOW
from tests.making_jira import (
    at,
    body_of,
    change,
    comment,
    comment_event,
    event,
    issue,
    issue_event,
)

READER = EventReader(fields_read(Settings(_env_file=None)))


def read(payload: Any, **headers: str) -> Event:
    found = READER.read(body_of(payload), headers, received=NOW)
    assert isinstance(found, Event), found
    return found


# What an event says


def test_an_update_says_what_changed() -> None:
    found = read(issue_event("updated", 3, change("status", "Open", "Done"), status="Done"))
    assert (found.kind, found.at, found.subject, found.bare) == (
        Kind.ISSUE_UPDATED, at(3), "10001", False,
    )  # fmt: skip
    [item] = found.changelog
    assert (item.field, item.before, item.after) == ("status", "Open", "Done")


def test_clouds_comment_comes_with_a_part_of_the_issue_and_no_user() -> None:
    found = read(comment_event("created", 1))
    assert (found.kind, found.issue_id) == (Kind.COMMENT_CREATED, "10001")
    assert found.comment is not None
    assert found.comment["author"]["displayName"] == "Ada"


def test_data_centers_comment_names_its_issue_only_in_its_address() -> None:
    found = read(event("comment_created", 1, comment=comment(issue_id="10013")))
    assert (found.issue, found.issue_id, found.subject) == (None, "10013", "10013")


def test_links_name_two_numeric_ids() -> None:
    link = {"id": 1, "sourceIssueId": 10001, "destinationIssueId": 77001, "issueLinkType": {}}
    assert read(event("issuelink_created", 1, issueLink=link)).linked == ("10001", "77001")


def test_a_set_property_says_which() -> None:
    found = read(event("issue_property_set", 1, property={"key": "sfdc-cases-links"}))
    assert (found.kind, found.detail) == (Kind.PROPERTY_SET, "sfdc-cases-links")


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("worklog_created", "worklog"),
        ("jira:version_moved", "version"),
        ("attachment_created", "attachment"),
        ("sprint_created", "sprint"),
        ("project_soft_deleted", "project"),
        ("user_created", "user"),
        ("something_new_0123456", "other"),
        ("", "other"),
    ],
)
def test_what_we_ignore_has_a_bounded_name_for_metrics(name: str, family: str) -> None:
    found = read({"webhookEvent": name, "timestamp": 1})
    assert (found.kind, found.family) == (Kind.OTHER, family)


def test_an_event_from_far_ahead_counts_as_received_now() -> None:
    found = read({**issue_event("updated", 0), "timestamp": 4_102_444_800_000})
    assert found.at == NOW


def test_an_event_without_a_time_counts_as_received_now() -> None:
    payload = issue_event("updated", 0)
    del payload["timestamp"]
    assert read(payload).at == NOW


# Deliveries


def test_a_repetition_is_the_same_delivery() -> None:
    first = read(issue_event("updated", 0), **{DELIVERY: "abc"})
    again = read(issue_event("updated", 0), **{DELIVERY: "abc", RETRY: "2"})
    assert first.delivery == again.delivery
    assert (first.retry, again.retry) == (0, 2)


@pytest.mark.parametrize("id", ["", "abc", "with blank", "x" * 201, "nul\x00", "é"])
def test_the_body_alone_says_which_delivery_it_is_as_it_alone_is_signed(id: str) -> None:
    one, same, other = (
        read(issue_event("updated", minute), **headers).delivery
        for minute, headers in ((0, {}), (0, {DELIVERY: id}), (1, {DELIVERY: id}))
    )
    assert one == same != other


# What can not be read


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"3", b'"text"', b"{", b"\xff\xfe", b"[" * 5000, b'{"a":NaN}', b"<html>"],
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert READER.read(body, {}, received=NOW) is NO_JSON
    assert read_event(body, {}, received=NOW) is NO_JSON


@pytest.mark.parametrize(
    ("payload", "reason", "subject"),
    [
        (event("jira:issue_updated"), "without an issue", ""),
        (event("jira:issue_updated", issue=[]), "without an issue", ""),
        (event("jira:issue_updated", issue={"id": "7"}), "no key", "7"),
        (event("jira:issue_updated", issue={"key": "T5G-1", "fields": []}), "no object", "T5G-1"),
        (event("comment_created"), "without a comment", ""),
        (event("comment_created", comment={"self": "x/issue/12/comment/"}), "no id", "12"),
        (event("issuelink_created"), "without an issueLink", ""),
    ],
)
def test_a_known_event_in_an_unknown_shape_is_kept_with_the_reason(
    payload: Any, reason: str, subject: str
) -> None:
    for found in (
        READER.read(body_of(payload), {}, received=NOW),
        read_event(body_of(payload), {}, received=NOW),
    ):
        assert isinstance(found, Unreadable)
        assert reason in found.reason
        assert found.subject == subject


@hypothesis_settings(max_examples=400)
@given(st.binary(max_size=300))
def test_no_bytes_of_any_kind_raise(body: bytes) -> None:
    assert isinstance(READER.read(body, {}, received=NOW), Refusal | Event | Unreadable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> Any:
    """A real event with some parts replaced by anything, or taken away."""
    found = json.loads(json.dumps(draw(st.sampled_from([
        issue_event("updated", 1, change("status", "Open", "Done")),
        comment_event("created", 1),
        event("comment_deleted", 1, comment=comment()),
        event("issuelink_created", 1, issueLink={"sourceIssueId": 1, "destinationIssueId": 2}),
        event("jira:issue_updated", 1, issue=issue(comment={"comments": [comment()], "total": 1})),
    ]))))  # fmt: skip
    for _ in range(draw(st.integers(1, 3))):
        place = found
        while True:
            keys = list(place if isinstance(place, dict) else range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and draw(st.booleans())
            if deeper:
                place = place[key]
            elif isinstance(place, dict) and draw(st.booleans()):
                del place[key]
                break
            else:
                place[key] = draw(JSON)
                break
    return found


@hypothesis_settings(max_examples=400)
@given(mangled())
def test_mangled_events_read_the_same_with_all_fields_and_with_those_we_keep(
    found: Any,
) -> None:
    quick = READER.read(body_of(found), {}, received=NOW)
    slow = read_event(body_of(found), {}, received=NOW)
    assert type(quick) is type(slow)
    if isinstance(quick, Event) and isinstance(slow, Event):
        assert (quick.kind, quick.at, quick.subject, quick.changelog, quick.bare) == (
            slow.kind, slow.at, slow.subject, slow.changelog, slow.bare,
        )  # fmt: skip


def test_fields_of_any_name_are_read() -> None:
    """Ids of custom fields are settings: they may be no identifiers, or words of the language."""
    found = issue_event("updated", 1, change("status", "Open", "Done"))
    found["issue"]["fields"] |= {"odd name-1": "one", "class": "two", "_0": "three"}
    quick = EventReader(["odd name-1", "class", "_0", "absent", "summary"]).read(
        body_of(found), {}, received=NOW
    )
    assert isinstance(quick, Event)
    assert quick.issue is not None
    fields = quick.issue["fields"]
    assert (fields["odd name-1"], fields["class"], fields["_0"]) == ("one", "two", "three")
    assert "absent" not in fields, "what a body does not have is not null"
    assert fields["summary"] == found["issue"]["fields"]["summary"]


# Recorded bodies

#: What the recorded bodies are, by the part of their names that says so.
NAMED = {
    "issue-created": Kind.ISSUE_CREATED,
    "issue-deleted": Kind.ISSUE_DELETED,
    "issue-updated": Kind.ISSUE_UPDATED,
    "comment-created": Kind.COMMENT_CREATED,
    "comment-updated": Kind.COMMENT_UPDATED,
    "comment-deleted": Kind.COMMENT_DELETED,
    "version_created": Kind.OTHER,
    "version_released": Kind.VERSION_RELEASED,
    "attachment_": Kind.OTHER,
}


def recorded(shared_dir: Path) -> Iterator[tuple[str, Event]]:
    for path in sorted((shared_dir / "fixtures" / "jira-webhooks").glob("*.json")):
        found = READER.read(path.read_bytes(), {}, received=wall_clock.now())
        assert isinstance(found, Event), f"{path.name}: {found}"
        yield path.stem, found


def test_every_recorded_body_is_what_its_name_says(shared_dir: Path) -> None:
    count = 0
    for name, found in recorded(shared_dir):
        kind = next((k for part, k in NAMED.items() if part in name and "issue" in part), None)
        kind = kind or next(k for part, k in NAMED.items() if part in name)
        assert found.kind is kind, name
        assert found.subject or found.named or found.kind is Kind.OTHER, name
        count += 1
    assert count >= 40


def test_recorded_comments_say_their_issue_on_cloud_and_its_id_on_data_center(
    shared_dir: Path,
) -> None:
    for name, found in recorded(shared_dir):
        if found.kind in (Kind.COMMENT_CREATED, Kind.COMMENT_UPDATED, Kind.COMMENT_DELETED):
            assert found.comment is not None, name
            assert found.issue_id.isdigit(), name
            assert (found.issue is not None) == ("cloud" in name), name


CHANGED = {
    "assigned": "assignee",
    "components": "component",
    "edited": "description",
    "fix-version": "fix version",
    "issue-type": "issuetype",
    "lowered-priority": "priority",
    "raised-priority": "priority",
    "renamed": "summary",
    "resolved": "resolution",
    "sprint": "sprint",
    "started-working": "status",
    "in-progress": "status",
    "closed": "status",
}


def test_recorded_changes_are_in_the_changelog(shared_dir: Path) -> None:
    for name, found in recorded(shared_dir):
        ending = (
            name.partition("-updated-")[2].removesuffix("-on-server").removesuffix("-one-changelog")
        )
        if ending in CHANGED and found.kind is Kind.ISSUE_UPDATED and "comment" not in name:
            fields = {item.field for item in found.changelog}
            assert CHANGED[ending] in fields or ending == "resolved", (name, fields)


def test_the_second_event_of_data_centers_comments_says_what_was_done(shared_dir: Path) -> None:
    told = {
        name: (found.detail, found.comment is not None)
        for name, found in recorded(shared_dir)
        if "server-issue-updated-comment" in name or "server-old" in name
    }
    assert told == {
        "mm-server-issue-updated-comment-deleted": ("issue_comment_deleted", False),
        "mm-server-issue-updated-comment-edited": ("issue_comment_edited", True),
        "mm-server-issue-updated-commented-1": ("issue_commented", True),
        "mm-server-issue-updated-commented-2": ("issue_commented", True),
        "mm-server-issue-updated-commented-3": ("issue_commented", True),
        "mm-server-old-issue-updated-no-event-type-comment-edited": ("", True),
        "mm-server-old-issue-updated-no-event-type-commented": ("", True),
    }
