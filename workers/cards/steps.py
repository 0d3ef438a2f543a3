"""The steps in which a card becomes whole. Each may be made again, also by somebody else.

A step returns what it changed, before → after, in words for the audit log, or "". It raises what
JIRA refuses; whoever calls it decides what becomes of that.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing

from t5g.accounts import keep_account
from t5g.connection import open_queue_redis
from t5g.derived import Entry
from t5g.errors import NotFoundError, UpstreamError
from t5g.jira_payloads import card_of
from t5g.model import Card
from t5g.work import enqueue
from workers.cards.desk import Desk
from workers.cards.ledger import Making
from workers.cards.text import comment_of, priority_of, reopened_comment, told_reason
from workers.cards.watchers import watch

ANNOUNCE = "bot.jobs.announce_card"
MAIL = "workers.cards.jobs.mail"
CREATED, REOPENED, ADOPTED = "create", "reopen", "adopt"

Step = Callable[[Desk, Entry, Making], Awaitable[str]]


async def _sprint(desk: Desk, entry: Entry, record: Making) -> str:
    if not desk.settings.jira_board:
        return ""
    before = (await _card(desk, record)).sprint
    if record.kind == CREATED and before:
        return ""  # somebody, or an attempt that was cut off, has planned it already
    number = await _sprint_id(desk)
    await desk.jira.to_sprint(record.key, number)
    return f"sprint: {before or 'none'} → {number}"


async def _sprint_id(desk: Desk) -> int:
    board, name = desk.settings.jira_board, desk.settings.jira_sprint
    active = await desk.clients.jira.sprint_ids(board, "")
    if name:
        named = await desk.clients.jira.sprint_ids(board, name)
        active = [number for number in active if number in named] or named[-1:]
    if not active:
        raise NotFoundError(f"The board {board!r} has no active sprint; the card is in no sprint.")
    return active[0]


async def _column(desk: Desk, entry: Entry, record: Making) -> str:
    """Move it, unless somebody has moved it on since it was met."""
    status = desk.settings.card_first_status
    if not status:
        return ""
    before = await desk.jira.move(record.key, status, only_from=record.status)
    return f"status: {before} → {status}" if before else ""


async def _label(desk: Desk, entry: Entry, record: Making) -> str:
    """Without the team's label the next full sync would lose the card again."""
    label = desk.settings.jira_label
    if not label or label in (await _card(desk, record)).labels:
        return ""
    await desk.jira.add_label(record.key, label)
    return f"labels: + {label}"


async def _links(desk: Desk, entry: Entry, record: Making) -> str:
    """Link the case and its bugs, those that the Portal names included."""
    added: list[str] = []
    failed: dict[str, UpstreamError] = {}
    for url, title, kind in links_of(desk, entry):
        try:
            if await desk.jira.remote_link(record.key, url, title, kind):
                added.append(title)
        except UpstreamError as error:
            if error.concerns_all:
                raise
            failed[title] = error
    told = f"links: + {', '.join(added)}" if added else ""
    if failed:
        if told:
            await desk.note(f"cards {record.kind}", entry.number, f"{record.key} {told}")
        why = "; ".join(f"{title}: {error}" for title, error in failed.items())
        passing = any(error.transient for error in failed.values())
        raise UpstreamError("jira", why, transient=passing)
    return told


def links_of(desk: Desk, entry: Entry) -> list[tuple[str, str, str]]:
    """What a card is linked to: (address, title, relationship)."""
    settings = desk.settings
    links = [(settings.case_url.replace("{number}", entry.number), "Support Case", "Support Case")]
    base = str(settings.bugzilla_url).rstrip("/").removesuffix("/rest")
    for number in _bug_numbers(entry):
        links.append((f"{base}/show_bug.cgi?id={number}", f"Bug {number}", "Bugzilla"))
    return links


def _bug_numbers(entry: Entry) -> list[int]:
    known = [bug.id for bug in entry.case.bugs]
    more = (entry.case.details.bug_ids or (), entry.case.portal.bug_ids or ())
    return list(dict.fromkeys((*known, *more[0], *more[1])))


async def _comment(desk: Desk, entry: Entry, record: Making) -> str:
    text = (
        reopened_comment(entry.number)
        if record.kind == REOPENED
        else comment_of(entry.number, record.assigned, told_reason(record))
    )
    if await desk.jira.has_comment(record.key, text):
        return ""
    await desk.jira.comment(record.key, text)
    return "comment: none → why the card is whose" if record.kind == CREATED else "comment: + 1"


