"""A list of cases as a table for spreadsheets: every fact that the list shows, a column each."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from t5g.derived import Entry
from t5g.figures import engineer_of
from t5g.spreadsheet import csv_pieces
from webhooks.pages.views.rows import remark, sla

Cell = Callable[[Entry, float], object]


def _yes(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _last_comment(entry: Entry, now: float) -> str:
    found = remark(entry.last_comment, now)
    return found.text if found else ""


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("number", lambda e, _: e.number),
    ("severity", lambda e, _: e.severity),
    ("escalated", lambda e, _: _yes(e.escalated)),
    ("crit sit", lambda e, _: _yes(e.crit_sit)),
    ("summary", lambda e, _: e.case.portal.summary),
    ("product", lambda e, _: f"{e.case.portal.product} {e.case.portal.version}".strip()),
    ("account", lambda e, _: e.case.portal.account),
    ("status", lambda e, _: e.case.portal.status),
    ("internal status", lambda e, _: e.internal_status),
    ("assignee", lambda e, _: engineer_of(e) if e.assignee else ""),
    ("owner", lambda e, _: e.case.portal.owner),
    ("card", lambda e, _: e.card.key if e.card else ""),
    ("issues", lambda e, _: " ".join(issue.key for issue in e.case.issues)),
    ("bugs", lambda e, _: " ".join(str(bug.id) for bug in e.case.bugs)),
    ("last comment", _last_comment),
    ("last comment UTC", lambda e, _: _time(e.last_comment.created) if e.last_comment else ""),
    ("days open", lambda e, now: f"{e.days_open(now):.1f}" if e.created else ""),
    ("SLA days", lambda e, _: "" if e.sla_days is None else f"{e.sla_days:g}"),
    ("SLA", lambda e, now: sla(e, now).state),
    ("stale", lambda e, now: _yes(e.stale(now))),
    ("watchlist", lambda e, _: _yes(e.watchlist)),
    ("trend", lambda e, _: _yes(e.trend)),
    ("created UTC", lambda e, _: _time(e.case.portal.created)),
    ("updated UTC", lambda e, _: _time(e.case.portal.updated)),
    ("closed UTC", lambda e, _: _time(e.case.portal.closed)),
)


def table(entries: Iterable[Entry], now: float) -> Iterator[str]:
    """Write the table in pieces of some hundred rows."""
    rows = ((of(entry, now) for _, of in COLUMNS) for entry in entries)
    return csv_pieces([title for title, _ in COLUMNS], rows)
