"""Answers and arguments for every view: of any number of cases, with any text in them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from bot.alerts import Told
from bot.answers import (
    PAGE_SIZE,
    Answer,
    CaseList,
    CaseView,
    CommandHelp,
    DigestAnswer,
    Export,
    Freshness,
    Help,
    Note,
    Option,
    PlanList,
    Process,
    Progress,
    Stats,
    SyncStatus,
    WatchList,
)
from bot.asking import router
from bot.commands.stats import KINDS, ROWS, counted
from bot.plans import Plan, Report
from bot.views.blocks import (
    alerts,
    case,
    digest,
    home,
    lists,
    modals,
    notes,
    render,
    stats,
    status,
    watches,
)
from bot.views.blocks import help as helping
from bot.views.words import sentence
from bot.watches import Watch
from t5g.alerts import Alert, Notice
from t5g.census import figures
from t5g.derived import Entry
from t5g.digest import build_digest
from t5g.model import Bug, CaseComment, Comment, Details, Escalation, Issue, Person
from t5g.news import News
from t5g.query import FIELDS, parse_query
from t5g.settings import load_settings
from t5g.statistics import DayRow
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.team import Member, Role
from tests.making import NOW_SECONDS, ago, card, entry

SETTINGS = load_settings(env={"public_url": "https://t5g.example.com", "read_only": "false"})
ANN: Final = "U0ANN"
#: Cases that differ; more of them are the same ones again.
DIFFERENT = 36
#: Things that a case, a person or a channel has, when they are as many as may be.
MANY = 20

Payload = dict[str, Any]


@cache
def cases(count: int, text: str) -> tuple[Entry, ...]:
    """So many cases with that text wherever a text comes from outside."""
    made = [_case(n, text) for n in range(1, min(count, DIFFERENT) + 1)]
    return tuple((made * (count // max(1, len(made)) + 1))[:count])


def _case(n: int, text: str) -> Entry:
    person = Person(account=f"a{n % 7}" if n % 5 else text[:300], name=text[:300])
    key = f"T5G-{n}"
    closed = n % 9 == 8
    return entry(
        f"{n:08}",
        portal={
            "summary": text, "account": text, "status": "Closed" if closed else text,
            "severity": text if n % 6 == 5 else f"{n % 4 + 1} ({text})", "product": text,
            "version": text, "owner": text, "tags": (text, text), "description": text * 3,
            "created": None if n % 10 == 9 else ago(days=n % 300), "updated": ago(days=n % 20),
            "closed": ago(hours=n % 20) if closed else None,
        },
        card=card(
            key, status=text, assignee=person if n % 3 else None, labels=(text,), sprint=text,
            contributors=(person,) * 9,
        ) if n % 8 else None,
        comments={key: tuple(
            Comment(id=str(i), author=person if i else None, body=text, created=ago(hours=i),
                    restricted=i == 3) for i in range(5))},
        issues=tuple(
            Issue(key=f"B-{i}", url="javascript:alert(1)" if i % 2 else f"https://b/{text}",
                  title=text, status=text, fix_versions=(text,) * 9, restricted=i % 5 == 4)
            for i in range(MANY)),
        bugs=tuple(
            Bug(id=i, url="https://b.example.com/|<>", summary=text, status=text,
                target_release=(text,) * 9, restricted=i % 5 == 4) for i in range(MANY)),
        escalations=tuple(
            Escalation(key=f"ESC-{i}", url="https://j.example.com/ESC-1", title=text,
                       since=ago(hours=n % 50)) for i in range(3)) if n % 4 == 1 else (),
        details=Details(
            crit_sit=n % 2 == 0, group_name=text, relief_at=ago(days=1), resolved_at=ago(days=1),
            comments=tuple(
                CaseComment(id=str(i), author=text, body=text, public=i % 2 == 0,
                            by_customer=i % 3 == 0, created=ago(hours=i)) for i in range(6))),
    )  # fmt: skip


def fresh(text: str) -> Freshness:
    """Old data of every source, each with that reason."""
    return Freshness(synced=NOW_SECONDS, stale=tuple((sync.value, text) for sync in Sync))


def page(count: int, text: str) -> CaseList:
    """The second of the pages, if there are so many."""
    found = cases(count, text)
    number = 2 if count > PAGE_SIZE else 1
    words = text[:300].replace('"', " ").replace("\\", " ").strip()
    query = f'account:"{words}" sort:-age' if words else "sort:-age"
    return CaseList(
        title=text[:200] or "Cases",
        query=parse_query(query),
        total=count,
        page=number,
        entries=found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE],
        now=NOW_SECONDS,
        freshness=fresh(text),
    )


def views(count: int, text: str) -> list[CaseView]:
    """A case in each of the ways it is shown; none if there is none."""
    ways: Sequence[dict[str, Any]] = (
        {},
        {"may_act": True, "may_refresh": True, "said": text},
        {"shared": True, "by": ANN},
        {"shared": True, "by": ANN, "discreet": True},
    )
    found = cases(min(count, 4), text)
    return [
        CaseView(entry=one, now=NOW_SECONDS, freshness=fresh(text), **way)
        for one in found
        for way in ways
    ]


@cache
def digests(count: int, text: str) -> tuple[DigestAnswer, ...]:
    """The daily digest and the weekly report, with people whom Slack knows."""
    found = cases(count, text)
    made = build_digest(found, NOW_SECONDS, since=NOW_SECONDS - 86_400, before=_row())
    mentions = {e.assignee.account: ANN for e in found[:DIFFERENT] if e.assignee}
    return tuple(
        DigestAnswer(
            digest=made, freshness=fresh(text), weekly=weekly, trend=trend, mentions=mentions,
        )
        for weekly, trend in ((False, ()), (True, (0, count, 10_000, 5) * 7))
    )  # fmt: skip


def _row() -> DayRow:
    return DayRow(day="2026-11-23", at=NOW_SECONDS - 86_400, headlines={"open": 12_345, "stale": 0})


def helps(count: int, text: str) -> list[Help]:
    """Help for everybody, and of each command; `count` commands more than there are."""
    del count  # commands are registered by us, and as many as they are
    keys = tuple((f.name, f.meaning, f.example) for f in FIELDS.values())
    everything = tuple(command.help for command in router.commands.values())
    odd = CommandHelp(name="odd", usage=text, summary=text, examples=(text,) * 5, acts=True)
    sets = (everything, *((one,) for one in everything), (odd,))
    return [Help(commands=x, keys=keys, role=Role.ADMIN, read_only=True) for x in sets]


@cache
def numbers(count: int, text: str) -> tuple[Stats, ...]:
    """The numbers, and the tables by account and engineer."""
    found = cases(count, text)
    made = figures(found, NOW_SECONDS)
    tables = {by: counted(found, name, NOW_SECONDS) for by, name in KINDS.items()}
    return (
        Stats(figures=made, freshness=fresh(text), before=_row()),
        *(
            Stats(figures=made, freshness=fresh(text), by=by, rows=tuple((rows * 40)[:ROWS]),
                  total=len(rows))
            for by, rows in tables.items()
        ),
    )  # fmt: skip


def records(count: int, text: str) -> tuple[SyncRecord, ...]:
    """A record of every sync, in every state."""
    states = [*SyncState, *SyncState]
    return tuple(
        SyncRecord(name=name, state=state, error=text, what=text, total=count, current=count // 2,
                   seen=count, changed=count, failed=count, ended=NOW_SECONDS)
        for name, state in zip(Sync, states, strict=False)
    )  # fmt: skip


def statuses(count: int, text: str) -> list[SyncStatus]:
    """The state of everything, with so many alerts and parked events."""
    return [
        SyncStatus(
            records=records(count, text), now=NOW_SECONDS, version="0.1.0", cases=count,
            queues={"high": count, "default": count},
            processes=(Process("worker", 0), Process("scheduler", count), Process("bot", count)),
            alerts=tuple(Alert(name=str(n), text=text, hint=text) for n in range(count)),
            outbox=count, parked=count, read_only=True,
        )
    ]  # fmt: skip


def progresses(count: int, text: str) -> list[Progress]:
    """A sync under way, one that is over, one that was joined."""
    return [
        Progress(
            what="cases", records=records(count, text), wishes=(0,) * 9, now=NOW_SECONDS, **more
        )
        for more in ({}, {"over": True}, {"joined": True})
    ]


def watched(count: int, text: str) -> tuple[tuple[Watch, int], ...]:
    """So many watches."""
    return tuple(
        (Watch(id=str(n), channel="C1", query=text, by=ANN, by_name=text), count)
        for n in range(count)
    )


def watch_lists(count: int, text: str) -> list[WatchList]:
    """Watches of a channel and of a person."""
    return [
        WatchList(watches=watched(count, text), personal=personal, said=text)
        for personal in (False, True)
    ]


def plan(n: int, text: str) -> Plan:
    """One plan, every second one a person's."""
    report = Report.WEEKLY if n % 3 == 0 else Report.DAILY
    channel = f"U{n:04}" if n % 2 else f"C{n:04}"
    return Plan(channel=channel, report=report, zone=text[:90] or "UTC", days=(0, 2, 4))


