"""The page of statistics. The past changes once a day: its charts are kept as they were drawn."""

from collections.abc import Hashable, Sequence
from typing import Final

from aiohttp import web

from t5g.derived import DAY
from t5g.settings import Settings
from t5g.statistics import DayRow
from t5g.syncs import Sync, SyncRecord
from webhooks.keys import SETTINGS
from webhooks.pages.asking import number_of
from webhooks.pages.keys import DAYS
from webhooks.pages.rendering import PAGES, Kept, Page, Pages
from webhooks.pages.views.statistics import DEFAULT_SPAN, SPANS, past, statistics


class PastCharts:
    """The charts of the past as HTML, by span."""

    def __init__(self) -> None:
        self._drawn: Kept[tuple[Hashable, str]] = Kept(len(SPANS))

    def drawn(self, pages: Pages, rows: Sequence[DayRow], span: int, now: float) -> str:
        """Return them, drawn anew if there is a new row or another day."""
        stamp = (len(rows), rows[-1].day if rows else "", int(now // DAY))
        found = self._drawn.get(span)
        if found is None or found[0] != stamp:
            html = pages.fragment("past.html", past=past(rows, span, now))
            found = self._drawn.put(span, (stamp, html))
        return found[1]


PAST: Final = web.AppKey("PAST", PastCharts)


def known_since(cases: SyncRecord, rows: Sequence[DayRow], settings: Settings, now: float) -> float:
    """Return since when it is known what closed: closed cases are forgotten after some time.

    Installations from before the sync of cases noted it know what closed since their first row.
    """
    began = cases.known_since or (rows[0].at if rows else now)
    return max(began, now - settings.closed_days * DAY)


async def show_statistics(request: web.Request) -> web.Response:
    """`/stats?days=`: numbers over time."""
    pages = request.app[PAGES]
    if (kept := await pages.again(request)) is not None:
        return kept
    asked = number_of(request, "days", DEFAULT_SPAN)
    span = asked if asked in dict(SPANS) else DEFAULT_SPAN
    rows = await request.app[DAYS].rows()

    def make(now: float) -> Page:
        known = known_since(pages.board.syncs[Sync.CASES], rows, request.app[SETTINGS], now)
        view = statistics(pages.board.census(), span, now, known)
        charts = request.app[PAST].drawn(pages, rows, span, now)
        return Page("stats.html", {"view": view, "past": charts})

    return await pages.show(request, ("stats", span), make, depends=len(rows))
