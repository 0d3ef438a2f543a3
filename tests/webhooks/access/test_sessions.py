"""Sessions: how they begin, last and end, on a clock of our own."""

import msgspec
import pytest
from redis.asyncio import Redis

from t5g.keys import Keys
from webhooks.access.limits import Limit, TooManyError
from webhooks.access.sessions import Sessions

IDLE, ABSOLUTE = 3600.0, 4 * 3600.0


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(redis: Redis, clock: Clock) -> Sessions:
    return Sessions(redis, Keys(), idle=IDLE, absolute=ABSOLUTE, clock=clock)


async def test_session_is_found_by_its_id_only(sessions: Sessions, redis: Redis) -> None:
    identity = await sessions.begin("ann", email="ann@example.com")
    found = await sessions.find(identity)
    assert found is not None
    assert found.person == "ann"
    assert await sessions.find(found.key) is None, "what is kept opens nothing"
    names = b" ".join([name async for name in redis.scan_iter()])
    assert identity.encode() not in names


async def test_session_without_requests_ends(sessions: Sessions, clock: Clock) -> None:
    identity = await sessions.begin("ann")
    clock.now += IDLE - 1
    assert await sessions.find(identity) is not None
    clock.now += IDLE - 1
    assert await sessions.find(identity) is not None, "each request makes it last"
    clock.now += IDLE
    assert await sessions.find(identity) is None


async def test_session_ends_in_the_end(sessions: Sessions, clock: Clock) -> None:
    identity = await sessions.begin("ann")
    for _ in range(4):
        clock.now += IDLE * 0.9
        assert await sessions.find(identity) is not None
    clock.now += IDLE * 0.5
    assert await sessions.find(identity) is None


async def test_redis_forgets_ended_sessions_by_itself(sessions: Sessions, redis: Redis) -> None:
    identity = await sessions.begin("ann")
    found = await sessions.find(identity)
    assert found is not None
    assert 0 < await redis.ttl(f"t5g:session:{found.key}") <= IDLE


async def test_ended_session_does_not_come_back(sessions: Sessions, clock: Clock) -> None:
    identity = await sessions.begin("ann")
    found = await sessions.find(identity)
    assert found is not None
    assert await sessions.end(found)
    assert not await sessions.end(found)
    clock.now += 120
    assert await sessions.find(identity) is None
    assert not await sessions.alive(found.key)


async def test_all_sessions_of_an_account_end_together(sessions: Sessions) -> None:
    mine = [await sessions.begin(f"_{n}", email="Ann@example.com") for n in range(3)]
    other = await sessions.begin("bob")
    assert await sessions.end_all_of("ann@example.com") == 3
    assert [await sessions.find(one) for one in mine] == [None] * 3
    assert await sessions.find(other) is not None


@pytest.mark.parametrize(
    ("person", "indexes", "left"),
    [
        ("_1", (), ["bob"]),
        ("ann@example.com", (), ["bob"]),
        ("_1", ("i",), ["_2", "bob"]),
        ("ann@example.com", ("i",), ["bob"]),
        ("_1", ("j",), ["_1", "_2", "bob"]),
        ("_3", (), ["_1", "_2", "bob"]),
        ("bob", ("i", "k"), ["_1", "_2"]),
    ],
)
async def test_the_provider_ends_what_it_names(
    sessions: Sessions, person: str, indexes: tuple[str, ...], left: list[str]
) -> None:
    for name in ("_1", "_2"):
        await sessions.begin(name, email="ann@example.com", index="i")
    await sessions.begin("bob", index="k")
    await sessions.end_named(person, indexes)
    assert sorted(one.person for one in await sessions.list_all()) == left


async def test_list_has_the_living_only(sessions: Sessions, clock: Clock) -> None:
    await sessions.begin("ann")
    clock.now += 10
    second = await sessions.begin("bob")
    found = await sessions.find(second)
    assert [one.person for one in await sessions.list_all()] == ["bob", "ann"]
    assert found is not None
    await sessions.end(found)
    assert [one.person for one in await sessions.list_all()] == ["ann"]


def test_limit_gives_back_with_time() -> None:
    clock = Clock()
    limit = Limit(60, 3, clock)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyError) as caught:
        limit.take("a")
    assert caught.value.after == 1
    limit.take("b")
    clock.now += 1
    limit.take("a")
    with pytest.raises(TooManyError):
        limit.take("a")


def test_limit_forgets_the_oldest_when_there_are_too_many() -> None:
    clock = Clock()
    limit = Limit(60, 1, clock)
    for n in range(20_010):
        limit.take(str(n))
    assert len(limit._left) <= 20_000


async def test_a_session_that_began_in_the_future_ends(sessions: Sessions, clock: Clock) -> None:
    clock.now += 31 * 86_400
    identity = await sessions.begin("ann")
    clock.now -= 31 * 86_400
    assert await sessions.find(identity) is None
    assert await sessions.list_all() == []


async def test_a_good_session_that_was_seen_in_the_future_lives_as_long_as_others(
    sessions: Sessions, clock: Clock, redis: Redis
) -> None:
    identity = await sessions.begin("ann")
    found = await sessions.find(identity)
    assert found is not None
    ahead = msgspec.structs.replace(found, seen=clock.now + 31 * 86_400)
    await redis.set(f"t5g:session:{found.key}", msgspec.json.encode(ahead), ex=31 * 86_400)
    found = await sessions.find(identity)
    assert found is not None
    assert found.seen == clock.now
    assert await redis.ttl(f"t5g:session:{found.key}") <= IDLE
    clock.now += IDLE + 1
    assert await sessions.find(identity) is None
