"""Dead letters are tried again by each sync of JIRA and in time, and silence is told once."""

from contextlib import closing
from datetime import timedelta

import pytest

from sandbox.jira.payloads import bodies
from t5g import jira_intake
from t5g.alerts import Alerts
from t5g.connection import open_queue_redis
from t5g.inbox import Inbox
from t5g.jira_events import DELIVERY, read_event
from t5g.jira_intake import Delivery, open_intake
from t5g.jira_silence import ALERT
from t5g.keys import Keys
from t5g.syncs import Sync, SyncRecord
from t5g.work import load_rq
from tests import wall_clock
from tests.making_jira import body_of, event, issue_event
from tests.workers.reading import one, synced
from workers import jobs
from workers.deadletters import JOB_ID, are_due, drain_before, drain_due
from workers.scheduler import _ask_for_deadletters
from workers.watching import tell_silence


@pytest.fixture
def settings(upstreams, redis_url):
    return upstreams.settings(redis_url)


@pytest.fixture
def inbox(redis):
    return Inbox(redis, Keys())


@pytest.fixture
def broken(monkeypatch):
    """Until it is undone, no event can be decided."""

    def decide(*_):
        raise ZeroDivisionError("a bug of ours")

    with monkeypatch.context() as bug:
        bug.setattr(jira_intake, "decide", decide)
        yield bug


async def park(settings, redis, *payloads, received=None):
    received = received or wall_clock.now()
    intake = open_intake(settings, redis)
    for number, payload in enumerate(payloads):
        body, headers = body_of(payload), {DELIVERY: f"d-{received.timestamp():.0f}-{number}"}
        found = read_event(body, headers, received=received)
        await intake.apply([Delivery(found, body, headers)], now=received)


async def test_a_sync_of_jira_tries_them_first(settings, upstreams, redis, store, inbox, broken):
    (number,) = upstreams.add_cases(1)
    await synced(settings, Sync.CASES)
    summary = f"{number}: by an event"
    await park(settings, redis, issue_event("created", 0, key="T5G-77", summary=summary))
    assert await inbox.count() == 1
    broken.undo()
    await drain_before(Sync.CASES, settings, redis, wall_clock.now())
    assert await inbox.count() == 1
    await drain_before(Sync.CARDS, settings, redis, wall_clock.now())
    assert await inbox.count() == 0
    assert (await one(store, number)).card.key == "T5G-77"


async def test_what_a_letter_told_is_not_counted_as_missed(
    settings, upstreams, redis, inbox, broken
):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    await synced(settings, Sync.CASES, Sync.CARDS)
    told = []
    upstreams.jira.listeners.append(told.append)
    upstreams.jira.update_issue(key, priority="Critical")
    (body,) = [body for event in told for body in bodies(upstreams.jira, event)]
    await park(settings, redis, body)
    broken.undo()
    record = await synced(settings, Sync.CARDS)
    assert (record.missed_events, await inbox.count()) == (0, 0)


async def test_a_sync_that_comes_while_the_bug_is_there_works_all_the_same(
    settings, upstreams, redis, store, inbox, broken
):
    (number,) = upstreams.add_cases(1)
    key = upstreams.add_card(number)
    await park(settings, redis, issue_event("created", 0, key="T5G-77"))
    await synced(settings, Sync.CASES, Sync.CARDS)
    assert (await one(store, number)).card.key == key
    [letter] = await inbox.letters()
    assert letter.attempts == 2


async def test_in_time_the_job_tries_them_and_drops_the_old(settings, redis, inbox, broken):
    now = wall_clock.now()
    assert not await are_due(settings, redis)
    await park(settings, redis, issue_event("created", 0), received=now - timedelta(minutes=2))
    assert await are_due(settings, redis)
    drained = await drain_due(settings)
    assert (drained.applied, drained.failed, drained.expired) == (0, 1, 0)
    assert not await are_due(settings, redis)
    broken.undo()
    await park(
        settings,
        redis,
        event("jira:issue_updated"),
        received=now - timedelta(days=settings.deadletter_days + 1),
    )
    drained = await drain_due(settings)
    assert (drained.failed, drained.expired) == (0, 1)
    assert await inbox.count() == 1


def test_the_job_says_what_it_did(settings, monkeypatch):
    monkeypatch.setattr(jobs, "current_settings", lambda: settings)
    assert jobs.deadletters() == {"applied": 0, "failed": 0, "expired": 0}


def test_the_scheduler_asks_for_the_job_once(settings):
    for _ in range(3):
        _ask_for_deadletters(settings)
    rq = load_rq(Keys().prefix)
    with closing(open_queue_redis(settings.redis_url)) as raw:
        assert rq.Queue("default", connection=raw).job_ids == [JOB_ID]


async def test_silence_is_told_once_and_the_next_event_clears_it(redis, records, inbox):
    alerts, now = Alerts(redis, Keys()), wall_clock.seconds()
    await inbox.mark_done(["d-1"], now=now - 7200)
    assert not await tell_silence(redis, Keys(), now)
    await records.write(SyncRecord(name=Sync.CARDS, started=now - 60, missed_events=2))
    assert await tell_silence(redis, Keys(), now)
    assert not await tell_silence(redis, Keys(), now + 1)
    assert ALERT in {alert.name for alert in await alerts.raised()}
    await inbox.mark_done(["d-2"], now=now)
    assert not await tell_silence(redis, Keys(), now + 2)
    assert ALERT not in {alert.name for alert in await alerts.raised()}
