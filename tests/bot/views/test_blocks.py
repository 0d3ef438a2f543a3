"""Every view holds to Slack's rules at any size and with hostile texts."""

import time
from datetime import UTC, datetime

import pytest

from bot.answers import (
    CaseList,
    CaseView,
    DigestAnswer,
    Freshness,
    Help,
    Note,
    SyncStatus,
)
from bot.asking import router
from bot.manifest import manifest
from bot.views.blocks import render
from sandbox.slack.rules import validate_message
from t5g.derived import Entry
from t5g.digest import build_digest
from t5g.model import Bug, Comment, Details, Escalation, Issue, Person
from t5g.query import FIELDS, parse_query
from t5g.settings import load_settings
from t5g.syncs import Sync, SyncRecord, SyncState
from tests.making import NOW_SECONDS, ago, card, entry

SETTINGS = load_settings()
HOSTILE = (
    "<!channel> <@U1> <http://evil|good> *b* _i_ ~s~ `c` ```x``` & > \x00 \u202e \n\n"
    + "é🔥<" * 2000
)
FRESH = Freshness(synced=NOW_SECONDS, stale=(("bugs", HOSTILE),))


def cases(count: int, text: str = "Plain") -> list[Entry]:
    person = Person(account="a", name=text[:300])
    return [
        entry(
            f"{n:08}",
            portal={"summary": text, "account": text, "status": text, "severity": text,
                    "created": ago(days=n % 300), "updated": ago(days=n % 20)},
            card=card(f"T5G-{n}", status=text, assignee=person),
            comments={f"T5G-{n}": tuple(
                Comment(id=str(i), author=person, body=text, created=ago(hours=i))
                for i in range(5))},
            issues=tuple(Issue(key=f"B-{i}", url="javascript:x", title=text) for i in range(40)),
            bugs=tuple(Bug(id=i, url="https://b/|<>", summary=text) for i in range(40)),
            escalations=(Escalation(key="ESC-1", title=text, since=ago(days=1)),),
            details=Details(crit_sit=True),
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "Plain", HOSTILE], ids=["empty", "plain", "hostile"])
@pytest.mark.parametrize("count", [0, 1, 10, 10_000])
def test_lists_and_digests(count: int, text: str) -> None:
    made = cases(min(count, 60), text)
    entries = made * (count // max(1, len(made)))
    page = CaseList(
        title="Cases",
        query=parse_query('account:"x" sort:-age'),
        total=count,
        page=1,
        entries=tuple(entries[:8]),
        now=NOW_SECONDS,
        freshness=FRESH,
    )
    digest = DigestAnswer(digest=build_digest(entries[:2000], NOW_SECONDS), freshness=FRESH)
    for answer in (page, digest):
        message = render(answer, SETTINGS)
        assert validate_message(message) == []


@pytest.mark.parametrize("text", ["", "Plain", HOSTILE], ids=["empty", "plain", "hostile"])
def test_single_views(text: str) -> None:
    records = tuple(
        SyncRecord(name=name, state=state, error=text, total=9)
        for name, state in zip(Sync, [*SyncState, *SyncState], strict=False)
    )
    answers = [
        CaseView(entry=cases(1, text)[0], now=NOW_SECONDS, freshness=FRESH),
        SyncStatus(records=records, now=NOW_SECONDS, version="1"),
        Note(text=text or "x", failed=True, id="abc"),
    ]
    for answer in answers:
        assert validate_message(render(answer, SETTINGS)) == []


def test_help_of_everything() -> None:
    keys = tuple((f.name, f.meaning, f.example) for f in FIELDS.values())
    everything = tuple(command.help for command in router.commands.values())
    for commands in (everything, *((one,) for one in everything)):
        message = render(Help(commands=commands, keys=keys), SETTINGS)
        assert validate_message(message) == []


def test_links_are_http_only() -> None:
    message = str(render(CaseView(entry=cases(1)[0], now=time.time(), freshness=FRESH), SETTINGS))
    assert "javascript:" not in message


@pytest.mark.parametrize("socket", [False, True])
def test_manifest_satisfies_slack(shared_dir: object, socket: bool) -> None:
    import json

    import jsonschema

    path = shared_dir / "specs" / "slack-app-manifest.v2.schema.json"  # type: ignore[operator]
    env = {"slack_app_token": "xapp-not-secret"} if socket else {}
    made = manifest(load_settings(env={**env, "public_url": "https://t5g.example.com"}))
    jsonschema.validate(made, json.loads(path.read_text()))
    assert made["settings"]["socket_mode_enabled"] is socket


def test_hostile_text_is_shown_in_full_when_short() -> None:
    found = entry(portal={"summary": "a < b & c", "created": datetime.now(UTC)})
    text = str(render(CaseView(entry=found, now=time.time(), freshness=FRESH), SETTINGS))
    assert "a < b & c" in text  # the header is plain text
