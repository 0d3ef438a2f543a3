"""Live updates: what is told to whom, over a real connection."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from redis.asyncio import Redis

from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from t5g.team import Role
from tests import wall_clock
from tests.making import portal_seen
from tests.own_redis import OwnRedis
from tests.webhooks import logins
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.logins import Configure
from webhooks.access.sessions import Sessions
from webhooks.access.tokens import Tokens
from webhooks.pages import live

Event = tuple[str, Any]
idp, team_file, configure = logins.idp, logins.team_file, logins.configure
Listen = Callable[[str], contextlib.AbstractAsyncContextManager[ClientResponse]]


@pytest.fixture
def listen(client: Client) -> Listen:
    """Open a stream, past its first line."""

    @contextlib.asynccontextmanager
    async def opened(path: str) -> AsyncIterator[ClientResponse]:
        async with client.get(path) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            assert await response.content.readuntil(b"\n\n") == b"retry: 3000\n\n"
            yield response

    return opened


async def event(response: ClientResponse, within: float = 5.0) -> Event:
    """Read the next event: its name and its data."""
    async with asyncio.timeout(within):
        while True:
            block = (await response.content.readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])


async def change(store: Store, number: str, summary: str = "changed", **facts: Any) -> int:
    """Write a change; give its place in the history."""
    now = wall_clock.now()
    seen = portal_seen(number, seen=now, updated=now, summary=summary, **facts)
    written = await store.write([seen], now=now)
    return written[0].sequence


async def test_change_is_told_with_its_case(listen: Listen, store: Store) -> None:
    async with listen("/live") as response:
        sequence = await change(store, "01234567")
        assert await event(response) == ("change", {"sequence": sequence, "numbers": ["01234567"]})


async def test_list_hears_of_what_comes_and_goes_but_of_nothing_else(
    listen: Listen, store: Store
) -> None:
    await change(store, "00000001", severity="1 (Urgent)")
    await change(store, "00000002", severity="4 (Low)")
    async with listen("/live?q=severity:urgent") as response:
        await change(store, "00000002", severity="4 (Low)", summary="not concerned")
        await change(store, "00000003", severity="1 (Urgent)")
        assert (await event(response))[1]["numbers"] == ["00000003"], "came into the list"
        await change(store, "00000001", severity="4 (Low)")
        assert (await event(response))[1]["numbers"] == ["00000001"], "left the list"


async def test_page_of_one_case_hears_of_that_case_only(listen: Listen, store: Store) -> None:
    async with listen("/live?case=00000002") as response:
        await change(store, "00000001")
        await change(store, "00000002")
        assert (await event(response))[1]["numbers"] == ["00000002"]


async def test_what_happened_before_the_stream_was_open_is_told(
    listen: Listen, store: Store
) -> None:
    first = await change(store, "00000001")
    second = await change(store, "00000002")
    async with listen(f"/live?since={first}") as response:
        told = {"sequence": second, "numbers": ["00000002"]}
        assert await event(response) == ("change", told)


@pytest.mark.parametrize("since", ["x", "-1", "9" * 30, "٣"])
async def test_odd_beginning_is_ignored(listen: Listen, store: Store, since: str) -> None:
    async with listen(f"/live?since={since}") as response:
        await change(store, "00000001")
        assert (await event(response))[1]["numbers"] == ["00000001"]


async def test_other_history_tells_to_look_anew(listen: Listen, store: Store) -> None:
    await change(store, "00000001")
    async with listen("/live?since=1") as response:
        await store.redis.flushall()
        await change(store, "00000001")
        assert (await event(response))[1]["numbers"] is None


async def test_running_sync_moves_at_the_foot(listen: Listen, records: SyncRecords) -> None:
    async with listen("/live") as response:
        running = SyncRecord(name=Sync.CARDS, state=SyncState.RUNNING, current=1, total=4)
        await records.write(running)
        name, foot = await event(response)
        assert name == "freshness"
        assert '<progress max="100" value="25"' in foot


async def test_sync_that_began_before_the_stream_was_open_is_told(
    listen: Listen, client: Client, records: SyncRecords
) -> None:
    page = await (await client.get("/cases")).text()
    revision = re.search(r'data-revision="(\d+)"', page)
    assert revision
    await records.write(SyncRecord(name=Sync.CARDS, state=SyncState.RUNNING, current=1, total=4))
    async with listen(f"/live?revision={revision[1]}") as response:
        name, foot = await event(response)
        assert name == "freshness"
        assert '<progress max="100" value="25"' in foot


async def test_process_stops_although_pages_are_open(client: Client, listen: Listen) -> None:
    async with listen("/live") as response:
        async with asyncio.timeout(3):
            await client.server.close()
            assert await response.content.read() == b""


async def test_page_that_comes_while_the_process_stops_does_not_hold_it_up(
    client: Client, listen: Listen
) -> None:
    await live.closing(client.server.app)
    async with listen("/live") as response, asyncio.timeout(3):
        assert await response.content.read() == b""


# Who may listen, and for how long


@pytest.fixture
async def closed(serve: Serve, configure: Configure) -> Client:
    """A web process with a login."""
    return await serve(configure(page_rate=100_000))


@pytest.fixture
def tokens(redis: Redis) -> Tokens:
    """The tokens as the command line has them."""
    return Tokens(redis, Keys())


async def ended(response: ClientResponse) -> float:
    """Wait for the end of a stream; return how many seconds it took."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.timeout(4 * live.LOOK):
        await response.content.read()
    return loop.time() - begun


