"""Worlds of cases for tests of the pages: as many as wanted, from a seed, some of them hostile."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from t5g.model import (
    Bug,
    Card,
    CaseComment,
    Comment,
    Details,
    Escalation,
    Issue,
    NotifiedUser,
    Person,
    Portal,
    Source,
)
from t5g.state import CommentsSeen, DetailsSeen, ListingSeen, Observation, PortalSeen

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = (
    MARKUP,
    '"><svg/onload=alert(1)>{{ 7 * 7 }}{% raw %}',
    "עדכון תחנת הבסיס נכשל \u202e txt.exe \u202c אחרי שדרוג",
    "😀🔥🚀 Zażółć gęślą jaźń — 基站升级后无法启动 ﷽",
    "x" * 900,
    "a very long title " * 60,
    "\x00\x01\x1b[31m control \x7f characters \u200b\u200d",
    "   ",
    "&lt;b&gt; is not bold &amp; never was",
    "javascript:alert(1)",
)
ACCOUNTS = (
    "Acme Corp", "Vodafone Ziggo", "Nørrebro Telecom A/S", "Telefónica Móviles", "日本通信株式会社",
    "AT&T <Mobility>", "Deutsche Telekom", "Orange/Business", "Verizon", "Rakuten Symphony",
    "שירותי סלולר", "SK Telecom",
)  # fmt: skip
PEOPLE = tuple(
    Person(account=f"5b10{n:04}", name=name, email=f"{name.split()[0].casefold()}@example.com")
    for n, name in enumerate(
        ("Ada Okafor", "Bjørn Åsgård", "Chen Wei", "Dana O'Neil", "Émile Zola", "Fatima al-Zahra",
         "Grzegorz Brzęczyszczykiewicz", "Hana Sato", "<i>Ivan</i> Petrov")
    )
)  # fmt: skip
SUMMARIES = (
    "Node not ready after upgrade to {v}", "PTP clock out of sync on DU nodes",
    "SR-IOV VFs missing after reboot", "etcd latency above threshold on compact cluster",
    "ZTP policies stay non compliant", "High CPU usage of ovnkube-node",
    "Image pull fails behind the proxy", "kernel-rt panic under load with {v}",
    "Site config is not applied to spoke cluster", "Operator {v} stuck in InstallPlan pending",
)  # fmt: skip
SEVERITIES = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)")
STATUSES = ("New", "To Do", "Open", "In Progress", "Code Review", "QE Review", "Blocked", "Done")


def world(count: int, now: datetime, *, seed: int = 1, hostile: bool = True) -> list[Observation]:
    """Observations of `count` cases around `now`; with `hostile` the first of them are nasty."""
    chance = random.Random(seed)
    made: list[Observation] = []
    for n in range(count):
        nasty = HOSTILE[n] if hostile and n < len(HOSTILE) else ""
        made.extend(_case(f"{4_000_000 + n:08}", now, chance, nasty))
    return made


def _case(number: str, now: datetime, chance: random.Random, nasty: str) -> Iterator[Observation]:
    rank = chance.choices((1, 2, 3, 4), (1, 3, 8, 4))[0]
    age = chance.expovariate(1 / (8, 18, 45, 90)[rank - 1])
    created = now - timedelta(days=age)
    updated = created + (now - created) * chance.random() ** 0.25
    closed = chance.random() < 0.18 and not nasty
    version = f"4.{chance.randint(12, 20)}"
    summary = nasty or chance.choice(SUMMARIES).format(v=version)
    yield PortalSeen(
        number=number,
        seen=now,
        updated=updated,
        facts=Portal(
            number=number,
            status="Closed" if closed
            else chance.choice(("Waiting on Red Hat", "Waiting on Customer", "Waiting on Red Hat")),
            severity=SEVERITIES[rank - 1],
            account=nasty.strip() or chance.choice(ACCOUNTS),
            owner=chance.choice(PEOPLE).name,
            contact=nasty or "Jane Doe",
            summary=summary,
            description=nasty * 3 or f"{summary}.\n\nSteps:\n  1. upgrade\n  2. wait\n" * 3,
            product=nasty or "OpenShift Container Platform",
            version=version,
            case_type="Defect / Bug",
            tags=("shift_telco5g", *((nasty[:30],) if nasty.strip() else ())),
            created=created,
            updated=updated,
            closed=updated if closed else None,
        ),
    )  # fmt: skip
    yield _details(number, now, created, closed, chance, nasty)
    if chance.random() < 0.93:
        yield from _card(number, summary, created, now, chance, nasty)
    if chance.random() < 0.06 or nasty == MARKUP:
        yield _escalation(number, now, chance, nasty)
    yield from _defects(number, now, chance, nasty)


def _details(
    number: str, now: datetime, created: datetime, closed: bool, chance: random.Random, nasty: str
) -> DetailsSeen:
    known = chance.random() < 0.8
    relief = created + (now - created) * chance.random() * 0.5
    comments = tuple(
        CaseComment(
            id=f"c{n}",
            author=nasty or chance.choice(PEOPLE).name,
            body=nasty or "We reproduced it in the lab; logs are attached.\nNext update tomorrow.",
            public=n != 1,
            by_customer=n % 2 == 0,
            created=created + (now - created) * (n / 4),
        )
        for n in range(chance.randint(0, 3))
    )
    facts = Details(
        crit_sit=chance.random() < 0.03,
        group_name=nasty or "Telco 5G",
        notified_users=(NotifiedUser(name=nasty or "Jane Doe", title="TAM"),),
        relief_at=relief if chance.random() < 0.5 else None,
        resolved_at=relief if closed else None,
        comments=comments,
    )
    return DetailsSeen(number=number, seen=now, updated=now, facts=facts if known else Details())


def _card(
    number: str, summary: str, created: datetime, now: datetime, chance: random.Random, nasty: str
) -> Iterator[Observation]:
    key = f"T5G-{int(number) % 100_000}"
    labels = [
        name
        for name, odds in (
            ("PotentialEscalation", 0.05),
            ("Daily_Telco_OCP", 0.1),
            ("Trends", 0.06),
        )
        if chance.random() < odds
    ]
    found = Card(
        key=key,
        id=number,
        summary=f"{number}: {summary}",
        status=nasty or chance.choice(STATUSES),
        priority="Normal",
        assignee=chance.choice(PEOPLE) if chance.random() < 0.9 else None,
        contributors=(chance.choice(PEOPLE),),
        labels=("field-support", *labels),
        sprint="T5G Sprint 12",
        created=created,
        updated=now - (now - created) * chance.random() ** 2,
    )
    yield ListingSeen(number=number, source=Source.CARD, items={key: found}, seen=now)
    comments = tuple(
        Comment(
            id=str(n),
            author=chance.choice(PEOPLE),
            body=nasty or "Backport to 4.16 is in review, ETA Thursday. Customer is informed.",
            created=now - timedelta(days=30 * chance.random() ** 2),
            restricted=n == 2,
        )
        for n in range(chance.randint(0, 3))
    )
    yield CommentsSeen(number=number, card=key, comments=comments, seen=now)


def _escalation(number: str, now: datetime, chance: random.Random, nasty: str) -> ListingSeen:
    key = f"ESC-{int(number) % 1000}"
    found = Escalation(
        key=key, url=nasty or f"https://jira.example.com/browse/{key}", title=nasty or "Site down",
        status="Open", since=now - timedelta(hours=chance.random() * 100),
    )  # fmt: skip
    return ListingSeen(number=number, source=Source.ESCALATION, items={key: found}, seen=now)


def _defects(
    number: str, now: datetime, chance: random.Random, nasty: str
) -> Iterator[Observation]:
    if chance.random() < 0.5:
        key = f"OCPBUGS-{chance.randint(1000, 99_999)}"
        issue = Issue(
            key=key, url=nasty or f"https://jira.example.com/browse/{key}",
            title=nasty or "ovnkube-node leaks memory", status="Assigned", type="Bug",
            severity="Important", priority="Major", assignee=chance.choice(PEOPLE),
            qa_contact=chance.choice(PEOPLE),
            fix_versions=("4.16.z",) if chance.random() < 0.5 else (),
            restricted=chance.random() < 0.1, updated=now - timedelta(days=3),
        )  # fmt: skip
        yield ListingSeen(number=number, source=Source.ISSUES, items={key: issue}, seen=now)
    if chance.random() < 0.2:
        bug = Bug(
            id=chance.randint(2_000_000, 2_300_000), url=nasty or "https://bugzilla.example.com/1",
            summary=nasty or "kernel: lockup on RT", status="POST", severity="high",
            target_release=("---",), assignee="kernel@example.com",
            restricted=chance.random() < 0.2, updated=now - timedelta(days=3),
        )  # fmt: skip
        yield ListingSeen(number=number, source=Source.BUGS, items={str(bug.id): bug}, seen=now)
