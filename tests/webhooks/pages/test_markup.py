"""Markup in every field there is stays text on every page there is.

The fields come from the values themselves, so that none is forgotten: each text of each of them is
markup that names its field. All pages are read as a browser reads them; a tag, a handler or an
address made of it would show. Which fields a page showed is noted, so that this test can not pass
by showing nothing.
"""

import re
import types
import typing
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from lxml import html
from msgspec import Struct, UnsetType
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from yarl import URL

from t5g.audit import Audit, AuditEntry, Outcome
from t5g.figures import HEADLINES
from t5g.keys import Keys
from t5g.model import Bug, Card, Comment, Details, Escalation, Issue, Portal, Source
from t5g.runs import Outcome as Ended
from t5g.runs import Run, RunBook, Said
from t5g.settings import Settings
from t5g.state import CommentsSeen, DetailsSeen, ListingSeen, PortalSeen
from t5g.statistics import DayRow, History, day_of
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from tests import wall_clock
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Get

KEYS = Keys()
NUMBER = "07654321"
SHOWN = re.compile(r"<evil of=(\d+)")
#: Facts that no page shows.
HIDDEN = {
    "Portal.upstream_status", "Portal.account_number",
    "Details.issue_keys", "NotifiedUser.kind", "CaseComment.id",
    "Person.account", "Person.email", "Comment.id", "Card.id", "Card.sprint_id",
    "Issue.id", "Issue.fix_version_ids", "Escalation.id", "Run.worker", "Run.request", "Run.queue",
}  # fmt: skip


