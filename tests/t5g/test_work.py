"""Work is asked for by name, at most once at a time, below the installation's own prefix."""

import subprocess
import sys

import pytest
from redis import Redis

from t5g import work
from t5g.errors import NotFoundError, RefusedError, SettingsError
from t5g.keys import Keys
from t5g.settings import load_settings
from t5g.work import (
    Asked,
    drop_job,
    enqueue,
    load_rq,
    request_sync,
    retry_job,
    rq_prefix,
    sync_job_id,
)

JOB = "workers.jobs.sync"


@pytest.fixture
def redis(redis_url):
    with Redis.from_url(redis_url) as client:
        yield client


def queued(redis, queue="default", prefix="t5g:"):
    return [raw.decode() for raw in redis.lrange(f"{prefix}rq:queue:{queue}", 0, -1)]


def test_a_job_lands_in_its_queue(redis, redis_url):
    settings = load_settings(env={"redis_url": redis_url})
    assert enqueue(settings, JOB, "cases", queue="low", job_id="sync-cases") is Asked.QUEUED
    assert queued(redis, "low") == ["sync-cases"]


def test_every_key_lies_below_the_prefix(redis):
    enqueue(redis, JOB, "cases", job_id="sync-cases", attempts=(1, 2))
    enqueue(redis, JOB, "cards")
    assert all(key.startswith(b"t5g:") for key in redis.scan_iter())


def test_asking_again_joins(redis):
    assert enqueue(redis, JOB, "cases", job_id="sync-cases") is Asked.QUEUED
    assert enqueue(redis, JOB, "cases", job_id="sync-cases", queue="high") is Asked.JOINED
    assert queued(redis) == ["sync-cases"]
    assert queued(redis, "high") == []


def test_without_an_id_each_is_its_own(redis):
    assert enqueue(redis, JOB, "cases") is Asked.QUEUED
    assert enqueue(redis, JOB, "cases") is Asked.QUEUED
    assert len(queued(redis)) == 2


@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "canceled", "scheduled"])
def test_a_job_that_ended_or_waits_for_its_next_attempt_makes_way(redis, status):
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    redis.delete("t5g:rq:queue:default")
    redis.hset("t5g:rq:job:sync-cases", "status", status)
    assert enqueue(redis, JOB, "cases", job_id="sync-cases") is Asked.QUEUED
    assert queued(redis) == ["sync-cases"]
    assert redis.hget("t5g:rq:job:sync-cases", "status") == b"queued"


def test_a_failed_job_whose_attempt_left_no_record_makes_way(redis):
    load_rq("t5g:")
    from rq.executions import Execution
    from rq.job import Job, JobStatus

    enqueue(redis, JOB, "cases", job_id="sync-cases")
    job = Job.fetch("sync-cases", connection=redis)
    with redis.pipeline() as pipe:
        attempt = Execution.create(job, 100, pipeline=pipe, worker_name="gone")
        pipe.execute()
    redis.delete(attempt.key)  # it ends by its time to live; the list of attempts does not
    redis.delete("t5g:rq:queue:default")
    job.set_status(JobStatus.FAILED)
    assert enqueue(redis, JOB, "cases", job_id="sync-cases") is Asked.QUEUED
    assert queued(redis) == ["sync-cases"]


def test_a_job_that_ends_while_it_is_looked_at_makes_way(redis, monkeypatch):
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    find = work._find

    def ends_then(*asked):
        found = find(*asked)
        redis.delete("t5g:rq:queue:default", "t5g:rq:job:sync-cases")
        return found

    monkeypatch.setattr(work, "_find", ends_then)
    assert enqueue(redis, JOB, "cases", job_id="sync-cases") is Asked.QUEUED
    assert queued(redis) == ["sync-cases"]
    with pytest.raises(RefusedError, match="it is gone"):
        retry_job(redis, Keys(), "sync-cases")


