"""Every key in Redis: who owns it, what it is, and its fate. What is not here is a stranger.

`t5g check --keys` looks for strangers, `t5g export` takes what can not be rebuilt. Names are as
`t5g.keys` makes them, without the prefix; `*` stands for any text.
"""

import re
from collections.abc import AsyncIterator
from enum import StrEnum
from functools import cache

from msgspec import Struct
from redis.asyncio import Redis

from t5g.keys import Keys

SCAN = 1_000


class Fate(StrEnum):
    """Why a key is there, and what becomes of it."""

    #: It can not be rebuilt: it stays, and belongs into a backup.
    KEPT = "kept"
    #: It stays, and the next syncs bring it again if it is lost.
    REBUILT = "rebuilt"
    #: It stays while there is work: queues, what waits to be posted or applied.
    WORK = "work"
    #: It ends by itself: it must have a time to live.
    PASSING = "passing"


class Owned(Struct, frozen=True):
    """The keys of one pattern."""

    pattern: str
    owner: str
    fate: Fate
    what: str


_KEPT, _REBUILT, _WORK, _PASSING = Fate.KEPT, Fate.REBUILT, Fate.WORK, Fate.PASSING

OWNED: tuple[Owned, ...] = (
    Owned("schema", "t5g.schema", _REBUILT, "the version of everything kept here"),
    Owned("epoch", "t5g.store", _REBUILT, "which history of changes this is"),
    Owned("seq", "t5g.store", _REBUILT, "number of the newest change"),
    Owned("feed", "t5g.store", _REBUILT, "the last changes (bounded by T5G_FEED_LENGTH)"),
    Owned("cases", "t5g.store", _REBUILT, "numbers of all cases"),
    Owned("case:*", "t5g.store", _REBUILT, "one case: what each source says of it"),
    Owned("syncs", "t5g.syncs", _REBUILT, "records of the syncs"),
    Owned("syncs:rev", "t5g.syncs", _REBUILT, "how often the records changed"),
    Owned("syncs:wished", "t5g.syncs", _REBUILT, "how many wishes there were for each sync"),
    Owned("marks", "workers.marks", _REBUILT, "since when each sync knows everything"),
    Owned("turns:*", "workers.marks", _REBUILT, "when each case was last looked at"),
    Owned("cardlinks", "workers.syncs.cards", _REBUILT, "cases of cards that only a link tells"),
    Owned("lock:*", "t5g.lock", _PASSING, "a lock and its holder"),
    Owned("check", "t5g.checks", _PASSING, "a write by `t5g check`"),
    Owned("alive:*", "t5g.heartbeat", _PASSING, "signs of life of processes"),
    Owned("alerts", "t5g.alerts", _WORK, "alerts that stand"),
    Owned("alerts:outbox", "t5g.alerts", _WORK, "alerts that wait to be told"),
    Owned("metrics:sums", "t5g.sums", _REBUILT, "counts of all processes"),
    Owned("metrics:from:*", "t5g.sums", _PASSING, "what a process has added"),
    Owned("runs:open", "t5g.runs", _WORK, "runs of jobs under way"),
    Owned("runs:said:*", "t5g.runs", _PASSING, "what a run says before it ends"),
    Owned("runs:ended", "t5g.runs", _REBUILT, "the last runs of jobs (bounded)"),
    Owned("rq:*", "RQ", _WORK, "queues, jobs and workers"),
    Owned("schedule", "workers.firing", _REBUILT, "the schedule"),
    Owned("schedule:times", "workers.firing", _REBUILT, "when each entry is due"),
    Owned("schedule:instance:*", "workers.firing", _PASSING, "the scheduler that runs"),
    Owned("inbox:arrivals", "t5g.inbox", _REBUILT, "when the last event of JIRA came"),
    Owned("inbox:done:*", "t5g.inbox", _PASSING, "deliveries that were done"),
    Owned("inbox:letters", "t5g.inbox", _WORK, "dead letters"),
    Owned("inbox:ages", "t5g.inbox", _WORK, "dead letters by age"),
    Owned("inbox:due", "t5g.inbox", _WORK, "dead letters by their next try"),
    Owned("inbox:subjects", "t5g.inbox", _WORK, "issues that have dead letters"),
    Owned("inbox:of:*", "t5g.inbox", _WORK, "dead letters of one issue"),
    Owned("audit:refused:*", "t5g.audit", _PASSING, "refusals written in the last minute"),
    Owned("audit", "t5g.audit", _KEPT, "the audit log (bounded by T5G_AUDIT_DAYS)"),
    Owned("statistics", "t5g.statistics", _KEPT, "a row of numbers for each day"),
    Owned("slack:digests", "bot.digests", _KEPT, "digest settings of channels"),
    Owned("slack:plans", "bot.plans", _KEPT, "which digest is due where, and when"),
    Owned("slack:watches", "bot.watches", _KEPT, "watches of channels and people"),
    Owned("slack:watch:*", "bot.watches", _KEPT, "what a watch has matched"),
    Owned("slack:once:*", "bot.delivery", _KEPT, "what was posted and must not be again"),
    Owned("slack:looked:*", "bot.home", _KEPT, "when a person last looked at App Home"),
    Owned("slack:shares:*", "bot.shares", _KEPT, "messages in which a case was shared"),
    Owned("slack:deeds:*", "bot.shares", _PASSING, "who just changed a case"),
    Owned("slack:posted:*", "bot.delivery", _KEPT, "where a message was posted"),
    Owned("slack:trying:*", "bot.delivery", _PASSING, "a message on its way"),
    Owned("slack:closed:*", "bot.delivery", _PASSING, "a channel that takes nothing now"),
    Owned("slack:pace:*", "bot.delivery", _PASSING, "one message a second for a channel"),
    Owned("slack:dm:*", "bot.delivery", _PASSING, "the channel of a person's messages"),
    Owned("slack:outbox", "bot.delivery", _WORK, "channels that have messages waiting"),
    Owned("slack:outbox:*", "bot.delivery", _WORK, "messages that wait for a channel"),
    Owned("slack:followed", "bot.follower", _REBUILT, "how far the follower has read"),
    Owned("slack:unassigned", "bot.follower", _REBUILT, "since when nobody has a case"),
    Owned("slack:done", "bot.follower", _REBUILT, "since when a card is done, its case open"),
    Owned("slack:breaches_soon", "bot.follower", _REBUILT, "cases that breach within a day"),
    Owned("slack:notify", "bot.notify", _KEPT, "what people wish to be told of their own cases"),
    Owned("slack:held", "bot.notify", _WORK, "news held back for the owners of cases"),
    Owned("slack:seen:*", "bot.once", _PASSING, "deliveries of Slack that were done"),
    Owned("slack:people:*", "bot.people", _PASSING, "what Slack says of a person"),
    Owned("slack:reply:*", "bot.replies", _PASSING, "where an answer goes"),
    Owned("action:*", "workers.actions", _PASSING, "what was done for a person, so once only"),
    Owned("cards:making:*", "workers.cards.ledger", _KEPT, "a card that is being made"),
    Owned("cards:unfinished", "workers.cards.ledger", _KEPT, "cards that are not made to the end"),
    Owned("cards:lacking", "workers.cards.ledger", _KEPT, "cards that lack what JIRA did not take"),
    Owned("jira:project:*", "t5g.jira_projects", _REBUILT, "id and keys of a project of ours"),
    Owned("jira:accounts", "t5g.accounts", _KEPT, "e-mail addresses by JIRA account"),
    Owned("cards:reason:*", "t5g.card_reasons", _PASSING, "why somebody got a new card"),
    Owned("cards:closed", "workers.cards.ledger", _KEPT, "since when cases are closed"),
    Owned("cards:proposed", "workers.cards.closing", _KEPT, "cards proposed for closing"),
    Owned("cards:mailed:*", "workers.cards.jobs", _PASSING, "cards that were told by mail"),
    Owned("tokens", "webhooks.access.tokens", _KEPT, "hashes of scripts' tokens"),
    Owned("session:*", "webhooks.access.sessions", _PASSING, "a login"),
    Owned("sessions", "webhooks.access.sessions", _WORK, "logins by their end"),
    Owned("saml:login:*", "webhooks.saml.pending", _PASSING, "a login that has begun"),
    Owned(
        "saml:assertion:*",
        "webhooks.saml.pending",
        _PASSING,
        "an assertion or logout used",
    ),
    Owned("import:*", "t5g.backup", _PASSING, "a backup that is being read"),
)


class Found(Struct, frozen=True):
    """What is wrong with a key."""

    key: str
    why: str


@cache
def owner_of(name: str) -> Owned | None:
    """Return who owns a key (without the prefix); None for a stranger. The longest pattern wins."""
    fitting = [one for one in OWNED if _regex(one.pattern).fullmatch(name)]
    return max(fitting, key=lambda one: len(one.pattern), default=None)


async def strangers(redis: Redis, keys: Keys) -> AsyncIterator[Found]:
    """Yield the keys below the prefix that nobody owns, and those that should end and do not."""
    async for raw in redis.scan_iter(match=keys.pattern("*"), count=SCAN):
        key = raw.decode(errors="backslashreplace")
        owned = owner_of(key.removeprefix(keys.prefix))
        if owned is None:
            yield Found(key, "nobody owns it")
        elif owned.fate is Fate.PASSING and await redis.ttl(raw) == -1:
            yield Found(key, f"{owned.owner} should have given it a time to live")


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
