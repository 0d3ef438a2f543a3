"""Reads what a request for a page asks for; what makes no sense falls back to what is usual."""

from aiohttp import web

from t5g.query import Query, parse_query
from webhooks.pages.addresses import DEFAULT_ROWS, ROW_CHOICES
from webhooks.pages.rendering import PAGES
from webhooks.pages.views.listing import Asked

LONGEST_QUERY = 4_000
MOST_PAGES = 1_000_000


def asked_of(request: web.Request) -> Asked:
    """Read query text, page and rows of a list."""
    rows = number_of(request, "rows", DEFAULT_ROWS)
    return Asked(
        text=request.query.get("q", "")[:LONGEST_QUERY].strip(),
        page=min(MOST_PAGES, max(1, number_of(request, "page", 1))),
        rows=rows if rows in ROW_CHOICES else DEFAULT_ROWS,
    )


def number_of(request: web.Request, name: str, default: int) -> int:
    """Read a number, or `default` where there is none."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def query_of(request: web.Request, text: str) -> Query:
    """Understand a query with the words that the data has. Raises QueryError."""
    return parse_query(text, request.app[PAGES].board.words)
