"""What lists can be sorted by: one table for parsing, help, menus and cursors."""

from collections.abc import Callable
from typing import NamedTuple

from t5g.derived import Entry


class Sort(NamedTuple):
    """A key of `sort:`; empty values come last either way."""

    name: str
    meaning: str
    key: Callable[[Entry, float], float | str | None]


SORTS: dict[str, Sort] = {
    sort.name: sort
    for sort in (
        Sort("severity", "urgent first", lambda e, _: e.rank),
        Sort("age", "youngest first", lambda e, now: e.days_open(now) if e.created else None),
        Sort("updated", "longest without an update first", lambda e, _: e.activity or None),
        Sort("created", "oldest first", lambda e, _: e.created or None),
        Sort("closed", "closed earliest first", lambda e, _: e.closed or None),
        Sort("sla", "least of the SLA used first", lambda e, now: e.sla_used(now)),
        Sort("number", "by number", lambda e, _: e.number),
        Sort("account", "by account", lambda e, _: e.account.casefold() or None),
        Sort("product", "by product", lambda e, _: e.product.casefold() or None),
        Sort("status", "by status", lambda e, _: e.status.casefold() or None),
        Sort("internal", "by internal status", lambda e, _: e.internal_status.casefold() or None),
        Sort(
            "assignee",
            "by assignee",
            lambda e, _: (e.assignee.name or e.assignee.account).casefold() if e.assignee else None,
        ),
        Sort("summary", "by summary", lambda e, _: e.case.portal.summary.casefold() or None),
        Sort("card", "by key of the card", lambda e, _: e.card.key if e.card else None),
        Sort(
            "comment",
            "longest without a comment first",
            lambda e, _: (
                e.last_comment.created.timestamp()
                if e.last_comment and e.last_comment.created
                else None
            ),
        ),
        Sort("escalated", "escalated first", lambda e, _: 0 if e.escalated else 1),
    )
}