class Nasty:
    """Fills values with markup that names the field it stands in."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.names: list[str] = []

    def text(self, name: str) -> str:
        """Markup for a field; an address is one that runs."""
        if name not in self.names:
            self.names.append(name)
        tag = f"'\"><evil of={self.names.index(name)}>"
        return f"javascript:alert(1)//{tag}" if name.endswith(".url") else tag

    def fill(self, kind: type[Struct], **given: Any) -> Any:
        """Make a value of which every text is markup."""
        made = {
            name: self._of(hint, f"{kind.__name__}.{name}")
            for name, hint in typing.get_type_hints(kind).items()
            if name not in given
        }
        return kind(**made, **given)

    def _of(self, hint: Any, name: str) -> Any:
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(x for x in typing.get_args(hint) if x not in (UnsetType, type(None)))
        if typing.get_origin(hint) is tuple:
            return (self._of(typing.get_args(hint)[0], name),)
        if isinstance(hint, type) and issubclass(hint, Struct):
            return self.fill(hint)
        return {
            str: lambda: self.text(name),
            int: lambda: 7,
            bool: lambda: False,
            datetime: lambda: self.now - timedelta(hours=30),
        }[hint]()


@pytest.fixture
def nasty() -> Nasty:
    return Nasty(wall_clock.now())


async def write_case(store: Store, nasty: Nasty) -> None:
    """Write a case that has everything."""
    now, said = nasty.now, nasty.now - timedelta(hours=1)
    portal = nasty.fill(Portal, number=NUMBER)
    card = nasty.fill(Card, key=nasty.text("Card.key"))
    trend = Card(**{**_fields(card), "labels": (*card.labels, "Trends", "Daily_Telco_OCP")})
    comment = nasty.fill(Comment, created=said)
    await store.write(
        [
            PortalSeen(number=NUMBER, seen=now, updated=now, facts=portal),
            DetailsSeen(
                number=NUMBER, seen=now, updated=now, facts=nasty.fill(Details, crit_sit=True)
            ),
            ListingSeen(number=NUMBER, source=Source.CARD, items={card.key: trend}, seen=now),
            CommentsSeen(number=NUMBER, card=card.key, comments=(comment,), seen=now),
            *(
                ListingSeen(
                    number=NUMBER, source=source, items={"1": nasty.fill(kind)}, seen=now
                )
                for source, kind in (
                    (Source.ISSUES, Issue), (Source.BUGS, Bug), (Source.ESCALATION, Escalation),
                )
            ),
        ],
        now=now,
    )  # fmt: skip


def _fields(value: Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


async def write_surroundings(
    settings: Settings, redis: Redis, records: SyncRecords, nasty: Nasty
) -> None:
    """Write what pages show beside cases: numbers of days, syncs, jobs, the audit log."""
    now = nasty.now.timestamp()
    history = History(redis, KEYS)
    for days in range(1, 9):
        at = now - days * 86_400
        by = {
            name: {nasty.text(f"DayRow.{name}"): days}
            for name in ("by_severity", "by_status", "by_account", "by_engineer")
        }
        headlines = {line.name: days for line in HEADLINES}
        await history.write(DayRow(day=day_of(at, settings.zone), at=at, headlines=headlines, **by))
    await records.write(
        SyncRecord(name=Sync.BUGS, state=SyncState.FAILED, error=nasty.text("SyncRecord.error"))
    )
    running = SyncRecord(
        name=Sync.CARDS, state=SyncState.RUNNING,
        what=nasty.text("SyncRecord.what"),
    )  # fmt: skip
    await records.write(running)
    await Audit(redis, KEYS).record(
        nasty.fill(AuditEntry, outcome=Outcome.DONE, at=now, id="", case=NUMBER)
    )
    with SyncRedis.from_url(settings.redis_url) as raw:
        book = RunBook(raw, KEYS)
        for name in ("failed", "done", "running"):
            book.begin(
                nasty.fill(Run, id=name, outcome=None, queued=now - 9, started=now - 8, ended=0.0)
            )
        error, trace = nasty.text("Run.error"), nasty.text("Run.trace")
        book.say("failed", Said(outcome=Ended.FAILED, error=error, trace=trace))
        book.say("done", Said(outcome=Ended.DONE, result=nasty.text("Run.result")))
        book.end("failed", now)
        book.end("done", now)


def pages(nasty: Nasty) -> Iterator[str]:
    """Every page, and pages that repeat what was asked."""
    account, engineer = nasty.text("Portal.account"), nasty.text("Person.name")
    asked = quote("<evil of=0>\"'", safe="")
    yield from ("/", "/cases", f"/cases/{NUMBER}", "/stats", "/stats?days=0", "/trends")
    yield from ("/updates?days=7", "/weekly", "/jobs", "/audit")
    yield from (f"/accounts/{quote(account, safe='')}", f"/engineers/{quote(engineer, safe='')}")
    yield from (f"/cases?q={asked}", f"/cases?q=sevrity:{asked}", f"/cases?q=tag:{asked}")
    yield from (f"/cases/{asked}", f"/accounts/{asked}", f"/engineers/{asked}", f"/{asked}")
    yield from (f"/audit?who={asked}&case={asked}", f"/audit?since={asked}", f"/?x={asked}")


def dangers(text: str) -> list[str]:
    """What a browser would make of markup that came through."""
    found = []
    for element in html.document_fromstring(text).iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag == "evil" or (element.tag == "script" and element.text):
            found.append(html.tostring(element).decode()[:200])
        for name, value in element.attrib.items():
            address = name in ("href", "src", "action", "formaction", "xlink:href")
            known = re.match(r"/(?!/)|#|https?://", value)
            if name.startswith("on") or name == "style" or (address and not known):
                found.append(f"<{element.tag} {name}={value[:100]!r}>")
    return found


def shown_in(text: str, names: list[str]) -> set[str]:
    """The fields whose markup stands on a page, as text or in an attribute."""
    tree = html.document_fromstring(text)
    words = tree.text_content() + "".join(v for e in tree.iter() for v in e.attrib.values())
    return {names[int(n)] for n in SHOWN.findall(words)}


async def test_markup_of_every_field_is_text_on_every_page(
    get: Get, store: Store, settings: Settings, redis: Redis, records: SyncRecords, nasty: Nasty
) -> None:
    await write_case(store, nasty)
    await write_surroundings(settings, redis, records, nasty)
    shown: set[str] = set()
    for path in pages(nasty):
        status, text = await get(URL(path, encoded=True))
        assert status in (200, 400, 404), path
        assert dangers(text) == [], path
        shown |= shown_in(text, nasty.names)
    urls = {name for name in nasty.names if name.endswith(".url")}
    assert set(nasty.names) - shown - urls <= HIDDEN, "nothing shows these fields: say so in HIDDEN"
    assert len(shown) > 50


@pytest.mark.parametrize(
    "path",
    ["/weekly.txt", "/cases.csv", "/suggest?q=account:", "/api/v1/cases",
     f"/api/v1/cases/{NUMBER}", "/api/v1/accounts", "/api/v1/stats"],
)  # fmt: skip
async def test_what_is_no_page_is_not_taken_for_one(
    client: Client, store: Store, nasty: Nasty, path: str
) -> None:
    await write_case(store, nasty)
    async with client.get(path) as response:
        assert response.status == 200
        assert response.content_type != "text/html"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