async def test_stream_ends_soon_after_its_token_is_revoked(closed: Client, tokens: Tokens) -> None:
    _, secret = await tokens.create("a script", Role.VIEWER)
    async with closed.get("/live", headers={"Authorization": f"Bearer {secret}"}) as response:
        assert response.status == 200
        await tokens.revoke("a script")
        assert await ended(response) < 2 * live.LOOK


async def test_stream_ends_soon_after_its_token_expires(closed: Client, tokens: Tokens) -> None:
    _, secret = await tokens.create("a script", Role.VIEWER, days=1 / 86_400)
    async with closed.get("/live", headers={"Authorization": f"Bearer {secret}"}) as response:
        assert response.status == 200
        assert await ended(response) < 1 + 2 * live.LOOK


async def test_stream_ends_soon_after_its_session(
    closed: Client, redis: Redis, configure: Configure
) -> None:
    sessions = Sessions.of(configure(), redis)
    identity = await sessions.begin("boss", email="boss@example.com")
    session = await sessions.find(identity)
    assert session is not None
    async with closed.get("/live", headers={"Cookie": f"t5g={identity}"}) as response:
        assert response.status == 200
        await sessions.end(session)
        assert await ended(response) < 2 * live.LOOK


async def test_stream_ends_soon_after_its_role(
    closed: Client, redis: Redis, configure: Configure, team_file: Path
) -> None:
    identity = await Sessions.of(configure(), redis).begin("boss", email="boss@example.com")
    async with closed.get("/live", headers={"Cookie": f"t5g={identity}"}) as response:
        assert response.status == 200
        fresh = team_file.with_suffix(".new")
        fresh.write_text("[roles.admin]\npeople = []\n")
        fresh.replace(team_file)
        assert await ended(response) < 4 * live.LOOK


async def test_one_viewer_has_some_places_and_others_have_theirs(
    closed: Client, tokens: Tokens
) -> None:
    _, greedy = await tokens.create("greedy", Role.VIEWER)
    _, modest = await tokens.create("modest", Role.VIEWER)
    headers = {"Authorization": f"Bearer {greedy}"}
    async with contextlib.AsyncExitStack() as stack:
        open_ = [
            await stack.enter_async_context(closed.get("/live", headers=headers))
            for _ in range(live.MOST_OF_ONE)
        ]
        assert {response.status for response in open_} == {200}
        async with closed.get("/live", headers=headers) as refused:
            assert refused.status == 429
            assert int(refused.headers["Retry-After"]) >= 1
        async with closed.get("/live", headers={"Authorization": f"Bearer {modest}"}) as other:
            assert other.status == 200
        open_.pop().close()
        async with asyncio.timeout(10):
            while True:  # a page that was closed makes room at once, when the end is noticed
                async with closed.get("/live", headers=headers) as again:
                    if again.status == 200:
                        break


async def test_streams_that_nobody_listens_to_any_more_are_given_up(
    closed: Client, tokens: Tokens
) -> None:
    _, secret = await tokens.create("a script", Role.VIEWER)
    for _ in range(3):
        async with closed.get("/live", headers={"Authorization": f"Bearer {secret}"}) as response:
            assert response.status == 200
    assert closed.app is not None
    async with asyncio.timeout(4 * live.LOOK):
        while closed.app[live.FOLLOWER].listeners:
            await asyncio.sleep(0.05)


async def test_while_redis_is_away_a_stream_of_somebody_known_ends(
    serve: Serve, configure: Configure, own_redis: OwnRedis
) -> None:
    own_redis.start()
    client = await serve(configure(redis_url=own_redis.url))
    redis = open_redis(own_redis.url)
    _, secret = await Tokens(redis, Keys()).create("a script", Role.VIEWER)
    await redis.aclose()
    async with client.get("/live", headers={"Authorization": f"Bearer {secret}"}) as response:
        assert response.status == 200
        own_redis.kill()
        async with asyncio.timeout((live.BLIND + 2) * 2 * live.LOOK):
            await response.content.read()
