"""What changes a card: `claim`, `assign`, `comment`, `escalate`, `link` …; done by the workers.

Each checks what it can, asks for the work, and says so; what came of it goes back to the person.
"""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from uuid import uuid4

from bot.answers import Answer, Note, Option
from bot.asker import Asker
from bot.commands.cases import found_case, found_cases, with_text
from bot.once import asked_name
from bot.references import named
from bot.router import Request, router
from bot.typed import mentioned, mentions, replace_mention
from t5g.addresses import same_address
from t5g.derived import ESCALATION_LABEL, Entry
from t5g.errors import NotFoundError, QueryError, RefusedError, T5GError
from t5g.model import Card, Person
from t5g.team import Role, folded
from t5g.work import enqueue

LONGEST_COMMENT = 30_000  # JIRA takes 32,767 with the author's name
ATTEMPTS = (5, 30, 120)
TIME_LIMIT = 300
MOST_CHOICES = 10
#: A way back to a person carries five answers (Slack's limit of a response URL).
MOST_AT_ONCE = 5


class NoCardError(T5GError):
    """The case has no card, so there is nothing to change."""

    status = 409


@router.command(
    "claim",
    usage="NUMBER …",
    summary="Assign the cards of cases to yourself",
    examples=("claim 01234567", "claim 01234567 01234568"),
    role=Role.ENGINEER,
    acts=True,
)
async def claim(request: Request) -> Answer:
    """Assign the cards to the asker."""
    carded = _carded(found_cases(request, request.text))
    asker = request.asker
    if not asker.jira and not asker.email:
        raise RefusedError(
            "I do not know your JIRA account: your Slack profile shows no e-mail address. "
            "Let an administrator add you to the team file."
        )
    others = [(e, c) for e, c in carded if not (c.assignee and _same(c.assignee, asker))]
    if not others:
        return Note(text=f"{_cases(carded)} {_is(carded)} yours already.")
    account = (asker.jira, asker.email)
    await ask_each(request, others, "assign", lambda _: account, facts=("card.assignee",))
    had = dict.fromkeys(name for _, card in others if (name := _name(card.assignee)))
    before = f" It was {', '.join(had)}'s." if had and len(others) == 1 else ""
    before = before or (f" Of them some were {', '.join(had)}'s." if had else "")
    return Note(text=f"Claiming {_cases(others, 'case')} for you …{before}", waiting=True)


@router.command(
    "unclaim",
    usage="NUMBER …",
    summary="Give up cases whose cards are assigned to you",
    examples=("unclaim 01234567",),
    role=Role.ENGINEER,
    acts=True,
)
async def unclaim(request: Request) -> Answer:
    """Take the asker off the cards."""
    carded = _carded(found_cases(request, request.text))
    for entry, card in carded:
        if not (card.assignee and _same(card.assignee, request.asker)):
            whose = f"{_name(card.assignee)}'s" if card.assignee else "nobody's"
            raise RefusedError(
                f"Case `{entry.number}` is not yours but {whose}; `unassign` takes anybody off."
            )
    return await _unassigned(request, carded)


@router.command(
    "unassign",
    usage="NUMBER …",
    summary="Take whoever it is off the cards of cases",
    examples=("unassign 01234567",),
    role=Role.ENGINEER,
    acts=True,
)
async def unassign(request: Request) -> Answer:
    """Take whoever it is off the cards."""
    return await _unassigned(request, _carded(found_cases(request, request.text)))


async def _unassigned(request: Request, carded: list[tuple[Entry, Card]]) -> Note:
    assigned = [(entry, card) for entry, card in carded if card.assignee]
    if not assigned:
        return Note(text=f"{_cases(carded)} {_is(carded)} nobody's already.")
    await ask_each(
        request,
        assigned,
        "unassign",
        lambda card: (card.assignee.account if card.assignee else "",),
        facts=("card.assignee",),
    )
    return Note(text=f"Taking {_cases(assigned, 'case')} off everybody's plate …", waiting=True)


