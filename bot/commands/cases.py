"""`cases [query]` and `case NUMBER|KEY`: lists and single cases."""

from bot.answers import PAGE_SIZE, Answer, CaseList, CaseView, Freshness, Note, Option
from bot.references import Reference, entries_of, named
from bot.router import Request, router
from bot.typed import mentions, replace_mention
from t5g.derived import Entry
from t5g.errors import NotFoundError, QueryError, T5GError
from t5g.query import Query, parse_query
from t5g.query.lexer import quoted
from t5g.team import Role

LONGEST_QUERY = 1_400  # a button carries the query to the next page, and holds 2,000 characters
MOST_CHOICES = 10


@router.command(
    "cases",
    usage="[query]",
    summary="List cases, what needs attention first",
    examples=("cases severity:urgent,high", "cases account:acme sla:risk sort:-age"),
    steady=True,
)
async def cases(request: Request) -> Answer:
    """Answer with a page of the cases that match the text."""
    return await listed(request, request.text, "Cases")


async def understood(request: Request, text: str) -> Query:
    """Read a query as this person means it: a mention stands for a name. Raises QueryError."""
    if len(text) > LONGEST_QUERY:
        raise T5GError(
            f"The query has {len(text)} characters; in Slack {LONGEST_QUERY} are possible. "
            "Make it shorter, or use the page."
        )
    for user_id in mentions(text):
        name = await name_of(request, user_id)
        text = text.replace(f":<@{user_id}>", f"=<@{user_id}>")  # that person, none called alike
        text = replace_mention(text, user_id, quoted(name))
    return parse_query(text, request.context.board.words)


async def name_of(request: Request, user_id: str) -> str:
    """Return the name under which somebody has cards. Raises QueryError if nobody knows."""
    people = request.context.people
    member = await people.member(user_id)
    profile = None if member else await people.profile(user_id)
    name = member.name if member else profile.name if profile else ""
    if not name:
        raise QueryError(
            "Slack does not say who that is.", text=f"<@{user_id}>", example="engineer Ann"
        )
    return name


async def listed(request: Request, text: str, title: str) -> CaseList:
    """Return a page of the cases that match a query. Raises QueryError."""
    query = await understood(request, text)
    board, now = request.context.board, request.now
    found = board.select(query, now, request.asker.me)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(1, request.page), pages)
    return CaseList(
        title=request.title or title,
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
    steady=True,
)
async def case(request: Request) -> Answer:
    """Answer with one case, found by its number or by the key of its card, issue or bug."""
    found = found_cases(request, request.text)
    return view(request, found[0]) if len(found) == 1 else choice(found, "case")


def view(request: Request, entry: Entry, *, said: str = "") -> CaseView:
    """Return one case as this person may see it."""
    engineer = request.asker.may(Role.ENGINEER)
    return CaseView(
        entry=entry,
        now=request.now,
        freshness=Freshness.of(request.context.board.syncs, request.now),
        may_act=engineer and not request.context.settings.read_only,
        may_refresh=engineer,
        said=said,
        own=bool(entry.assignee and request.asker.me.is_person(entry.assignee)),
    )


def choice(found: list[Entry], command: str) -> Note:
    """Ask which of several cases is meant."""
    options = tuple(
        Option(f"{entry.number} {entry.case.portal.summary}", f"{command} {entry.number}")
        for entry in found[:MOST_CHOICES]
    )
    more = f" The first {MOST_CHOICES} are:" if len(found) > MOST_CHOICES else " Which one?"
    return Note(text=f"That belongs to {len(found)} cases.{more}", options=options)


def found_case(request: Request, text: str) -> Entry:
    """Find the one case that a text means. Raises NotFoundError, also if it may be several."""
    return _only(found_cases(request, text))


def _only(found: list[Entry]) -> Entry:
    if len(found) > 1:
        numbers = ", ".join(f"`{entry.number}`" for entry in found[:MOST_CHOICES])
        raise NotFoundError(f"That belongs to several cases: {numbers}. Name one by its number.")
    return found[0]


def found_cases(request: Request, text: str) -> list[Entry]:
    """Find cases by number, card, issue, escalation, bug or a link to one; at least one.

    Raises NotFoundError.
    """
    references, rest = named(text, request.context.settings)
    if not references and not rest:
        raise NotFoundError("Which case? Give its number or its card: `case 01234567`.")
    if rest:
        raise _unknown(rest)
    return list({e.number: e for x in references for e in _entries(request, x)}.values())


def with_text(request: Request, text: str) -> tuple[Entry, str]:
    """Return the case that a text begins with, and what follows as it was typed.

    Raises NotFoundError.
    """
    references, rest = named(text, request.context.settings, most=1)
    if not references:
        return found_case(request, text.strip().partition("\n")[0].partition(" ")[0]), rest
    return _only(_entries(request, references[0])), rest


def _entries(request: Request, reference: Reference) -> list[Entry]:
    found = entries_of(reference, request.context.board)
    if found:
        return found
    if reference.kind == "case":
        raise NotFoundError(
            f"There is no case `{reference.name}` on the board. It may be closed for long, or not "
            "be the team's; `status` tells how fresh the board is."
        )
    raise _unknown(reference.name)


def _unknown(what: str) -> NotFoundError:
    return NotFoundError(
        f"There is no case `{what[:40]}`. A case is named by its eight digits or its card's key."
    )
