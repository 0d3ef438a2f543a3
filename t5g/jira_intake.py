"""Applies events of JIRA to the store: many at a time, each once in effect, none lost.

Used by the web process, whose requests it serves, and by workers, which try dead letters again.
An event that can not be applied becomes a dead letter and never keeps another from being applied;
only a Redis that does not answer fails a call as a whole (`StoreError`), so that JIRA repeats it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g import metrics
from t5g.alerts import Alerts
from t5g.board import Board
from t5g.connection import open_store, open_syncs
from t5g.derived import Rules
from t5g.errors import StoreError
from t5g.inbox import NO_SUBJECT, DeadLetter, Inbox, Known, letter_of
from t5g.jira_decisions import Decision, Outcome, decide, looks_back
from t5g.jira_door import Refusal
from t5g.jira_events import DELIVERY, RETRY, Event, Unreadable, read_event
from t5g.jira_projects import Projects, names_kept, read_projects
from t5g.keys import Keys
from t5g.logs import logger
from t5g.model import Source
from t5g.redis_errors import what_redis_did
from t5g.settings import Settings
from t5g.state import Observation
from t5g.store import Place, Store, Written
from t5g.syncs import Sync

#: Name of the operators' alert while there are dead letters.
ALERT = "deadletters"
#: Headers that are kept with an event that can not be applied; never its signature.
KEPT = (DELIVERY, RETRY, "X-Atlassian-Webhook-Flow", "User-Agent", "Content-Type")
#: States that are read before it is known whether they are written.
MOST_READ = 500
#: Letters of one issue that an event of it tries again; the timed job tries all.
TRIED_BY_EVENT = 20

log = logger(__name__)


class Delivery(Struct, frozen=True):
    """An event with all that is needed to keep it whole."""

    event: Event | Unreadable
    body: bytes
    headers: Mapping[str, str]


class Applied(Struct, frozen=True):
    """What became of each delivery of a call, and the syncs that should look."""

    outcomes: list[Outcome]
    resyncs: frozenset[Sync] = frozenset()


class Drained(Struct, frozen=True, kw_only=True):
    """What became of the dead letters that were tried again."""

    applied: int = 0
    failed: int = 0
    expired: int = 0


class Intake:
    """Applies events. One for each process and event loop, like its board."""

    def __init__(self, store: Store, board: Board, inbox: Inbox, settings: Settings) -> None:
        self._store, self._board, self._inbox, self._settings = store, board, inbox, settings
        self._alerts = Alerts(store.redis, store.keys)
        self._projects = Projects.of(settings)
        self._done: list[str] = []

    async def apply(self, deliveries: Sequence[Delivery], *, now: datetime) -> Applied:
        """Write what the deliveries mean. When this returns, the state is in Redis.

        Raises StoreError when Redis does not answer; the same call may be made again.
        """
        try:
            return await self._apply(deliveries, now)
        except (RedisError, OSError) as error:
            raise StoreError(f"{what_redis_did(error)}; the event was not applied.") from error

    async def settle(self, *, now: datetime) -> None:
        """Note what was done since the last call of `apply`, which else notes it along the way.

        To forget it costs a little work, nothing else: a repeated event changes nothing.
        """
        done, self._done = self._done, []
        await self._inbox.mark_done(done, now=now.timestamp())

    async def _apply(self, deliveries: Sequence[Delivery], now: datetime) -> Applied:
        places = self._places(deliveries)
        known = await self._inbox.look(
            [delivery.event.delivery for delivery in deliveries],
            [delivery.event.subject for delivery in deliveries],
            now=now.timestamp(),
            done=self._done,
            keys=[*self._board.witnesses, *names_kept(self._store.keys, self._settings)],
            fields=[(self._store.keys.case(number), source) for number, source in places],
        )
        self._done = []
        witnesses = len(self._board.witnesses)
        self._projects = Projects.of(self._settings, known.values[witnesses:])
        if not self._board.is_current(known.values[:witnesses]):
            await self._board.refresh()
        for subject in sorted(known.parked - {NO_SUBJECT}):
            await self._drain(await self._inbox.of_subject(subject, TRIED_BY_EVENT), now)
        read = dict(zip(places, known.fields, strict=True))
        applied = await _Batch(self, known, read, now).run(deliveries)
        self._done += [delivery.event.delivery for delivery in deliveries]
        return applied

    def _places(self, deliveries: Sequence[Delivery]) -> list[Place]:
        """Where the deliveries will write in all likelihood: read along with the rest."""
        events = [d.event for d in deliveries if isinstance(d.event, Event)]
        ids = {event.issue_id for event in events if event.issue_id}
        numbers = set[str]().union(*map(self._board.by_jira_id, ids))
        return [(number, Source.CARD) for number in sorted(numbers)[:MOST_READ]]

    async def park(self, delivery: Delivery, error: str, now: datetime) -> None:
        """Keep an event that can not be applied; `error` says why, for whoever looks at it."""
        event = delivery.event
        letter = letter_of(
            id=event.delivery,
            subject=event.subject,
            name=event.name,
            error=error,
            event_at=event.at.timestamp(),
            now=now.timestamp(),
            headers={name: delivery.headers[name] for name in KEPT if name in delivery.headers},
            body=delivery.body,
        )
        first = await self._inbox.put(letter)
        log.error("event parked", id=letter.id, kind=letter.name, error=error)
        if first:
            text = f"An event of JIRA ({letter.name}) could not be applied: {error}"
            await self._alerts.raise_(ALERT, text, hint="See `t5g deadletters list`.")

    async def write(
        self,
        observations: Sequence[Observation],
        now: datetime,
        read: Mapping[Place, bytes | None] | None = None,
    ) -> list[Written]:
        """Write observations, if there are any; the board has them at once if it can."""
        if not observations:
            return []
        written = await self._store.write(observations, now=now, read=read)
        self._board.adopt(written)
        return written

    async def refresh(self) -> None:
        """Bring in what was written just now."""
        await self._board.refresh()

    async def _look(self) -> None:
        """Bring in all that letters are decided by. Raises StoreError."""
        await self._board.refresh()
        store = self._store
        try:
            self._projects = await read_projects(store.redis, store.keys, self._settings)
        except (RedisError, OSError) as error:
            raise StoreError("Redis does not answer; try again in a moment.") from error

    def decide(self, event: Event) -> Decision:
        """Decide on the board as it is."""
        return decide(event, self._board, self._settings, self._projects)

    # Dead letters

    async def drain_all(self, *, now: datetime) -> Drained:
        """Try every dead letter again: what each sync of JIRA does before it begins."""
        return await self._drain_subjects(await self._inbox.subjects(), now)

    async def drain_due(self, *, now: datetime) -> Drained:
        """Drop the letters past their age, and try again where the time of one has come.

        All letters of such an issue are tried, so that they are applied in their order.
        """
        expired = await self._inbox.received_before(self.expiry(now))
        for letter in expired:
            await self.drop(letter)
            metrics.DEADLETTERS_EXPIRED.inc()
            log.error("dead letter dropped for its age", id=letter.id, kind=letter.name)
        due = await self._inbox.due(now=now.timestamp())
        drained = await self._drain_subjects(sorted({letter.subject for letter in due}), now)
        return msgspec.structs.replace(drained, expired=len(expired))

    async def is_due(self, *, now: datetime) -> bool:
        """Say whether `drain_due` has something to do."""
        expired = self.expiry(now).timestamp()
        return await self._inbox.is_due(now=now.timestamp(), expired=expired)

    def expiry(self, now: datetime) -> datetime:
        """Letters that were received before this moment are too old to be of use."""
        return now - timedelta(days=self._settings.deadletter_days)

    async def replay(self, letter: DeadLetter, *, now: datetime) -> str:
        """Try one letter again; return "" or the error that keeps it where it is."""
        await self._look()
        error = await self._try(letter, now)
        if error:
            await self._inbox.failed_again(letter, error, now=now.timestamp())
        return error

    async def _drain_subjects(self, subjects: Sequence[str], now: datetime) -> Drained:
        """Try all letters of some issues again, those of an issue in the order of its events."""
        applied = failed = 0
        if subjects:
            await self._look()
        for subject in subjects:
            for id in await self._inbox.ids_of_subject(subject):
                letter = await self._inbox.get(id)
                if letter is None:
                    continue  # somebody else was quicker
                error = await self._try(letter, now)
                if error:
                    await self._inbox.failed_again(letter, error, now=now.timestamp())
                failed, applied = failed + bool(error), applied + (not error)
        return Drained(applied=applied, failed=failed)

    async def _drain(self, letters: Sequence[DeadLetter], now: datetime) -> None:
        """Try letters again in the order of their events."""
        for letter in sorted(letters, key=lambda letter: letter.event_at):
            await self._try(letter, now)

    async def _try(self, letter: DeadLetter, now: datetime) -> str:
        received = min(now, datetime.fromtimestamp(letter.received, now.tzinfo))
        event = read_event(letter.raw, letter.headers, received=received)
        if isinstance(event, Refusal):
            return event.message
        if isinstance(event, Unreadable):
            return event.reason
        try:
            if looks_back(event):
                await self._board.refresh()
            await self.write(self.decide(event).observations, now)
        except (StoreError, RedisError, OSError):
            raise
        except Exception as error:
            return told(error)
        await self.drop(letter)
        log.info("dead letter applied", id=letter.id, kind=letter.name)
        return ""

    async def drop(self, letter: DeadLetter) -> bool:
        """Forget a letter; with the last one the alert is over. Say whether it was there."""
        dropped = await self._inbox.drop(letter)
        if not await self._inbox.count():
            await self._alerts.clear(ALERT, "No event of JIRA waits to be applied any more.")
        return dropped


class _Batch:
    """One call of `Intake.apply`: decides in order, writes together."""

    def __init__(
        self, intake: Intake, known: Known, read: Mapping[Place, bytes | None], now: datetime
    ) -> None:
        self._intake, self._known, self._read, self._now = intake, known, read, now
        self._begun = set[str]()
        self._waiting: list[tuple[int, Delivery, Decision]] = []
        self._outcomes: list[Outcome] = []
        self._resyncs = set[Sync]()

    async def run(self, deliveries: Sequence[Delivery]) -> Applied:
        for delivery in deliveries:
            self._outcomes.append(await self._one(delivery))
        await self._flush()
        return Applied(self._outcomes, frozenset(self._resyncs))

    async def _one(self, delivery: Delivery) -> Outcome:
        event = delivery.event
        if event.delivery in self._known.done or event.delivery in self._begun:
            return Outcome.DUPLICATE
        self._begun.add(event.delivery)
        if isinstance(event, Unreadable):
            return await self._park(delivery, event.reason)
        if looks_back(event) and self._waiting:
            await self._flush()
            await self._intake.refresh()
        try:
            decision = self._intake.decide(event)
        except Exception as error:  # a bug of ours must not lose the event
            log.exception("event can not be decided", kind=event.name)
            return await self._park(delivery, told(error))
        self._resyncs |= set(decision.resyncs)
        if decision.observations:
            self._waiting.append((len(self._outcomes), delivery, decision))
        return decision.outcome

    async def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            together = [o for _, _, decision in waiting for o in decision.observations]
            read, self._read = self._read, {}  # what is written is not what was read any more
            written = await self._intake.write(together, self._now, read)
        except (StoreError, RedisError, OSError):
            raise
        except Exception:
            log.exception("events can not be written together", events=len(waiting))
            for index, delivery, decision in waiting:
                self._outcomes[index] = await self._write_alone(delivery, decision)
        else:
            for index, _, decision in waiting:
                self._outcomes[index] = _outcome(decision, written)

    async def _write_alone(self, delivery: Delivery, decision: Decision) -> Outcome:
        try:
            written = await self._intake.write(decision.observations, self._now)
        except (StoreError, RedisError, OSError):
            raise
        except Exception as error:
            return await self._park(delivery, told(error))
        return _outcome(decision, written)

    async def _park(self, delivery: Delivery, error: str) -> Outcome:
        await self._intake.park(delivery, error, self._now)
        return Outcome.PARKED


def _outcome(decision: Decision, written: Sequence[Written]) -> Outcome:
    """Return what became of an event whose observations were written together with others."""
    new = {id(observation) for row in written for observation in row.told}
    if decision.resyncs or any(id(one) in new for one in decision.observations):
        return decision.outcome
    return Outcome.UNCHANGED


def open_intake(settings: Settings, redis: Redis) -> Intake:
    """Make the intake of this installation on an open client, with a board of its own."""
    store = open_store(settings, redis)
    board = Board(store, open_syncs(settings, redis), Rules.of(settings))
    return Intake(store, board, open_inbox(settings, redis), settings)


def open_inbox(settings: Settings, redis: Redis) -> Inbox:
    """Make the inbox of this installation on an open client."""
    return Inbox(redis, Keys(settings.redis_prefix))


def told(error: Exception) -> str:
    """An error in a line, for people."""
    return f"{type(error).__name__}: {error}"[:500]
