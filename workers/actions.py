"""What people ask for in Slack, done in JIRA: jobs of plain arguments, each done once.

A job notes in Redis that it is done, so that one that runs again after a crash does nothing twice.
What came of it goes back to the person by the bot's own job; the audit log has before and after.
"""
# ruff: noqa: PLR0917 (jobs take plain positional arguments)

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from redis.asyncio import Redis

from t5g.accounts import keep_account
from t5g.audit import Audit, AuditEntry, Outcome
from t5g.connection import open_queue_redis, open_redis, open_store
from t5g.current import current_settings
from t5g.derived import ESCALATION_LABEL
from t5g.errors import NotFoundError, RefusedError, T5GError, UpstreamError
from t5g.jira_payloads import card_of, comments_of
from t5g.keys import Keys
from t5g.logs import logger
from t5g.model import Card, Person, Source
from t5g.settings import Settings
from t5g.state import EPOCH, CommentsSeen, DetailsSeen, ItemSeen, Observation, PortalSeen
from t5g.store import Store
from t5g.work import enqueue
from workers.attempts import last_attempt
from workers.clients import Clients, policy_of
from workers.jira.writes import JiraWriter

log = logger(__name__)

TELL = "bot.jobs.tell"
REMEMBERED = 24 * 3600
DONE = b"done"
BEGUN = b"begun"


class Ask(Struct, frozen=True, kw_only=True):
    """Who asked for what: `deed` is the id under which it happens once, `reply` the way back."""

    what: str
    number: str
    name: str
    who: str
    deed: str
    reply: str


class Work(Struct, frozen=True, kw_only=True):
    """What a job works with."""

    settings: Settings
    redis: Redis
    store: Store
    keys: Keys
    ask: Ask

    @property
    def marker(self) -> str:
        """The key that remembers how far the deed is."""
        return self.keys.named("action", self.ask.deed)


Deed = Callable[[Work], Awaitable[str]]


def assign(
    number: str, card: str, account: str, email: str, name: str, who: str, deed: str, reply: str
) -> str:
    """Assign a card to a JIRA account (or to the one with that e-mail address)."""

    async def do(work: Work) -> str:
        async with _writer(work) as jira:
            target = account or await jira.account_of(email)
            await keep_account(work.redis, work.keys, email, target)
            before = _card(await jira.issue(card), work).assignee
            had = await _first_seen(work, _name_of(before))
            if before is None or before.account != target:
                await jira.assign(card, target)
            after = await _reread(work, jira, card)
        now = _name_of(after.assignee)
        await _note(work, f"{card} assignee: {had} → {now}")
        return f"{card} is assigned to {now}."

    return _run(Ask(what="assign", number=number, name=name, who=who, deed=deed, reply=reply), do)


def unassign(
    number: str, card: str, account: str, name: str, who: str, deed: str, reply: str
) -> str:
    """Take a JIRA account off a card; if somebody else has it by now, nothing is changed."""

    async def do(work: Work) -> str:
        async with _writer(work) as jira:
            before = _card(await jira.issue(card), work).assignee
            if before and before.account != account:
                raise RefusedError(f"{card} is {_name_of(before)}'s by now, so it was left so.")
            had = await _first_seen(work, _name_of(before))
            if before:
                await jira.assign(card, "")
            after = await _reread(work, jira, card)
        await _note(work, f"{card} assignee: {had} → {_name_of(after.assignee)}")
        return f"{card} is assigned to nobody now."

    return _run(Ask(what="unassign", number=number, name=name, who=who, deed=deed, reply=reply), do)


def comment(number: str, card: str, text: str, name: str, who: str, deed: str, reply: str) -> str:
    """Write a comment on a card, with the name of whoever wrote it."""

    async def do(work: Work) -> str:
        async with _writer(work) as jira:
            await _comment_once(work, jira, card, signed(text, name))
            await _reread(work, jira, card)
        await _note(work, f"{card}: comment of {len(text)} characters")
        return f"The comment is on {card}."

    return _run(Ask(what="comment", number=number, name=name, who=who, deed=deed, reply=reply), do)


