"""Redis behind Sentinels: clients and workers follow the master when it dies."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis as SyncRedis
from redis.exceptions import RedisError

from t5g.connection import open_queue_redis, open_redis
from t5g.embedded_redis import redis_executable
from t5g.errors import SettingsError
from t5g.keys import Keys
from t5g.logs import secrets_of
from t5g.sentinel import parse_sentinels
from t5g.settings import load_settings
from t5g.supervisor import free_port
from t5g.work import enqueue

PASSWORD = "planted-redis-not-secret"
WORK = """
import sys
from t5g.settings import load_settings
from workers.worker import run_worker
run_worker(load_settings(env={"redis_url": sys.argv[1]}))
"""


def test_an_address_is_read_whole() -> None:
    found = parse_sentinels(
        "rediss+sentinel://bot:p%40ss@one:1,two,[::1]/t5g/3?sentinel_password=other"
    )
    assert found is not None
    assert found.hosts == (("one", 1), ("two", 26379), ("::1", 26379))
    assert found.service == "t5g"
    assert found.options == {"ssl": True, "username": "bot", "password": "p@ss", "db": 3}
    assert found.sentinel_options == {"ssl": True, "password": "other"}


@pytest.mark.parametrize("url", ["redis://one/0", "unix:///x.sock", "rediss://one", ""])
def test_other_addresses_are_of_another_kind(url: str) -> None:
    assert parse_sentinels(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel:///t5g/0",
        "redis+sentinel://one",
        "redis+sentinel://one/t5g/x",
        "redis+sentinel://one:port/t5g",
    ],
)
def test_what_is_missing_is_said_with_an_example(url: str) -> None:
    with pytest.raises(SettingsError, match="T5G_REDIS_URL"):
        parse_sentinels(url)


def test_an_address_of_no_redis_is_said_as_a_setting() -> None:
    for opener in (open_redis, open_queue_redis):
        with pytest.raises(SettingsError, match="T5G_REDIS_URL"):
            opener("http://one/0")


def test_passwords_in_the_address_are_secrets() -> None:
    url = f"redis+sentinel://:{PASSWORD}@one/t5g?sentinel_password=planted-other-not-secret"
    found = secrets_of(load_settings(env={"redis_url": url}))
    assert {PASSWORD, "planted-other-not-secret"} <= set(found)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A master, its replica, and a Sentinel that watches them; gives the address and the master."""
    one, two, watcher = (free_port(0) for _ in range(3))
    binary = redis_executable()
    common = ["--save", "", "--bind", "127.0.0.1", "--requirepass", PASSWORD,
              "--masterauth", PASSWORD, "--repl-diskless-sync", "yes",
              "--repl-diskless-sync-delay", "0"]  # fmt: skip
    conf = tmp_path / "sentinel.conf"
    conf.write_text(
        f"port {watcher}\nbind 127.0.0.1\nsentinel monitor t5g 127.0.0.1 {one} 1\n"
        f"sentinel auth-pass t5g {PASSWORD}\nsentinel down-after-milliseconds t5g 400\n"
        "sentinel failover-timeout t5g 2000\n"
    )
    processes = []

    def run(*words: object) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(
            [binary, *map(str, words)], cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        processes.append(started)
        return started

    try:
        master = run("--port", one, *common)
        run("--port", two, "--replicaof", "127.0.0.1", one, *common)
        _until(lambda: _info(two)["master_link_status"] == "up")
        run(conf, "--sentinel")
        with SyncRedis(port=watcher) as asked:
            _until(lambda: asked.execute_command("SENTINEL", "REPLICAS", "t5g"))
        yield f"redis+sentinel://:{PASSWORD}@127.0.0.1:{watcher}/t5g/0", master
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _info(port: int) -> dict[str, str]:
    with SyncRedis(port=port, password=PASSWORD) as redis:
        return dict(redis.info("replication"))


def _until(found, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(RedisError, OSError, KeyError):
            if found():
                return
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


async def test_clients_and_workers_follow_the_master_when_it_dies(servers) -> None:
    url, master = servers
    redis = open_redis(url)
    await redis.set("t5g:before", "1")
    with contextlib.closing(open_queue_redis(url)) as raw:
        enqueue(raw, "tests.workers.doings.short", keys=Keys())
        await redis.execute_command("WAIT", 1, 2_000)
        master.kill()
        master.wait()
        async with asyncio.timeout(20):
            while True:
                try:
                    await redis.set("t5g:after", "1")
                    break
                except (RedisError, OSError):
                    await asyncio.sleep(0.1)
        assert await redis.get("t5g:before") == b"1"
        assert raw.get("t5g:after") == b"1"
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORK, url)
        try:
            async with asyncio.timeout(30):
                while not await redis.xlen("t5g:runs:ended"):
                    await asyncio.sleep(0.05)
            worker.terminate()
            async with asyncio.timeout(15):
                assert await worker.wait() == 0
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
    await redis.aclose()
