"""The keys of the query language: one table for parsing, help, suggestions and menus.

A key is added here and nowhere else; `t5g.query.compiling` has the kinds of keys.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter

from t5g.derived import SEVERITIES, Entry
from t5g.model import Person, Status
from t5g.query.compiling import (
    ANY,
    COMPARISONS,
    ME,
    NAMING,
    NOBODY_KNOWS,
    NONE,
    UNKNOWN,
    Field,
    bug,
    card,
    choice,
    elapsed,
    fact,
    fact_now,
    listed,
    nearest,
    number,
    owner,
    people,
    person,
    severity,
    sla,
    target,
    text,
)
from t5g.query.filters import Filter, each
from t5g.settings import INTERNAL_STATUS

__all__ = ["ALIASES", "FIELDS", "Field", "nearest"]

_STATUSES = tuple(status.value for status in Status)
_STATUS: dict[str, Filter] = {
    "open": each(lambda entry: entry.open),
    "closed": each(lambda entry: not entry.open),
    ANY: each(lambda entry: True),
    "all": each(lambda entry: True),
}
_INTERNALS = tuple(dict.fromkeys(INTERNAL_STATUS.values()))
_YN = ("yes", "no")


def _involved(entry: Entry) -> tuple[Person, ...]:
    assignee = (entry.assignee,) if entry.assignee else ()
    return (*assignee, *(entry.card.contributors if entry.card else ()))


def _open_for(entries: Sequence[Entry], now: float) -> list[float]:
    """The seconds that each case has been open, flat: at ten thousand cases calls are the cost."""
    return [
        (gone if (gone := (entry.ended or now) - entry.created) > 0 else 0.0)
        if entry.created
        else NOBODY_KNOWS
        for entry in entries
    ]


def _since(of: Callable[[Entry], float]) -> Callable[[Sequence[Entry], float], list[float]]:
    """The seconds since a moment of each case (0: unknown)."""
    return lambda entries, now: [now - at if at else NOBODY_KNOWS for at in map(of, entries)]


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field(
            "status",
            "status of the case; without it only open cases are listed",
            "status:open",
            choice(attrgetter("status"), _STATUSES, _STATUS),
            ("open", "closed", ANY, *_STATUSES),
        ),
        Field(
            "severity",
            "severity, by name or number",
            "severity:urgent,high",
            severity,
            tuple(name.casefold() for name in SEVERITIES.values()),
            ("sev",),
        ),
        Field(
            "account",
            "part of the account's name; with = the whole name",
            'account="Acme Corp"',
            text(attrgetter("account")),
            operators=NAMING,
        ),
        Field(
            "assignee",
            "who the card is assigned to; me, none; with = the whole name, address or account",
            "assignee:me",
            person(attrgetter("assignee")),
            (ME, NONE),
            operators=NAMING,
        ),
        Field(
            "contributor",
            "assignee or contributor of the card; me, none; with = as above",
            "contributor:me",
            people(_involved),
            (ME, NONE),
            operators=NAMING,
        ),
        Field(
            "owner",
            "owner of the case in the Portal; me, none; with = the whole name",
            "owner:me",
            owner(attrgetter("owner")),
            (ME, NONE),
            operators=NAMING,
        ),
        Field(
            "product", "part of product and version", "product:4.16", text(attrgetter("product"))
        ),
        Field(
            "tag",
            "tag of the case; none, any, unknown",
            "tag:shift_telco5g",
            listed(attrgetter("case.portal.tags")),
            (NONE, ANY, UNKNOWN),
        ),
        Field("label", "label of the card", "label:Trends", listed(attrgetter("labels"))),
        Field("number", "the case with this number", "number:01234567", number),
        Field(
            "card",
            "key of the card; none",
            "card:T5G-12",
            card,
            (NONE, ANY),
        ),
        Field(
            "internal",
            "internal status of the card",
            "internal:debugging",
            choice(
                attrgetter("internal_status"),
                _INTERNALS,
                {NONE: each(lambda entry: not entry.internal_status)},
            ),
            _INTERNALS,
        ),
        Field(
            "issue",
            "key of a linked JIRA issue; none, any",
            "issue:OCPBUGS-123",
            listed(lambda e: tuple(issue.key for issue in e.case.issues)),
            (NONE, ANY),
        ),
        Field(
            "bug",
            "number of a linked bug; none: no bug and no issue",
            "bug:none",
            bug,
            (NONE, ANY),
        ),
        Field(
            "target",
            "missing: a bug without target release or an issue without fix version",
            "target:missing",
            target,
            ("missing", "set"),
        ),
        Field(
            "escalated",
            "an escalation names the case",
            "escalated:yes",
            fact("escalated"),
            _YN,
        ),
        Field(
            "potential",
            "marked as a potential escalation",
            "potential:yes",
            fact("potential_escalation"),
            _YN,
        ),
        Field(
            "critsit",
            "critical situation",
            "critsit:yes",
            fact("crit_sit"),
            ("yes", "no", "unknown"),
        ),
        Field(
            "watchlist",
            "on the daily watch list",
            "watchlist:yes",
            fact("watchlist"),
            _YN,
        ),
        Field("trend", "labelled as part of a trend", "trend:yes", fact("trend"), _YN),
        Field(
            "untracked",
            "open and without a card",
            "untracked:yes",
            fact("untracked"),
            _YN,
        ),
        Field(
            "stale",
            "open and not updated for a week",
            "stale:yes",
            fact_now(Entry.stale),
            _YN,
        ),
        Field(
            "sla",
            "breached: open longer than the SLA; risk: over 80 % of it",
            "sla:breached",
            sla,
            ("breached", "risk", "ok"),
        ),
        Field(
            "age",
            "how long the case has been open",
            "age>30d",
            elapsed(_open_for),
            operators=COMPARISONS,
        ),
        Field(
            "updated",
            "last update of the case or its card",
            "updated<24h",
            elapsed(_since(attrgetter("activity"))),
            operators=COMPARISONS,
        ),
        Field(
            "created",
            "when the case was opened",
            "created>2026-01-01",
            elapsed(_since(attrgetter("created"))),
            operators=COMPARISONS,
        ),
        Field(
            "closed",
            "when the case was closed",
            "closed<7d",
            elapsed(_since(lambda e: 0.0 if e.open else e.closed)),
            operators=COMPARISONS,
        ),
    )
}

ALIASES = {alias: field.name for field in FIELDS.values() for alias in field.aliases}