def escalate(
    number: str, card: str, reason: str, name: str, who: str, deed: str, reply: str
) -> str:
    """Mark a card as a potential escalation, with a comment that says why."""

    async def do(work: Work) -> str:
        async with _writer(work) as jira:
            labels = " ".join(_card(await jira.issue(card), work).labels) or "none"
            had = await _first_seen(work, labels)
            await jira.add_label(card, ESCALATION_LABEL)
            if reason:
                text = signed(f"Potential escalation: {reason}", name)
                await _comment_once(work, jira, card, text)
            after = await _reread(work, jira, card)
        await _note(work, f"{card} labels: {had} → {' '.join(after.labels)}")
        return f"{card} is marked as a potential escalation."

    return _run(Ask(what="escalate", number=number, name=name, who=who, deed=deed, reply=reply), do)


def link(number: str, card: str, name: str, who: str, deed: str, reply: str) -> str:
    """Put the links to the case and to its bugs on a card, where they are missing."""

    async def do(work: Work) -> str:
        added: list[str] = []
        failed: dict[str, UpstreamError] = {}
        async with _writer(work) as jira:
            for url, title, kind in await _links(work):
                try:
                    if await jira.remote_link(card, url, title, kind):
                        added.append(title)
                except UpstreamError as error:
                    if error.concerns_all:
                        raise
                    failed[title] = error
            await _reread(work, jira, card)
        if added:
            await _note(work, f"{card} links: + {', '.join(added)}")
        passing = [error for error in failed.values() if error.transient]
        if passing and not last_attempt():
            raise passing[0]
        lacks = "".join(f" It lacks {title}: {error}." for title, error in failed.items())
        if not added and not lacks:
            return f"{card} had all its links already."
        return f"{card} has {len(added)} new links{': ' if added else ''}{', '.join(added)}.{lacks}"

    return _run(Ask(what="link", number=number, name=name, who=who, deed=deed, reply=reply), do)


def refresh_case(number: str, card: str, name: str, who: str, deed: str, reply: str) -> str:
    """Read one case anew from the Portal and JIRA."""

    async def do(work: Work) -> str:
        async with Clients(work.settings) as clients:
            seen, why = await _portal(work, clients)
        if not seen and not why:
            raise NotFoundError(f"The Portal does not have case {number} any more.")
        await work.store.write(seen, now=_now())
        if why and not (seen and last_attempt()):
            raise UpstreamError("portal", why.removeprefix("portal: "))
        if card:
            async with _writer(work) as jira:
                await _reread(work, jira, card)
        return f"Case {number} was read anew" + (f", but not wholly: {why}." if why else ".")

    ask = Ask(what="refresh", number=number, name=name, who=who, deed=deed, reply=reply)
    return _run(ask, do, changes=False)


def signed(text: str, name: str) -> str:
    """A comment with the name of whoever wrote it: our own account is its author in JIRA."""
    return f"{text}\n\n— {name}, in Slack"


# Doing it


def _run(ask: Ask, do: Deed, *, changes: bool = True) -> str:
    """Do a deed once, and tell what came of it; raise what RQ may try again."""
    settings = current_settings()
    done, text = asyncio.run(_attempt(settings, ask, do, changes=changes))
    with closing(open_queue_redis(settings.redis_url)) as queue:
        enqueue(
            queue,
            TELL,
            ask.reply, ask.number, done, text, ask.who, ask.what,
            keys=Keys(settings.redis_prefix),
            queue="high",
            job_id=f"tell-{ask.deed}",
            attempts=(5, 30),
            timeout=60,
            description=f"tell of {ask.what} {ask.number}",
        )  # fmt: skip
    return text


async def _attempt(settings: Settings, ask: Ask, do: Deed, *, changes: bool) -> tuple[bool, str]:
    redis = open_redis(settings.redis_url)
    work = Work(
        settings=settings,
        redis=redis,
        store=open_store(settings, redis),
        keys=Keys(settings.redis_prefix),
        ask=ask,
    )
    try:
        if changes and settings.read_only:
            raise RefusedError("This installation only reads: T5G_READ_ONLY is true.")
        if await redis.get(work.marker) == DONE:
            return True, f"{ask.what.capitalize()}: done."
        text = await do(work)
        await redis.set(work.marker, DONE, ex=REMEMBERED)
    except UpstreamError as error:
        if error.transient and not last_attempt():
            raise
        return False, f"That did not work: {error}. Nothing else was changed."
    except T5GError as error:
        return False, str(error)
    else:
        return True, text
    finally:
        await redis.aclose()


