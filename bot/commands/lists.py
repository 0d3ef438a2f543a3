"""Lists that people ask for by name: each is a query of the one language."""

from bot.answers import Answer
from bot.commands.cases import listed
from bot.router import Handler, Request, router
from t5g.errors import QueryError

LISTS = (
    ("mine", "assignee:me", "My cases", "List the cases whose card is assigned to you"),
    ("escalations", "escalated:yes", "Escalations", "List the escalated cases"),
    ("stale", "stale:yes", "Stale", "List the cases nobody has touched for a week"),
    (
        "sla",
        "-sla:ok sort:-sla",
        "SLA",
        "List the cases that breach their SLA or are about to, the worst first",
    ),
)
DEFAULT_DAYS = 7


def _list_of(query: str, title: str) -> Handler:
    async def handler(request: Request) -> Answer:
        return await listed(request, f"{query} {request.text}".strip(), title)

    return handler


for _name, _query, _title, _summary in LISTS:
    router.command(_name, usage="[query]", summary=_summary, steady=True)(_list_of(_query, _title))


@router.command(
    "new",
    usage="[days]",
    summary="List the cases opened lately (7 days)",
    examples=("new 2",),
    steady=True,
)
async def new(request: Request) -> Answer:
    """Answer with the cases opened in the last days, open or not."""
    days = request.text.strip() or str(DEFAULT_DAYS)
    if not (days.isascii() and days.isdigit()) or not 0 < int(days) <= 3650:
        raise QueryError(f"“{days[:20]}” is no number of days.", text=days, example="new 2")
    days = str(int(days))
    title = "New in the last day" if days == "1" else f"New in {days} days"
    return await listed(request, f"status:any created<={days}d sort:-created", title)
