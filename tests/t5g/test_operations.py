"""What RQ's records say of queues, workers and failed jobs, also where they are not whole."""

from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.operations import Operations

ENDED = "2026-11-24T12:00:00Z"


async def test_failed_jobs_come_newest_first_and_without_those_that_are_gone(redis: Redis) -> None:
    for n, (job_id, facts) in enumerate({
        "sync-cases": {"description": "sync cases", "ended_at": "2026-11-24T11:00:00Z"},
        "sync-cards": {"description": "sync cards", "ended_at": ENDED},
        "sync-bugs": {"description": "sync bugs", "ended_at": "soon"},
    }.items()):  # fmt: skip
        await redis.zadd("t5g:rq:failed:default", {job_id: n})
        await redis.hset(f"t5g:rq:job:{job_id}", mapping=facts)
    await redis.zadd("t5g:rq:failed:default", {"gone": 9})
    found = await Operations(redis, Keys()).failed()
    assert [(job.id, job.description) for job in found] == [
        ("sync-cards", "sync cards"), ("sync-cases", "sync cases"), ("sync-bugs", "sync bugs"),
    ]  # fmt: skip
    assert found[-1].ended is None, "a time that can not be read is not known"


async def test_a_worker_whose_record_ended_is_not_listed(redis: Redis) -> None:
    await redis.sadd("t5g:rq:workers", "t5g:rq:worker:here", "t5g:rq:worker:gone")
    await redis.hset("t5g:rq:worker:here", mapping={"state": "busy", "birth": ENDED})
    [worker] = await Operations(redis, Keys()).workers()
    assert (worker.name, worker.state, worker.done, worker.seen) == ("here", "busy", 0, None)


async def test_the_front_of_a_queue_says_how_long_it_waits(redis: Redis) -> None:
    await redis.rpush("t5g:rq:queue:high", "first", "second")
    await redis.hset("t5g:rq:job:first", mapping={"enqueued_at": ENDED})
    high, *others = await Operations(redis, Keys()).queues()
    assert (high.name, high.waiting, high.oldest) == ("high", 2, 1_795_521_600.0)
    assert {queue.oldest for queue in others} == {None}