class _writer:
    """Opens the writer for a while."""

    def __init__(self, work: Work) -> None:
        self._jira = JiraWriter(work.settings, policy_of(work.settings))

    async def __aenter__(self) -> JiraWriter:
        return self._jira

    async def __aexit__(self, *_: object) -> None:
        self._jira.close()


def _name_of(person: Person | None) -> str:
    return (person.name or person.account) if person else "nobody"


async def _first_seen(work: Work, value: str) -> str:
    """Return how it was before the first attempt: a later one may see what that one did."""
    key = f"{work.marker}:before"
    await work.redis.set(key, value, nx=True, ex=REMEMBERED)
    kept = await work.redis.get(key)
    return kept.decode() if isinstance(kept, bytes) else value


async def _comment_once(work: Work, jira: JiraWriter, card: str, text: str) -> None:
    """Write a comment, unless an attempt before this one did and could not say so."""
    marker = f"{work.marker}:comment"
    state = await work.redis.get(marker)
    if state == DONE or (state == BEGUN and await jira.has_comment(card, text)):
        await work.redis.set(marker, DONE, ex=REMEMBERED)
        return
    await work.redis.set(marker, BEGUN, ex=REMEMBERED)
    await jira.comment(card, text)
    await work.redis.set(marker, DONE, ex=REMEMBERED)


async def _reread(work: Work, jira: JiraWriter, key: str) -> Card:
    """Read a card and keep it, so that the next answer shows the change."""
    asked = _now()
    row = await jira.issue(key)
    card = _card(row, work)
    comments, complete = comments_of(row, work.settings.jira_zone)
    number = work.ask.number
    seen: list[Observation] = [
        ItemSeen(
            number=number,
            source=Source.CARD,
            key=card.key,
            facts=card,
            updated=card.updated or EPOCH,
            seen=asked,
        ),
        CommentsSeen(
            number=number, card=card.key, comments=comments, complete=complete, seen=asked
        ),
    ]
    await work.store.write(seen, now=_now())
    return card


def _card(row: dict[str, Any], work: Work) -> Card:
    return card_of(row, work.settings)


async def _links(work: Work) -> list[tuple[str, str, str]]:
    """What a card should be linked to: (address, title, relationship)."""
    number = work.ask.number
    links = [(work.settings.case_url.replace("{number}", number), "Support Case", "Support Case")]
    fields = await work.store.read(number)
    state: Any = fields.states.get(Source.BUGS) if fields else None
    for entry in (state.items if state else {}).values():
        bug = entry.facts
        if bug is not None and bug.url:
            links.append((bug.url, f"Bug {bug.id}", "Bugzilla"))
    return links


async def _portal(work: Work, clients: Clients) -> tuple[list[Observation], str]:
    """Return what the Portal says of one case now, and why that is not all of it, if so.

    What its dialect can not tell stays as it was.
    """
    number, asked = work.ask.number, _now()
    fields = await work.store.read(number)
    state: Any = fields.states.get(Source.PORTAL) if fields else None
    kept = {x: getattr(state.facts, x) for x in clients.portal.unknown} if state else {}
    known = {name: value for name, value in kept.items() if value is not UNSET}
    seen: list[Observation] = []
    why = ""
    async for page in clients.portal.look_up([number]):
        why = why or next((bad.why for bad in page.malformed), "")
        for case in page.cases:
            facts = msgspec.structs.replace(case, **known)
            updated = case.updated or case.created or EPOCH
            seen.append(PortalSeen(number=case.number, seen=asked, facts=facts, updated=updated))
    async for found in clients.portal.details([number]):
        why = why or ("" if found.gone else found.why)
        if found.details is not None:
            seen.append(
                DetailsSeen(
                    number=found.number,
                    seen=asked,
                    facts=found.details,
                    updated=found.updated or EPOCH,
                )
            )
    return seen, why


async def _note(work: Work, detail: str) -> None:
    """Write into the audit log what was changed."""
    ask = work.ask
    entry = AuditEntry(
        who=ask.who,
        name=ask.name,
        origin="job",
        action=ask.what,
        case=ask.number,
        outcome=Outcome.DONE,
        detail=detail,
    )
    await Audit(work.redis, work.keys, days=work.settings.audit_days).record(entry)


def _now() -> datetime:
    return datetime.now(UTC)
