"""Rows of lists as HTML, each rendered once for a change of its case and a minute.

Most lists show the same cases, whatever is searched for: those that need attention. What a row
says depends on its case and the time only, never on who looks.
"""

from collections.abc import Iterable
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from t5g.derived import Entry
from webhooks.pages.addresses import Links
from webhooks.pages.rendering import MINUTE, Kept
from webhooks.pages.views.rows import row, shortened

MOST_ROWS = 1_000
#: So many bytes at most: a hundred rows stay under 200 KB in any script, whatever their badges.
ROW_BYTES = 1_820


class KeptRows:
    """Renders rows with a macro of the templates; keeps those that were last shown."""

    def __init__(self, environment: Environment, links: Links) -> None:
        self._render: Any = vars(environment.get_template("macros.html").module)["case_row"]
        self._links = links
        self._kept: Kept[tuple[Entry, int, Markup]] = Kept(MOST_ROWS)

    def of(self, entries: Iterable[Entry], now: float) -> tuple[Markup, ...]:
        """Return the rows of these cases, in their order."""
        minute = int(now // MINUTE)
        return tuple(self._row(entry, minute, now) for entry in entries)

    def _row(self, entry: Entry, minute: int, now: float) -> Markup:
        kept = self._kept.get(entry.number)
        if kept is None or kept[0] is not entry or kept[1] != minute:
            shown = row(entry, now, self._links)
            html = self._render(shown)
            if (size := len(html.encode())) > ROW_BYTES:
                html = self._render(shortened(shown, size - ROW_BYTES))
            kept = self._kept.put(entry.number, (entry, minute, html))
        return kept[2]
