"""Searches: a query in, the issues in order out, and a place in that order to go on from.

What was found is kept until the next write, so that a page costs little however many there are.
"""

import base64
import binascii
import json
import zlib
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Self

from sandbox.jira.jql.clauses import Asking, groups_for
from sandbox.jira.jql.fields import SortKey, sort_key
from sandbox.jira.jql.syntax import Order, Query, read
from sandbox.jira.model import JiraIssue, JiraUser, Refusal
from sandbox.jira.state import JiraState

KEPT: Final = 32
MOST_ORDERS: Final = 7
TOKEN_LIFE: Final = timedelta(days=7)
UNBOUNDED: Final = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)
BAD_TOKEN: Final = "The provided next page token is invalid or expired."


@dataclass(frozen=True)
class Sorting:
    """One field of the order."""

    key: SortKey
    descending: bool


@dataclass(frozen=True)
class Cursor:
    """A place in the order of a query: behind an issue with these values, whatever changes."""

    query: int
    values: list[Any]
    made: float

    def token(self) -> str:
        """The text that clients hand back; nothing for them to read."""
        body = json.dumps([self.query, self.values, self.made], separators=(",", ":"))
        return base64.urlsafe_b64encode(zlib.compress(body.encode())).decode()

    @classmethod
    def of(cls, token: str, jql: str, now: datetime) -> Self:
        """Read a token of this very query. Raises Refusal 400."""
        try:
            query, values, made = json.loads(zlib.decompress(base64.urlsafe_b64decode(token)))
            cursor = cls(int(query), list(values), float(made))
        except (ValueError, TypeError, zlib.error, binascii.Error):
            raise Refusal(400, BAD_TOKEN) from None
        expired = now.timestamp() - cursor.made > TOKEN_LIFE.total_seconds()
        if expired or cursor.query != _number_of(jql):
            raise Refusal(400, BAD_TOKEN)
        return cursor


@dataclass(frozen=True)
class Found:
    """The issues that a query found, in order."""

    state: JiraState
    jql: str
    issues: list[JiraIssue]
    order: tuple[Sorting, ...]

    def after(self, cursor: Cursor) -> list[JiraIssue]:
        """The issues behind a place."""
        behind = partial(self._behind, cursor.values)
        return self.issues[bisect_left(self.issues, True, key=behind) :]

    def cursor(self, last: JiraIssue) -> Cursor:
        """The place behind an issue."""
        values = [one.key(self.state, last) for one in self.order]
        return Cursor(_number_of(self.jql), values, self.state.now().timestamp())

    def _behind(self, values: list[Any], issue: JiraIssue) -> bool:
        for one, there in zip(self.order, values, strict=True):
            here = one.key(self.state, issue)
            if here != there:
                return bool(here > there) != one.descending
        return False


class Searcher:
    """The search of one server."""

    def __init__(self, state: JiraState) -> None:
        self.state = state
        self._kept: OrderedDict[tuple[Any, ...], Found] = OrderedDict()

    def find(
        self,
        jql: str,
        who: JiraUser | None,
        *,
        bounded: bool = True,
        reconcile: Collection[str] = (),
    ) -> Found:
        """Find what `who` may see. `reconcile`: ids that are found however new they are.

        Raises Refusal 400 for a query that is wrong or, if `bounded`, restricts nothing.
        """
        query = read(jql)
        if bounded and query.where is None:
            raise Refusal(400, UNBOUNDED)
        if bounded and len(query.order) > MOST_ORDERS:
            raise Refusal(400, f"At most {MOST_ORDERS} fields may be used in ORDER BY.")
        found = self._found(jql, query, who)
        if not self.state.index_lag:
            return found
        limit = self.state.now() - self.state.index_lag
        seen = [one for one in found.issues if one.created <= limit or one.id in reconcile]
        return Found(self.state, jql, seen, found.order)

    def _found(self, jql: str, query: Query, who: JiraUser | None) -> Found:
        now = self.state.now()
        minute = int(now.timestamp() // 60)
        key = (jql, self.state.revision, minute, who)
        if key not in self._kept:
            order = _sortings(self.state, query.order)
            issues = _sorted(self.state, _matching(self.state, query, who, now), order)
            self._kept[key] = Found(self.state, jql, issues, order)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def matches(state: JiraState, jql: str) -> Callable[[JiraIssue], bool]:
    """Return the test of a query, as filters of webhooks have it. Raises Refusal 400."""
    where = read(jql).where
    if where is None:
        return lambda _: True
    return Asking(state, state.now(), None).test(where)


def _matching(
    state: JiraState, query: Query, who: JiraUser | None, now: datetime
) -> Iterable[JiraIssue]:
    if query.where is None:
        passing: Callable[[JiraIssue], bool] = bool
        groups = None
    else:
        passing = Asking(state, now, who).test(query.where)
        groups = groups_for(state, query.where)
    if groups is None:
        groups = [state.index.by_id]
    among = groups[0] if len(groups) == 1 else {k: v for group in groups for k, v in group.items()}
    # Without an account nothing is to be seen; what a security level hides, never.
    visible = (one for one in among.values() if who is not None and one.security is None)
    return [issue for issue in visible if passing(issue)]


def _sortings(state: JiraState, order: Iterable[Order]) -> tuple[Sorting, ...]:
    found = [Sorting(sort_key(state, one.field), one.descending) for one in order]
    # The id settles what the order leaves open, so that every place in it is one.
    return (*found, Sorting(lambda _, issue: [int(issue.id)], descending=not found))


def _sorted(
    state: JiraState, issues: Iterable[JiraIssue], order: Iterable[Sorting]
) -> list[JiraIssue]:
    found = list(issues)
    for one in reversed(tuple(order)):
        found.sort(key=partial(one.key, state), reverse=one.descending)
    return found


def _number_of(jql: str) -> int:
    return zlib.crc32(jql.encode())