async def _keep(desk: Desk, entry: Entry, record: Making) -> str:
    await desk.keep(entry.number, record.key)
    return ""


async def _watch(desk: Desk, entry: Entry, record: Making) -> str:
    if not desk.settings.portal_watchers or not record.email or not record.assigned:
        return ""
    return await watch(desk, entry, record.email)


async def _announce(desk: Desk, entry: Entry, record: Making) -> str:
    again = str(int(record.begun)) if record.kind == REOPENED else ""
    args = (entry.number, record.key, told_reason(record), again)
    job_id = f"announce-{record.key}" + (f"-{again}" if again else "")
    _ask(desk, ANNOUNCE, *args, job_id=job_id, queue="high")
    return ""


async def _mail(desk: Desk, entry: Entry, record: Making) -> str:
    if desk.settings.smtp_url.get_secret_value():
        email = record.email if record.assigned else ""
        args = (entry.number, record.key, record.assigned, email, told_reason(record))
        _ask(desk, MAIL, *args, job_id=f"mail-{record.key}", queue="low")
    return ""


def _ask(desk: Desk, job: str, *args: str, job_id: str, queue: str) -> None:
    with closing(open_queue_redis(desk.settings.redis_url)) as redis:
        enqueue(
            redis, job, *args, keys=desk.keys, queue=queue, job_id=job_id,
            attempts=(30, 300, 1800), timeout=120, description=job_id.replace("-", " ", 1),
        )  # fmt: skip


# What a card may be made without, if JIRA refuses it; made good later, if nobody else did.


async def _assignee(desk: Desk, entry: Entry, record: Making) -> str:
    row = await desk.jira.issue(record.key)
    if "assignee" not in row["fields"]:
        raise UpstreamError("jira", "it did not tell whose the card is; nobody was assigned")
    if card_of(row, desk.settings).assignee is not None or not record.assignee:
        return ""
    account = await account_of(desk, record.email) if record.email else record.account
    await desk.jira.assign(record.key, account)
    return f"assignee: nobody → {record.assignee} ({record.reason})"


async def account_of(desk: Desk, email: str) -> str:
    """Ask JIRA for the account of an address, and remember it. Raises NotFoundError."""
    account = await desk.jira.account_of(email)
    await keep_account(desk.redis, desk.keys, email, account)
    return account


async def _priority(desk: Desk, entry: Entry, record: Making) -> str:
    wanted = priority_of(entry.case.portal.severity, desk.settings)
    before = (await _card(desk, record)).priority
    if not wanted or before.casefold() == wanted.casefold():
        return ""
    await desk.jira.set_fields(record.key, {"priority": {"name": wanted}})
    return f"priority: {before or 'none'} → {wanted}"


async def _components(desk: Desk, entry: Entry, record: Making) -> str:
    name = desk.settings.card_component
    if not name:
        return ""
    await desk.jira.add_values(record.key, "components", [{"name": name}])
    return f"components: + {name}"


async def _card(desk: Desk, record: Making) -> Card:
    return card_of(await desk.jira.issue(record.key), desk.settings)


_END: tuple[tuple[str, Step], ...] = (("links", _links), ("comment", _comment), ("keep", _keep))
_TOLD: tuple[tuple[str, Step], ...] = (("watch", _watch), ("mail", _mail), ("announce", _announce))
STEPS: Mapping[str, tuple[tuple[str, Step], ...]] = {
    CREATED: (("sprint", _sprint), ("column", _column), *_END, *_TOLD),
    REOPENED: (
        ("label", _label), ("sprint", _sprint), ("column", _column), *_END,
        ("announce", _announce),
    ),
    ADOPTED: (("label", _label), ("links", _links), ("keep", _keep)),
}  # fmt: skip
#: Fields without which a card is still better than none, and the step that makes each good.
OPTIONAL: Mapping[str, Step] = {
    "assignee": _assignee, "priority": _priority, "components": _components,
}  # fmt: skip
REPAIRS: Mapping[str, Step] = {
    "label": _label, "sprint": _sprint, "column": _column, **dict(_END), "watch": _watch,
    **OPTIONAL,
}  # fmt: skip
