"""`account NAME` and `engineer @user|NAME`: lists by any part of a name that fits one only."""

from collections.abc import Iterable

from bot.answers import Answer, Note, Option
from bot.commands.cases import listed, name_of
from bot.router import Request, router
from bot.typed import mentioned
from t5g.errors import NotFoundError, QueryError
from t5g.query.compiling import comparable
from t5g.query.fields import nearest
from t5g.query.lexer import exactly
from t5g.team import folded

MOST = 10


@router.command(
    "account",
    usage="NAME",
    summary="List the open cases of an account, by any part of its name",
    examples=("account acme",),
    steady=True,
)
async def account(request: Request) -> Answer:
    """Answer with the cases of the account that is meant."""
    entries = request.context.board.entries.values()
    return await _of_one(
        request,
        "account",
        (entry.case.portal.account for entry in entries),
        request.text.strip(),
    )


@router.command(
    "engineer",
    usage="@user|NAME",
    summary="List the open cases of somebody, by any part of the name",
    examples=("engineer @ann", "engineer müller"),
    steady=True,
)
async def engineer(request: Request) -> Answer:
    """Answer with the cases whose card is assigned to the person that is meant."""
    text = request.text.strip()
    user_id = mentioned(text)
    if text.casefold().removeprefix("@") in ("me", "myself"):
        return await listed(request, "assignee:me", "My cases")
    if user_id:
        name = await name_of(request, user_id)
        return await listed(request, exactly("assignee", name), name)
    assigned = (
        entry.assignee.name or entry.assignee.account
        for entry in request.context.board.entries.values()
        if entry.assignee
    )
    members = (member.name for member in request.context.people.team.members)
    names = dict.fromkeys([*assigned, *members])
    return await _of_one(request, "engineer", names, text.removeprefix("@"), key="assignee")


async def _of_one(
    request: Request, command: str, names: Iterable[str], wanted: str, *, key: str = ""
) -> Answer:
    """List the cases of the one that a part of a name means; else say which there are."""
    if not wanted:
        raise QueryError(f"Which {command}?", text=command, example=f"{command} acme")
    known = sorted({name for name in names if name}, key=str.casefold)
    found = _fitting(wanted, known)
    if not found and wanted[0] == wanted[-1] == '"':
        found = _fitting(wanted[1:-1].replace('""', '"'), known)
    if not found:
        near = nearest(wanted, known)
        hint = f" Did you mean {near}?" if near else ""
        options = (Option(near, f"{command} {near}"),) if near else ()
        if options:
            return Note(
                text=f"No {command} is called “{wanted[:60]}”.{hint}", failed=True, options=options
            )
        raise NotFoundError(f"No {command} is called “{wanted[:60]}”.")
    if len(found) > 1:
        return Note(
            text=_which(command, wanted, found),
            options=tuple(Option(name, f"{command} {name}") for name in found[:MOST]),
        )
    return await listed(request, exactly(key or command, found[0]), found[0])


def _fitting(wanted: str, known: list[str]) -> list[str]:
    """Return the one that is called so, else those that are but for accents, else by a part."""
    word = comparable(wanted)
    bare = folded(word)
    return (
        [name for name in known if comparable(name) == word]
        or [name for name in known if folded(comparable(name)) == bare]
        or [name for name in known if bare in folded(comparable(name))]
    )


def _which(command: str, wanted: str, found: list[str]) -> str:
    more = f", the first {MOST} of them" if len(found) > MOST else ""
    return f"“{wanted[:60]}” fits {len(found)} {command}s{more}. Which one?"