def test_a_late_sign_of_life_of_a_job_that_is_gone_blocks_nothing(redis):
    redis.hset("t5g:rq:job:sync-cases", "last_heartbeat", "2026-11-29T08:45:37.200000Z")
    assert request_sync(redis, Keys(), "cases", "ann") is Asked.QUEUED
    assert queued(redis, "high") == ["sync-cases"]
    assert redis.hget("t5g:rq:job:sync-cases", "status") == b"queued"


def test_a_running_job_is_joined(redis):
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    redis.delete("t5g:rq:queue:default")
    redis.hset("t5g:rq:job:sync-cases", "status", "started")
    assert enqueue(redis, JOB, "cases", job_id="sync-cases") is Asked.JOINED


@pytest.mark.parametrize("bad", [object(), [1], {"a": 1}, b"x"])
def test_a_job_takes_no_objects(redis, bad):
    with pytest.raises(TypeError, match=JOB):
        enqueue(redis, JOB, bad)


def test_a_sync_is_asked_for_by_name(redis):
    keys = Keys()
    assert request_sync(redis, keys, "cards", "U123") is Asked.QUEUED
    assert request_sync(redis, keys, "cards", "U456") is Asked.JOINED
    assert request_sync(redis, keys, "all", "U123") is Asked.QUEUED
    assert queued(redis, "high") == [sync_job_id("cards"), sync_job_id("all")]
    with pytest.raises(ValueError, match="nonsense"):
        request_sync(redis, keys, "nonsense", "U123")


def test_one_process_serves_one_installation():
    load_rq("t5g:")
    with pytest.raises(RuntimeError, match="other:rq"):
        load_rq("other:")
    load_rq("t5g:")


def test_a_prefix_that_rq_refuses_is_a_mistake_in_the_settings():
    code = "from t5g.work import load_rq; load_rq('a b:')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert SettingsError.__name__ in done.stderr
    assert "T5G_REDIS_PREFIX" in done.stderr


def test_two_installations_on_one_redis_do_not_collide(redis, redis_url):
    code = (
        "import sys; from t5g.settings import load_settings; from t5g.work import enqueue\n"
        "s = load_settings(env={'redis_url': sys.argv[1], 'redis_prefix': sys.argv[2]})\n"
        f"print(enqueue(s, '{JOB}', 'cases', job_id='sync-cases'))"
    )
    for prefix in ("one:", "two:"):
        argv = [sys.executable, "-c", code, redis_url, prefix]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "queued"
        assert queued(redis, prefix=prefix) == ["sync-cases"]
    assert all(key.startswith((b"one:", b"two:")) for key in redis.scan_iter())
    assert rq_prefix("one:") == "one:rq"


def test_a_job_that_runs_is_not_dropped(redis):
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    redis.hset("t5g:rq:job:sync-cases", "status", "started")
    with pytest.raises(RefusedError, match="runs now"):
        drop_job(redis, Keys(), "sync-cases")
    redis.hset("t5g:rq:job:sync-cases", "status", "queued")
    drop_job(redis, Keys(), "sync-cases")
    assert not redis.exists("t5g:rq:job:sync-cases")
    with pytest.raises(NotFoundError):
        drop_job(redis, Keys(), "sync-cases")


def test_a_job_that_too_many_ask_for_at_once_is_left_to_them(redis, monkeypatch):
    """Each time it is out of the way, another has asked for it already."""
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    monkeypatch.setattr(work, "_out_of_the_way", lambda job: True)
    monkeypatch.setattr(work, "forget_remnant", lambda *_: None)
    with pytest.raises(work.Again, match="asked for by too many at once"):
        enqueue(redis, JOB, "cases", job_id="sync-cases")


def test_a_failed_job_that_somebody_else_asks_for_meanwhile_is_theirs(redis, monkeypatch):
    enqueue(redis, JOB, "cases", job_id="sync-cases")
    redis.hset("t5g:rq:job:sync-cases", "status", "failed")
    with pytest.raises(RefusedError, match="taken up by somebody else"):
        retry_job(redis, Keys(), "sync-cases")  # it is in no register of failed ones any more