@router.command(
    "assign",
    usage="NUMBER … @user|NAME",
    summary="Assign the cards of cases to somebody",
    examples=("assign 01234567 @ann", "assign @ann 01234567 01234568"),
    role=Role.ENGINEER,
    acts=True,
)
async def assign(request: Request) -> Answer:
    """Assign the cards to the person that is named, before or behind the numbers."""
    settings = request.context.settings
    words = request.text.split()
    cases = [word for word in words if named(word, settings)[0]]
    whom = " ".join(w for w in words if w not in cases and w.casefold() not in ("to", "and", ","))
    carded = _carded(found_cases(request, " ".join(cases or words[:1])))
    if not whom:
        raise QueryError("To whom?", text=request.text, example="assign 01234567 @ann")
    people = await _meant(request, whom)
    if len(people) > 1:
        numbers = " ".join(entry.number for entry, _ in carded)
        options = [
            Option(x.name or x.account, f"assign {numbers} {x.email or x.name}")
            for x in people[:MOST_CHOICES]
        ]
        return Note(text=f"“{whom[:40]}” may be several people.", options=tuple(options))
    person = people[0]
    facts = ("card.assignee",)
    account = (person.account, person.email)
    await ask_each(request, carded, "assign", lambda _: account, facts=facts)
    shown = person.name or person.email or person.account
    return Note(text=f"Assigning {_cases(carded, 'case')} to {shown} …", waiting=True)


@router.command(
    "comment",
    usage="NUMBER text",
    summary="Write a comment on a case's card, with your name",
    examples=("comment 01234567 The fix is in 4.16.3",),
    role=Role.ENGINEER,
    acts=True,
)
async def comment(request: Request) -> Answer:
    """Write a comment on the card."""
    entry, words = with_text(request, request.text)
    [(entry, card)] = _carded([entry])
    words = await _people_named(request, words)
    if not words:
        raise QueryError("The comment is empty.", text=request.text, example="comment 01234567 …")
    if len(words) > LONGEST_COMMENT:
        raise QueryError(
            f"The comment has {len(words)} characters; {LONGEST_COMMENT} are possible.",
            text=words[:20],
        )
    await ask(request, entry, "comment", card.key, words, facts=("comment",))
    return Note(text=f"Commenting on case `{entry.number}` …", waiting=True)


@router.command(
    "escalate",
    usage="NUMBER [reason]",
    summary="Mark a case as a potential escalation",
    examples=("escalate 01234567 customer asks for an engineer on the bridge",),
    role=Role.ENGINEER,
    acts=True,
)
async def escalate(request: Request) -> Answer:
    """Put the label of potential escalations on the card."""
    entry, reason = with_text(request, request.text)
    [(entry, card)] = _carded([entry])
    reason = await _people_named(request, reason)
    if entry.escalated:
        keys = ", ".join(x.key for x in entry.case.escalations)
        return Note(text=f"Case `{entry.number}` is escalated already ({keys}).")
    if ESCALATION_LABEL in card.labels:
        return Note(text=f"Case `{entry.number}` is marked as a potential escalation already.")
    await ask(request, entry, "escalate", card.key, reason[:LONGEST_COMMENT],
              facts=("card.labels", "comment"))  # fmt: skip
    return Note(
        text=f"Marking case `{entry.number}` as a potential escalation …",
        waiting=True,
    )


@router.command(
    "link",
    usage="NUMBER",
    summary="Put the links to the case and its bugs on the card, where they are missing",
    examples=("link 01234567",),
    role=Role.ENGINEER,
    acts=True,
)
async def link(request: Request) -> Answer:
    """Repair the card's links."""
    [(entry, card)] = _carded([found_case(request, request.text)])
    await ask(request, entry, "link", card.key)
    return Note(text=f"Linking case `{entry.number}` and {card.key} …", waiting=True)


async def ask(
    request: Request, entry: Entry, what: str, *args: str, facts: tuple[str, ...] = ()
) -> None:
    """Ask the workers for `workers.actions.WHAT`, which answers by the request's way back.

    The job gets the case, `args`, who asked, an id that makes it happen once, and the way back.
    What Slack sends again is not asked for again.
    """
    once, request_name = request.context.once, request.back.request if request.back else ""
    if await once.seen(asked_name(request_name)):
        return
    await _enqueued(request, entry, what, *args, facts=facts)
    await once.first(asked_name(request_name))


async def ask_each(
    request: Request,
    carded: list[tuple[Entry, Card]],
    what: str,
    args: Callable[[Card], tuple[str, ...]],
    *,
    facts: tuple[str, ...],
) -> None:
    """Ask for the same of several cards; the key of each comes before its `args`."""
    once, request_name = request.context.once, request.back.request if request.back else ""
    if await once.seen(asked_name(request_name)):
        return
    for entry, card in carded:
        await _enqueued(request, entry, what, card.key, *args(card), facts=facts)
    await once.first(asked_name(request_name))


