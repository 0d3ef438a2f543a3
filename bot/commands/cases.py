"""`cases [query]` and `case NUMBER|KEY`: lists and single cases."""

import re

from bot.answers import PAGE_SIZE, Answer, CaseList, CaseView, Freshness
from bot.router import Request, router
from t5g.derived import Entry
from t5g.errors import NotFoundError, T5GError
from t5g.query import parse_query

LONGEST_QUERY = 1_400  # a button carries the query to the next page, and holds 2,000 characters
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-\d+", re.ASCII)
_LINKED = re.compile(r"(?:case/|cases/|browse/)([A-Z0-9_-]+)", re.IGNORECASE | re.ASCII)


@router.command(
    "cases",
    usage="[query]",
    summary="List cases, what needs attention first",
    examples=("cases severity:urgent,high", "cases account:acme sla:risk sort:-age"),
)
async def cases(request: Request) -> Answer:
    """Answer with a page of the cases that match the text."""
    return listed(request, request.text, "Cases")


def listed(request: Request, text: str, title: str) -> CaseList:
    """Return a page of the cases that match a query. Raises QueryError."""
    board, now = request.context.board, request.now
    if len(text) > LONGEST_QUERY:
        raise T5GError(
            f"The query has {len(text)} characters; in Slack {LONGEST_QUERY} are possible. "
            "Make it shorter, or use the page."
        )
    query = parse_query(text, board.words)
    found = board.select(query, now, request.asker.names)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, request.page), pages)
    return CaseList(
        title=title,
        query=query,
        total=len(found),
        page=page,
        entries=tuple(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]),
        now=now,
        freshness=Freshness.of(board.syncs, now),
    )


@router.command(
    "case",
    usage="NUMBER|KEY",
    summary="Show everything known of one case",
    examples=("case 01234567", "case T5G-12"),
)
async def case(request: Request) -> Answer:
    """Answer with one case, found by its number or by the key of its card."""
    entry = found_case(request, request.text)
    return CaseView(
        entry=entry,
        now=request.now,
        freshness=Freshness.of(request.context.board.syncs, request.now),
    )


def found_case(request: Request, text: str) -> Entry:
    """Find a case by number, card, issue, escalation or a link to one. Raises NotFoundError."""
    wanted = text.strip().strip("<>").partition("|")[0]
    linked = _LINKED.search(wanted)
    if linked:
        wanted = linked.group(1)
    if not wanted:
        raise NotFoundError("Which case? Give its number or its card: `case 01234567`.")
    board = request.context.board
    if wanted.isascii() and wanted.isdigit():
        entry = board.get(wanted.zfill(8))
        if entry is None:
            raise NotFoundError(f"There is no case `{wanted[:20]}` on the board.")
        return entry
    key = wanted.upper()
    if _KEY.fullmatch(key):
        numbers = sorted(board.by_card(key) | board.by_issue(key) | board.by_escalation(key))
        found = board.get(numbers[0]) if numbers else None
        if found is not None:
            return found
    raise NotFoundError(
        f"There is no case `{wanted[:40]}`. A case is named by its eight digits or its card's key."
    )
