"""Bodies of JIRA that lack a part, or have null for it, through the intake on a real Redis.

Every body that the stand-in JIRA sends, and each recorded one where there are some, with each key
at its top and each field of its issue removed or nulled: nothing known is lost by what was not
told, nothing raises, and the outcome says whether something was written.
"""

import copy
import itertools
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis

from sandbox.jira.model import Event as Happened
from sandbox.jira.payloads import bodies
from sandbox.jira.state import JiraState
from t5g.board import Board
from t5g.connection import open_syncs
from t5g.derived import Rules
from t5g.inbox import Inbox
from t5g.jira_decisions import NEVER_NULL, Outcome
from t5g.jira_events import Event, EventReader, Unreadable
from t5g.jira_intake import Delivery, Intake
from t5g.jira_payloads import PayloadError, fields_read
from t5g.keys import Keys
from t5g.model import Card, Case, Comment, Escalation, Issue, Person, Source
from t5g.settings import Settings
from t5g.state import EPOCH, CommentsSeen, ListingSeen
from t5g.store import Store
from t5g.timestamps import parse_time
from tests.making import portal_seen

ONE = "01234567"
IDS = Settings(_env_file=None).jira_fields
KNOWN = Person(account="known", name="Known")

#: What is known before, of each kind; each fact by the field that tells it.
CARD = {
    "summary": "summary", "status": "status", "priority": "priority", "assignee": "assignee",
    "contributors": IDS.contributors, "labels": "labels", "sprint": IDS.sprint,
    "sprint_id": IDS.sprint, "created": "created",
}  # fmt: skip
ISSUE = {
    "title": "summary", "status": "status", "type": "issuetype", "severity": IDS.severity,
    "priority": "priority", "assignee": "assignee", "qa_contact": IDS.qa_contact,
    "fix_versions": "fixVersions", "fix_version_ids": "fixVersions",
    "private_keywords": IDS.private_keywords,
}  # fmt: skip
ESCALATION = {"title": "summary", "status": "status", "since": "created"}
LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)


class Lacking(NamedTuple):
    """A body, without a part."""

    body: dict[str, Any]
    part: str
    null: bool


def sent() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what JIRA sends of the life of one issue, and of what it names."""
    for cloud in (True, False):
        state = JiraState(cloud=cloud)
        told: list[dict[str, Any]] = []

        def hear(event: Happened, state: JiraState = state, told: Any = told) -> None:
            told.extend(copy.deepcopy(bodies(state, event)))

        state.listeners.append(hear)
        anna = state.add_user("Anna", "anna@example.com")
        state.add_project("T5G", "Cards")
        sprint = state.add_sprint(state.add_board("Board", "T5G"), "Sprint 1")
        key = state.create_issue("T5G", "a card", assignee=anna, labels=["x"]).key
        state.update_issue(key, fix_versions=["4.16"], labels=["x", "y"], summary="other")
        state.transition(key, "In Progress")
        state.move_to_sprint(key, sprint)
        comment = state.add_comment(key, anna, "hello").id
        state.edit_comment(key, comment, "hello again")
        state.delete_comment(key, comment)
        state.rename_sprint(sprint, "Sprint one")
        state.rename_version("T5G", "4.16", "4.16.0")
        state.rename_user(anna, name="Anna N.")
        state.rename_project("T5G", "FLD")
        state.delete_issue(key)
        for number, body in enumerate(told):
            yield f"{'cloud' if cloud else 'dc'}-{number:02}-{body['webhookEvent']}", body


def recorded() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the recorded bodies, if they stand beside the repository."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("T5G_SHARED_DIR") or beside) / "fixtures" / "jira-webhooks"
    for path in sorted(folder.glob("*.json")):
        yield path.stem, json.loads(path.read_bytes())


BODIES = dict(itertools.chain(sent(), recorded()))


def lacking(body: dict[str, Any]) -> Iterator[Lacking]:
    """Yield the body without each of its parts, once removed and once null."""
    read = fields_read(Settings(_env_file=None))
    for null in (False, True):
        for part in body:
            made = {name: value for name, value in body.items() if name != part}
            yield Lacking(made | ({part: None} if null else {}), part, null)
        issue = body.get("issue") or {}
        for part in ("id", "key", "fields"):
            if part in issue:
                rest = {name: value for name, value in issue.items() if name != part}
                made = {**body, "issue": rest | ({part: None} if null else {})}
                yield Lacking(made, f"issue.{part}", null)
        fields = issue.get("fields") or {}
        for part in fields.keys() & read:
            rest = {name: value for name, value in fields.items() if name != part}
            found = {**issue, "fields": rest | ({part: None} if null else {})}
            yield Lacking({**body, "issue": found}, f"fields.{part}", null)


class World:
    """An installation of which each kind of item of the body's issue is known, all facts full."""

    def __init__(self, redis: Redis, prefix: str, body: dict[str, Any]) -> None:
        self.redis = redis
        issue = body.get("issue") or {}
        project = str(issue.get("key") or "T5G-1").rpartition("-")[0]
        self.settings = Settings(
            _env_file=None, redis_prefix=prefix, jira_project=project, jira_label="",
            jira_escalation_project=project, jira_escalation_label="",
        )  # fmt: skip
        keys = Keys(prefix)
        self.store = Store(redis, keys)
        self.board = Board(self.store, open_syncs(self.settings, redis), Rules())
        self.inbox = Inbox(redis, keys)
        self.intake = Intake(self.store, self.board, self.inbox, self.settings)
        self.reader = EventReader(fields_read(self.settings))

    async def learn(self, issue: dict[str, Any], now: datetime) -> None:
        """Write what is known before."""
        key, id = issue.get("key") or "T5G-1", str(issue.get("id") or "10001")
        at = parse_time((issue.get("fields") or {}).get("updated")) or now
        shared: dict[str, Any] = {"key": key, "id": id, "updated": at - timedelta(days=1)}
        known = {"status": "Known", "priority": "Known", "assignee": KNOWN}
        card = Card(
            **shared, **known, summary=f"{ONE}: known", contributors=(KNOWN,), labels=("known",),
            sprint="Known", sprint_id="1", created=LONG_AGO,
        )  # fmt: skip
        defect = Issue(
            **shared, **known, title="Known", type="Known", severity="Known", qa_contact=KNOWN,
            fix_versions=("Known",), fix_version_ids=("1",), private_keywords=("known",),
        )  # fmt: skip
        escalation = Escalation(**shared, title="Known", status="Known", since=LONG_AGO)
        comment = Comment(id="1", body="known", created=LONG_AGO, updated=LONG_AGO)
        things = ((Source.CARD, card), (Source.ISSUES, defect), (Source.ESCALATION, escalation))
        await self.store.write(
            [
                portal_seen(ONE, seen=EPOCH),
                *(
                    ListingSeen(number=ONE, source=source, items={key: thing}, seen=LONG_AGO)
                    for source, thing in things
                ),
                CommentsSeen(number=ONE, card=key, comments=(comment,), seen=LONG_AGO),
            ],
            now=now,
        )

    async def apply(self, body: dict[str, Any], now: datetime) -> tuple[Outcome, bool]:
        """Take the body in; return the outcome, and whether something changed or is to be."""
        raw = json.dumps(body).encode()
        event = self.reader.read(raw, {}, received=now)
        assert isinstance(event, Event | Unreadable)
        before = await self._kept()
        applied = await self.intake.apply([Delivery(event, raw, {})], now=now)
        for letter in await self.inbox.letters():
            assert letter.error.startswith(PayloadError.__name__) or isinstance(event, Unreadable)
        return applied.outcomes[0], before != await self._kept() or bool(applied.resyncs)

    async def _kept(self) -> Any:
        return await self.redis.hgetall(self.store.keys.case(ONE))

    async def case(self) -> Case:
        """Return what is known now."""
        await self.board.refresh()
        return self.board.entries[ONE].case