async def _enqueued(
    request: Request, entry: Entry, what: str, *args: str, facts: tuple[str, ...]
) -> None:
    context, asker = request.context, request.asker
    name = request.back.request if request.back else ""
    mark = f"{name} {what} {entry.number}"
    deed = hashlib.sha256(mark.encode()).hexdigest()[:32] if name else uuid4().hex
    reply = await context.replies.keep(request.back) if request.back else ""
    if facts:
        await context.deeds.remember(entry.number, asker.id, *facts)
    await asyncio.to_thread(
        partial(
            enqueue,
            context.queue,
            f"workers.actions.{what}",
            entry.number,
            *args,
            asker.signature,
            asker.id,
            deed,
            reply,
            job_id=f"do-{deed}",
            keys=context.keys,
            queue="high",
            attempts=ATTEMPTS,
            timeout=TIME_LIMIT,
            description=f"{what} {entry.number}",
        )
    )


def _carded(entries: list[Entry]) -> list[tuple[Entry, Card]]:
    """Return cases with their cards.

    Raise NoCardError for one without a card, QueryError for too many: nothing is done then.
    """
    if len(entries) > MOST_AT_ONCE:
        raise QueryError(
            f"That names {len(entries)} cases; {MOST_AT_ONCE} at once are possible.", text=""
        )
    carded = []
    for entry in entries:
        if entry.card is None:
            raise NoCardError(
                f"Case `{entry.number}` has no card yet, so there is nothing to change. Cards are "
                "made hourly."
            )
        carded.append((entry, entry.card))
    return carded


def _cases(carded: list[tuple[Entry, Card]], word: str = "Case") -> str:
    numbers = ", ".join(f"`{entry.number}`" for entry, _ in carded)
    return f"{word}{'' if len(carded) == 1 else 's'} {numbers}"


def _is(carded: list[tuple[Entry, Card]]) -> str:
    return "is" if len(carded) == 1 else "are"


async def _people_named(request: Request, text: str) -> str:
    """Return a text with JIRA's mentions for those of Slack, or names where JIRA's are not known.

    JIRA Cloud mentions accounts as `[~accountid:…]`, Data Center as `[~name]`.
    """
    people, board = request.context.people, request.context.board
    of_cloud = "accountid:" if request.context.settings.jira_user else ""
    for user_id in mentions(text):
        member, profile = await people.member(user_id), await people.profile(user_id)
        name = (member.name if member else "") or (profile.name if profile else "")
        email = (member.email if member else "") or (profile.email if profile else "")
        assigned = (e.assignee for e in board.entries.values() if e.assignee)
        account = (member.jira if member else "") or next(
            (x.account for x in assigned if email and same_address(x.email, email)), ""
        )
        named_so = f"@{name}" if name else "somebody"
        text = replace_mention(text, user_id, f"[~{of_cloud}{account}]" if account else named_so)
    return text


async def _meant(request: Request, text: str) -> list[Person]:
    """Find whom a mention or a part of a name means, at least one. Raises NotFoundError."""
    people = request.context.people
    user_id = mentioned(text)
    if user_id:
        member = await people.member(user_id)
        profile = await people.profile(user_id)
        email = (member.email if member else "") or (profile.email if profile else "")
        account = member.jira if member else ""
        name = (member.name if member else "") or (profile.name if profile else "")
        if account or email:
            return [Person(account=account, name=name, email=email)]
        raise NotFoundError("I know no JIRA account of that person; the team file may name it.")
    if text.casefold().removeprefix("@") in ("me", "myself"):
        asker = request.asker
        return [Person(account=asker.jira, name=asker.name, email=asker.email)]
    members = people.team.find(text)
    if members:
        return [Person(account=m.jira, name=m.name, email=m.email) for m in members]
    found = _assignees(request, text)
    if not found:
        raise NotFoundError(f"I know nobody called “{text[:40]}”.")
    return found


def _assignees(request: Request, text: str) -> list[Person]:
    """People with cards whose name, address or account fits."""
    word = folded(text.removeprefix("@"))
    entries = request.context.board.entries.values()
    everyone = {e.assignee.account: e.assignee for e in entries if e.assignee}
    exact = [p for p in everyone.values() if word in (folded(p.name), folded(p.email))]
    return exact or [
        p for p in everyone.values() if word in folded(p.name) or word in folded(p.email)
    ]


def _same(person: Person, asker: Asker) -> bool:
    if asker.jira:
        return person.account == asker.jira
    return same_address(person.email, asker.email)


def _name(person: Person | None) -> str:
    return (person.name or person.account) if person else ""
