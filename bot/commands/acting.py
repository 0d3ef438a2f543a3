"""`claim`, `assign`, `comment`, `escalate`, `link`: what changes a card. Done by the workers.

Each checks what it can, asks for the work, and says so; what came of it goes back to the person.
"""

import asyncio
import hashlib
from typing import Any
from uuid import uuid4

from bot.answers import Answer, Note, Option
from bot.asker import Asker
from bot.commands.cases import found_case
from bot.once import asked_name
from bot.router import Request, router
from bot.typed import mentioned
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


class NoCardError(T5GError):
    """The case has no card, so there is nothing to change."""

    status = 409


@router.command(
    "claim",
    usage="NUMBER",
    summary="Assign a case's card to yourself",
    examples=("claim 01234567",),
    role=Role.ENGINEER,
    acts=True,
)
async def claim(request: Request) -> Answer:
    """Assign the card to the asker."""
    entry, card = _carded(request, request.text)
    asker = request.asker
    if not asker.jira and not asker.email:
        raise RefusedError(
            "I do not know your JIRA account: your Slack profile shows no e-mail address. "
            "Let an administrator add you to the team file."
        )
    if card.assignee and _same(card.assignee, asker):
        return Note(text=f"Case `{entry.number}` is yours already.")
    await ask(request, entry, "assign", card.key, asker.jira, asker.email, facts=("card.assignee",))
    had = _name(card.assignee)
    before = f" It was {had}'s." if had else ""
    return Note(text=f"Claiming case `{entry.number}` for you …{before}", waiting=True)


@router.command(
    "assign",
    usage="NUMBER @user|NAME",
    summary="Assign a case's card to somebody",
    examples=("assign 01234567 @ann",),
    role=Role.ENGINEER,
    acts=True,
)
async def assign(request: Request) -> Answer:
    """Assign the card to the person that is named."""
    number, _, whom = request.text.strip().partition(" ")
    entry, card = _carded(request, number)
    if not whom.strip():
        raise QueryError("To whom?", text=request.text, example="assign 01234567 @ann")
    people = await _meant(request, whom.strip())
    if len(people) > 1:
        options = [
            Option(x.name or x.account, f"assign {entry.number} {x.email or x.name}")
            for x in people[:MOST_CHOICES]
        ]
        return Note(text=f"“{whom[:40]}” may be several people.", options=tuple(options))
    person = people[0]
    facts = ("card.assignee",)
    await ask(request, entry, "assign", card.key, person.account, person.email, facts=facts)
    shown = person.name or person.email or person.account
    return Note(text=f"Assigning case `{entry.number}` to {shown} …", waiting=True)


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
    number, _, text = request.text.strip().partition(" ")
    entry, card = _carded(request, number)
    words = text.strip()
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
    number, _, reason = request.text.strip().partition(" ")
    entry, card = _carded(request, number)
    if entry.escalated:
        keys = ", ".join(x.key for x in entry.case.escalations)
        return Note(text=f"Case `{entry.number}` is escalated already ({keys}).")
    if ESCALATION_LABEL in card.labels:
        return Note(text=f"Case `{entry.number}` is marked as a potential escalation already.")
    await ask(request, entry, "escalate", card.key, reason.strip()[:LONGEST_COMMENT],
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
    entry, card = _carded(request, request.text)
    await ask(request, entry, "link", card.key)
    return Note(text=f"Linking case `{entry.number}` and {card.key} …", waiting=True)


async def ask(
    request: Request, entry: Entry, what: str, *args: str, facts: tuple[str, ...] = ()
) -> None:
    """Ask the workers for `workers.actions.WHAT`, which answers by the request's way back.

    The job gets the case, `args`, who asked, an id that makes it happen once, and the way back.
    What Slack sends again is not asked for again.
    """
    context, asker = request.context, request.asker
    named = request.back.request if request.back else ""
    if await context.once.seen(asked_name(named)):
        return
    deed = hashlib.sha256(f"{named} {what}".encode()).hexdigest()[:32] if named else uuid4().hex
    reply = await context.replies.keep(request.back) if request.back else ""
    if facts:
        await context.deeds.remember(entry.number, asker.id, *facts)
    by = (asker.signature, asker.id)
    options: dict[str, Any] = {
        "keys": context.keys,
        "queue": "high",
        "attempts": ATTEMPTS,
        "timeout": TIME_LIMIT,
        "description": f"{what} {entry.number}",
    }
    await asyncio.to_thread(
        enqueue,
        context.queue,
        f"workers.actions.{what}",
        entry.number,
        *args,
        *by,
        deed,
        reply,
        job_id=f"do-{deed}",
        **options,
    )
    await context.once.first(asked_name(named))


def _carded(request: Request, text: str) -> tuple[Entry, Card]:
    """Find the case and its card. Raises NotFoundError, or NoCardError without a card."""
    entry = found_case(request, text)
    if entry.card is None:
        raise NoCardError(
            f"Case `{entry.number}` has no card yet, so there is nothing to change. Cards are made "
            "hourly."
        )
    return entry, entry.card


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
