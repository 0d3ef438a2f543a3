"""From the open case to the message in Slack: real workers, JIRA, Slack and a mail server."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from sandbox.faults import Fault, Kind
from sandbox.slack.app import BOT_TOKEN, create_slack_app
from sandbox.slack.state import SlackState
from t5g.accounts import keep_account
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.work import enqueue
from tests.bot.conftest import texts
from tests.workers.cards.conftest import complete, learn
from tests.workers.cards.mailbox import Mailbox
from tests.workers.starting import Workers, until
from tests.workers.upstreams import Upstreams, ago

NUMBER = "00000001"
KEYS = Keys()
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@dataclass
class Office:
    """Everything that hears of a new card, and workers that tell it."""

    slack: SlackState
    mailbox: Mailbox
    workers: Workers
    redis: Redis
    env: dict[str, Any]
    anna: str

    async def work(self, *jobs: str, count: int = 1) -> None:
        """Let workers make cards (by several jobs), and do all that follows from it."""
        self.ask(*(jobs or ("cards-create",)))
        await (await self.workers(count, burst=True, **self.env)).wait()

    def ask(self, *jobs: str) -> None:
        """Ask for the job of the schedule under some ids."""
        for name in jobs:
            enqueue(self.redis, "workers.cards.jobs.create", keys=KEYS, job_id=name)

    def told(self, name: str) -> list[tuple[str, list[str]]]:
        """What stands in a channel: each message with those of its thread."""
        channel = self.slack.channel(name).id
        found = []
        for message in self.slack.messages(channel):
            thread = self.slack.messages(channel, thread=message.ts)
            replies = [texts(one.blocks) for one in thread if one.ts != message.ts]
            found.append((texts(message.blocks), replies))
        return found


@pytest.fixture
async def office(
    world: Upstreams, settings: Settings, team: Path, redis_url: str
) -> AsyncIterator[Office]:
    slack = SlackState()
    anna = slack.add_user("anna", "Anna", "anna@example.com")
    for name in ("high", "low", "ops"):
        slack.add_channel(name)
    team.write_text(f'{team.read_text()}\n[[people]]\nname = "Cleo"\nslack = "{anna.id}X"\n')
    mailbox, workers = Mailbox(), Workers(settings)
    await mailbox.start()
    async with TestServer(create_slack_app(slack)) as server:
        slack.base_url = str(server.make_url("/")).rstrip("/")
        env = {
            "read_only": False, "team_file": str(team), "jira_index_seconds": 0,
            "slack_api_url": f"{slack.base_url}/api/", "slack_bot_token": BOT_TOKEN,
            "slack_high_channel": slack.channel("high").id,
            "slack_low_channel": slack.channel("low").id,
            "slack_ops_channel": slack.channel("ops").id,
            "smtp_url": f"smtp://127.0.0.1:{mailbox.port}", "mail_from": "t5g@example.com",
        }  # fmt: skip
        with Redis.from_url(redis_url) as redis:
            yield Office(slack, mailbox, workers, redis, env, anna.id)
        await workers.stop()
    await mailbox.stop()


async def test_a_case_becomes_a_card_a_message_a_thread_and_a_mail(
    world: Upstreams, settings: Settings, office: Office
) -> None:
    world.add_case(NUMBER, severity=1, description="Line <one>\nline two")
    world.add_case("00000002", severity=4, account_name="Zed", description="calm")
    await learn(settings)
    await office.work("first", "second")  # which tells nothing twice
    assert not office.slack.problems
    ((high, thread),) = office.told("high")
    assert f"for <@{office.anna}> (by account)" in high
    assert "T5G-1" in high
    assert "Line &lt;one&gt;" in "".join(thread)
    ((low, thread),) = office.told("low")
    assert "for Ben (least loaded)" in low
    assert "calm" in "".join(thread)
    assert [(one["To"], one["Subject"][:15]) for one in office.mailbox.messages] == [
        ("anna@example.com", f"T5G-1: {NUMBER}"), ("ben@example.com", "T5G-2: 00000002"),
    ]  # fmt: skip


async def test_a_card_that_is_back_is_told_as_such(
    world: Upstreams, settings: Settings, office: Office, redis: AsyncRedis
) -> None:
    world.add_case(NUMBER, severity=2, created=ago(days=40))
    world.add_card(NUMBER, status="Done", assignee=world.anna)
    await keep_account(redis, KEYS, "anna@example.com", world.anna.account_id)
    await learn(settings)
    for status in ("Closed", "Waiting on Red Hat"):
        world.portal.update_case(NUMBER, status=status)
        await learn(settings)
        await office.work()
    ((message, _),) = office.told("high")
    assert "is back for" in message
    assert f"<@{office.anna}> (it was theirs)" in message


async def test_operators_hear_of_the_guard_in_their_channel(
    world: Upstreams, settings: Settings, office: Office
) -> None:
    world.add_cases(11)
    await learn(settings)
    office.ask("cards-create")
    enqueue(office.redis, "bot.jobs.digest_tick", keys=KEYS)
    await office.work("later")
    ((told, _),) = office.told("ops")
    assert "11 new cards are more than 10: none was made." in told
    assert "t5g cards create --confirm 11" in told
    assert office.told("high") == office.told("low") == []


async def test_two_worker_processes_at_once_make_and_tell_each_card_once(
    world: Upstreams, settings: Settings, office: Office
) -> None:
    numbers = world.add_cases(5, severity=1, created=ago(hours=1))
    await learn(settings)
    world.jira_faults.latency = 0.02
    await office.work("one", "other", count=2)
    for number in numbers:
        complete(world, number)
    assert len(world.jira.issues) == len(office.told("high")) == len(office.mailbox.messages) == 5


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/rest/api/2/issue"), ("POST", "/rest/agile/1.0/sprint"),
     ("POST", "/rest/api/2/issue/T5G-1/comment")],
    ids=["making", "planning", "commenting"],
)  # fmt: skip
async def test_a_worker_that_is_killed_while_jira_works_leaves_one_card_told_once(
    world: Upstreams, settings: Settings, office: Office, method: str, path: str
) -> None:
    """JIRA does what it was asked for, and nobody is there to hear it."""
    world.add_case(NUMBER, severity=1)
    await learn(settings)
    slow: Fault = world.jira_faults.add(Kind.LATENCY, method=method, path=path, seconds=1.0)
    office.ask("cards-create")
    worker = await office.workers(**office.env)
    await until(lambda: slow.done, workers=office.workers)
    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()
    world.jira_faults.remove(slow)
    office.redis.delete(KEYS.lock("cards"))  # as if its time was over
    await office.work("first", "second")
    complete(world, NUMBER)
    ((message, _),) = office.told("high")
    assert "(by account)" in message
    assert len(office.mailbox.messages) == 1
