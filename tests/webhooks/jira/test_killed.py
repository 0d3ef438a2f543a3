"""The web process is killed in mid-storm, again and again, while JIRA repeats as JIRA does."""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import SECRET, Misdelivery, Webhooks
from t5g.board import Board
from t5g.inbox import Inbox
from t5g.keys import Keys
from t5g.store import Store
from tests.making import NOW, portal_seen

LABEL = "field-support"
NUMBERS = [f"{number:08d}" for number in range(1, 13)]
STATUSES = ("New", "Open", "In Progress", "Done")
KILLS = 2


class Web:
    """`t5g web` as a process of its own, on one port, that dies and comes back."""

    def __init__(self, redis_url: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `end`)
        self._env = {
            **os.environ,
            "T5G_REDIS_URL": redis_url,
            "T5G_HTTP_PORT": str(port),
            "T5G_JIRA_WEBHOOK_SECRET": SECRET,
            "T5G_SLACK_BOT_TOKEN": "xoxb-not-secret",
            "T5G_SLACK_SIGNING_SECRET": "not-secret",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "t5g", "web", env=self._env, stdout=self._log, stderr=self._log
        )
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(40):
            while not await self._answers(client):
                assert self._process.returncode is None, self.said()
                await asyncio.sleep(0.05)

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-3000:]

    async def end(self) -> None:
        await self.kill()
        self._log.close()


@pytest.fixture
async def web(redis_url: str, free_tcp_port: int) -> AsyncIterator[Web]:
    """A web process."""
    process = Web(redis_url, free_tcp_port)
    await process.start()
    yield process
    await process.end()


@pytest.fixture(params=["cloud", "data center"])
async def jira(
    request: pytest.FixtureRequest, web: Web
) -> AsyncIterator[tuple[JiraState, Webhooks]]:
    """A JIRA whose sender doubles and overtakes, and repeats within seconds instead of minutes."""
    state = JiraState(cloud=request.param == "cloud")
    state.add_project("T5G", "Field support")
    sender = Webhooks(state, retry_delays=(0.3, 0.6, 1.2, 2.5, 5.0, 10.0), time_limit=15.0)
    sender.misdelivery = Misdelivery(duplicate_every=7, delay=0.2, seed=4)
    sender.register(f"{web.url}/webhooks/jira")
    await sender.start()
    yield state, sender
    await sender.stop()


def do_something(state: JiraState, chance: random.Random) -> None:
    """Change one card as people do: move it, or write, edit or take back a comment."""
    issue = chance.choice(list(state.issues.values()))
    match chance.randrange(6):
        case 0 | 1:
            state.transition(issue.key, chance.choice(STATUSES))
        case 2:
            state.update_issue(issue.key, priority=chance.choice(("Major", "Minor", "Normal")))
        case 3:
            state.add_comment(issue.key, None, f"word {chance.random()}")
        case 4 if issue.comments:
            one = chance.choice(issue.comments)
            state.edit_comment(issue.key, one.id, f"another word {chance.random()}")
        case 5 if len(issue.comments) > 1:
            state.delete_comment(issue.key, chance.choice(issue.comments).id)


async def test_killed_in_mid_storm_the_end_is_what_jira_has_to_the_last_comment(
    web: Web, jira: tuple[JiraState, Webhooks], store: Store, board: Board
) -> None:
    state, sender = jira
    await store.write([portal_seen(number) for number in NUMBERS], now=NOW)
    for number in NUMBERS:
        state.create_issue("T5G", f"{number}: it breaks", labels=[LABEL])
    chance = random.Random(11)
    for _ in range(KILLS):
        for _ in range(100):
            do_something(state, chance)
        before = sum(one.outcome == "delivered" for one in sender.log)
        async with asyncio.timeout(20):
            while sum(one.outcome == "delivered" for one in sender.log) < before + 20:
                await asyncio.sleep(0.005)
        assert sender.waiting, "the storm was over before the kill"
        await web.kill()
        for _ in range(20):
            do_something(state, chance)  # nobody is there to hear it now
        await web.start()
    await sender.settled(40)
    assert {one.outcome for one in sender.log} == {"delivered"}
    assert any(len(one.answers) > 1 for one in sender.log), "no delivery was ever repeated"
    assert await Inbox(store.redis, Keys()).count() == 0
    await board.refresh()
    for number, issue in zip(NUMBERS, state.issues.values(), strict=True):
        case = board.entries[number].case
        card = board.entries[number].card
        assert card is not None
        assert (card.key, card.status, card.priority) == (issue.key, issue.status, issue.priority)
        assert [comment.body for comment in case.card_comments] == [
            comment.body for comment in issue.comments
        ]
