"""What `/audit` shows, in words, and the addresses of its other views."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from t5g.audit import AuditEntry, Outcome
from webhooks.pages.views.words import When, cut, when

LONGEST = 200
ORIGINS = ("slack", "page", "api", "cli", "job")
OUTCOMES = tuple(outcome.value for outcome in Outcome)


class Form(Struct, frozen=True, kw_only=True):
    """The filters as they were typed."""

    who: str = ""
    action: str = ""
    case: str = ""
    origin: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""


class AuditRow(Struct, frozen=True, kw_only=True):
    """One line; the urls narrow the list to its person, action or case."""

    when: When | None
    who: str
    id: str
    who_url: str
    origin: str
    action: str
    action_url: str
    case: str
    outcome: str
    detail: str


class Size(Struct, frozen=True, kw_only=True):
    """A choice of rows."""

    text: str
    url: str
    current: bool


class AuditView(Struct, frozen=True, kw_only=True):
    """The page."""

    form: Form
    rows: tuple[AuditRow, ...]
    more: bool
    filtered: bool
    csv: str
    sizes: tuple[Size, ...]
    origins: tuple[str, ...] = ORIGINS
    outcomes: tuple[str, ...] = OUTCOMES


def audit_view(
    entries: Sequence[AuditEntry], form: Form, rows: int, choices: Sequence[int], now: float
) -> AuditView:
    """Say what the log has; `entries` may be one more than `rows`."""
    return AuditView(
        form=form,
        rows=tuple(_row(entry, form, now) for entry in entries[:rows]),
        more=len(entries) > rows,
        filtered=form != Form(),
        csv=_url("/audit.csv", form),
        sizes=tuple(
            Size(text=f"{n:,}", url=_url("/audit", form, rows=n), current=n == rows)
            for n in choices
        ),
    )


def _row(entry: AuditEntry, form: Form, now: float) -> AuditRow:
    return AuditRow(
        when=when(entry.at, now),
        who=cut(entry.name or entry.who, LONGEST),
        id=entry.who,
        who_url=_url("/audit", msgspec.structs.replace(form, who=entry.who)),
        origin=f"{entry.origin} {entry.place}".strip(),
        action=entry.action,
        action_url=_url("/audit", msgspec.structs.replace(form, action=entry.action)),
        case=entry.case,
        outcome=entry.outcome.value,
        detail=cut(entry.detail, LONGEST),
    )


def _url(path: str, form: Form, **more: int) -> str:
    asked = {name: value for name, value in msgspec.structs.asdict(form).items() if value}
    query = urlencode({**asked, **more})
    return f"{path}?{query}" if query else path