def of_ours(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body whose issue is of our case."""
    made = copy.deepcopy(body)
    fields = (made.get("issue") or {}).get("fields")
    if isinstance(fields, dict):
        fields["summary"] = f"{ONE}: {fields.get('summary') or 'told'}"
        fields[IDS.escalated_cases] = ONE
    return made


def kept_or_told(one: Lacking, field: str, *values: Any) -> bool:
    """Return whether a fact is what it was, or what the whole body makes of it if it tells that."""
    now, before, whole = values
    if one.part in (f"fields.{field}", "issue", "issue.fields"):
        empty = one.null and field not in NEVER_NULL and one.part.startswith("fields.")
        return now == before or (empty and not now)
    return now in (before, whole)


@pytest.mark.parametrize("name", BODIES)
async def test_what_a_body_lacks_takes_nothing_from_what_is_known(redis: Redis, name: str) -> None:
    body = of_ours(BODIES[name])
    now = datetime.fromtimestamp(body["timestamp"] / 1000, UTC) + timedelta(seconds=1)
    issue = body.get("issue") or {}
    base, full = World(redis, "base:", body), World(redis, "full:", body)
    for world in (base, full):
        await world.learn(issue, now)
    await full.apply(body, now)
    before, whole = await base.case(), await full.case()
    for number, one in enumerate(lacking(body)):
        said = f"{name} without {one.part}{' (null)' if one.null else ''}"
        world = World(redis, f"w{number}:", body)
        await world.learn(issue, now)
        outcome, changed = await world.apply(one.body, now)
        assert (outcome is Outcome.APPLIED) == changed, f"{said}: {outcome}"
        case = await world.case()
        for kind, facts in (("cards", CARD), ("issues", ISSUE), ("escalations", ESCALATION)):
            items = [{item.key: item for item in getattr(c, kind)} for c in (case, before, whole)]
            lost = items[1].keys() - items[0].keys()
            assert not lost & items[2].keys(), f"{said}: {kind} {sorted(lost)} gone"
            for key in items[0].keys() & items[1].keys():
                ends = items[2].get(key, items[1][key])
                for fact, field in facts.items():
                    values = [getattr(item, fact) for item in (items[0][key], items[1][key], ends)]
                    assert kept_or_told(one, field, *values), (
                        f"{said}: {kind}.{fact} was {values[1]!r}, is {values[0]!r}"
                    )
        comments = [{c.id for found in e.comments.values() for c in found} for e in (case, whole)]
        assert "1" in comments[0] or "1" not in comments[1], f"{said}: a comment gone"


def test_the_bodies_are_read_whole_into_what_is_compared() -> None:
    """The facts compared are all there are: a new one is not forgotten here."""
    told = {"key", "id", "updated"}
    assert CARD.keys() | told == set(Card.__struct_fields__)
    assert ISSUE.keys() | told | {"url", "restricted"} == set(Issue.__struct_fields__)
    assert ESCALATION.keys() | told | {"url"} == set(Escalation.__struct_fields__)