def plan_lists(count: int, text: str) -> list[PlanList]:
    """So many plans."""
    return [PlanList(plans=tuple((plan(n, text), NOW_SECONDS * (n % 2)) for n in range(count)))]


def exports(count: int, text: str) -> list[Export]:
    """A file of so many cases."""
    return [Export(name="cases-2026-11-24.csv", content=text, count=count, query=text)]


def sentences(count: int, text: str) -> list[Note]:
    """What was not understood, with so many things that may have been meant."""
    options = tuple(Option(text, f"case {text}") for _ in range(count))
    said = text or "Nothing."
    return [
        Note(text=said, failed=True, id="0a1b2c3d", options=options),
        Note(text=said, waiting=True),
    ]


def told(count: int, text: str) -> list[Told]:
    """So many cases of which there is something to tell."""
    why = tuple(News("status", text or "closed", str(n)) for n in range(6))
    return [Told(entry=one, reasons=why) for one in cases(count, text)]


#: Makers of every kind of answer: all that a command may answer with.
ANSWERS: dict[type[Any], Callable[[int, str], Sequence[Answer]]] = {
    CaseList: lambda count, text: [page(count, text)],
    CaseView: views,
    Help: helps,
    DigestAnswer: digests,
    SyncStatus: statuses,
    Stats: numbers,
    WatchList: watch_lists,
    PlanList: plan_lists,
    Export: exports,
    Note: sentences,
    Progress: progresses,
}


def everything(count: int, text: str) -> list[Answer]:
    """Every answer there may be."""
    return [answer for make in ANSWERS.values() for answer in make(count, text)]


def _message(blocks: Sequence[Payload]) -> Payload:
    return {"text": "x", "blocks": list(blocks)}


def _home(count: int, text: str) -> list[Payload]:
    found = told(count, text)
    ways: Sequence[dict[str, Any]] = (
        {"changed": tuple(found), "looked": 0.0, "digest": None},
        {"changed": tuple(found), "looked": 1.0, "digest": plan(1, text), "lost": True},
    )
    watching = WatchList(watches=watched(count, text), personal=True)
    return [
        home.home_view(
            home.HomeView(mine=page(count, text), watches=watching, name=text, **way), SETTINGS
        )
        for way in ways
    ]


def _announcements(count: int, text: str) -> list[Payload]:
    made: list[Payload] = []
    for one in cases(min(count, 4), text):
        if one.card is not None:
            for mention, again in (("", False), (ANN, True)):
                main, thread = alerts.announcement(
                    one, one.card, mention=mention, reason=text, again=again, now=NOW_SECONDS,
                    settings=SETTINGS,
                )  # fmt: skip
                made += [main, *thread]
    return made


def _notices(count: int, text: str) -> list[Payload]:
    del count  # one alert is one message
    alert = Alert(name="x", text=text or "x", hint=text)
    return [
        alerts.notice_message(Notice(id="1", alert=alert, raised=raised))
        for raised in (True, False)
    ]


def _assign(count: int, text: str) -> list[Payload]:
    # An option is told by its value: members of the team have names and addresses of their own.
    team = [
        (Member(name=f"{n} {text[:400]}", email=f"e{n}@example.com"), text) for n in range(count)
    ]
    metadata = {"n": "01234567", "back": "x" * 22}
    return [modals.assign_modal(one, team, metadata) for one in cases(min(count, 1), text)]


def _comment(count: int, text: str) -> list[Payload]:
    found: list[Entry | None] = [None, *cases(min(count, 3), text)]
    return [modals.comment_modal(one, text, {"n": "01234567"}) for one in found]


def _answer_modals(count: int, text: str) -> list[Payload]:
    answers = [make(count, text)[:1] for make in ANSWERS.values()]
    shown = [render(x, SETTINGS) for found in answers for x in found]
    return [modals.answer_modal(text or "T5G", payload) for payload in shown]


def _modal(count: int, text: str) -> list[Payload]:
    rows = [lists.row(x, NOW_SECONDS, SETTINGS) for x in cases(min(count, 120), text)]
    return [modals.modal(text or "T5G", rows or [{"type": "divider"}])]


def _all_digest_posts(count: int, text: str) -> list[Payload]:
    return [x for answer in digests(count, text) for x in digest.digest_posts(answer, SETTINGS)]


def _watch_messages(count: int, text: str) -> list[Payload]:
    watch = Watch(id="1", channel="C1", query=text)
    found = told(count, text)
    return [alerts.watch_message(watch, found, NOW_SECONDS, SETTINGS)] if found else []


def _alarms(count: int, text: str) -> list[Payload]:
    found = told(count, text)
    return [alerts.alarm_message(found, NOW_SECONDS, SETTINGS)] if found else []


#: Every view, and what it shows of so many cases with such texts.
VIEWS: dict[Callable[..., Any], Callable[[int, str], list[Payload]]] = {
    render: lambda n, text: [
        render(x, SETTINGS) for make in ANSWERS.values() for x in make(n, text)[:1]
    ],
    lists.list_message: lambda n, text: [lists.list_message(page(n, text), SETTINGS)],
    lists.row: lambda n, text: [
        _message([lists.row(x, NOW_SECONDS, SETTINGS)]) for x in cases(min(n, 10), text)
    ],
    case.case_message: lambda n, text: [case.case_message(x, SETTINGS) for x in views(n, text)],
    helping.help_message: lambda n, text: [
        helping.help_message(x, SETTINGS) for x in helps(n, text)
    ],
    digest.digest_preview: lambda n, text: [
        digest.digest_preview(x, SETTINGS) for x in digests(n, text)
    ],
    digest.digest_posts: _all_digest_posts,
    status.status_message: lambda n, text: [status.status_message(x) for x in statuses(n, text)],
    status.progress_message: lambda n, text: [
        status.progress_message(x) for x in progresses(n, text)
    ],
    stats.stats_message: lambda n, text: [
        stats.stats_message(x, SETTINGS) for x in numbers(n, text)
    ],
    watches.watches_message: lambda n, text: [
        watches.watches_message(x) for x in watch_lists(n, text)
    ],
    watches.plans_message: lambda n, text: [watches.plans_message(x) for x in plan_lists(n, text)],
    notes.note_message: lambda n, text: [notes.note_message(x) for x in sentences(n, text)],
    notes.export_message: lambda n, text: [notes.export_message(x) for x in exports(n, text)],
    alerts.watch_message: _watch_messages,
    alerts.alarm_message: _alarms,
    alerts.own_message: _alarms,
    alerts.announcement: _announcements,
    alerts.notice_message: _notices,
    alerts.preview: lambda n, text: [
        _message(alerts.preview(cases(n, text), NOW_SECONDS, SETTINGS) or [{"type": "divider"}])
    ],
    home.home_view: _home,
    modals.modal: _modal,
    modals.answer_modal: _answer_modals,
    modals.search_modal: lambda n, text: [modals.search_modal(text, ["urgent"], "stale:yes")],
    modals.comment_modal: _comment,
    modals.assign_modal: _assign,
    modals.waiting_modal: lambda n, text: [modals.waiting_modal(sentence(f"Told: {text}"))],
}


def at(seconds: float) -> datetime:
    """A moment."""
    return datetime.fromtimestamp(seconds, UTC)
