import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from t5g.lifeline import alive
from t5g.supervisor import QUIET, Child, LogFiles, Pace, State, Status, Supervisor, free_port

FAST = Pace(restart=0.05, longest_restart=0.2, healthy=0.4, grace=0.5, probe=0.01, slow=0.1)
SLEEP = ("sleep", "60")
DEAF = ("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done")


class Watcher:
    """Remembers what a supervisor tells."""

    def __init__(self) -> None:
        self.told: list[Status] = []
        self.lines: list[tuple[str, str]] = []

    def line(self, name: str, text: str) -> None:
        self.lines.append((name, text))

    def states(self, name: str) -> list[State]:
        return [status.state for status in self.told if status.name == name]

    def first(self, state: State, name: str = "it") -> Status:
        return next(s for s in self.told if s.state == state and s.name == name)


async def until(true: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*children: Child, pace: Pace = FAST) -> AsyncIterator[tuple[Supervisor, Watcher]]:
    """Run a supervisor around the block; it has stopped after it."""
    watcher = Watcher()
    supervisor = Supervisor(
        children, on_status=watcher.told.append, on_line=watcher.line, pace=pace
    )
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, watcher
    finally:
        supervisor.stop()
        await asyncio.wait_for(task, 20)


async def test_child_is_started_and_stopped() -> None:
    async with running(Child("it", SLEEP)) as (supervisor, watcher):
        await asyncio.wait_for(supervisor.wait_ready(), 10)
        pid = supervisor.pids()["it"]
        assert alive(pid)
    assert not alive(pid)
    assert watcher.states("it") == [State.STARTED, State.STOPPED]
    assert watcher.first(State.STOPPED).code == -signal.SIGTERM


async def test_child_that_dies_is_told_and_started_again() -> None:
    async with running(Child("it", ("sh", "-c", "echo why; exit 3"))) as (_, watcher):
        await until(lambda: watcher.states("it").count(State.STARTED) > 1, "a second start")
        died = watcher.first(State.DIED)
        assert (died.code, died.detail) == (3, "why")
        assert watcher.states("it")[:4] == [
            State.STARTED,
            State.DIED,
            State.RESTARTING,
            State.STARTED,
        ]


async def test_pauses_between_restarts_grow_to_a_limit() -> None:
    pace = Pace(restart=0.05, longest_restart=0.2)
    async with running(Child("it", ("false",)), pace=pace) as (_, watcher):
        await until(lambda: watcher.states("it").count(State.RESTARTING) == 5, "five restarts")
    pauses = [s.seconds for s in watcher.told if s.state == State.RESTARTING]
    assert pauses[:5] == [0.05, 0.1, 0.2, 0.2, 0.2]


async def test_child_that_ran_well_restarts_quickly_again() -> None:
    async with running(Child("it", ("sleep", "0.5"))) as (_, watcher):
        await until(lambda: watcher.states("it").count(State.RESTARTING) == 2, "two restarts")
    assert {s.seconds for s in watcher.told if s.state == State.RESTARTING} == {0.05}


async def test_program_that_does_not_exist_is_named() -> None:
    async with running(Child("it", ("/no/such/program",))) as (_, watcher):
        await until(lambda: State.DIED in watcher.states("it"), "its death")
        assert "can not run /no/such/program" in str(watcher.first(State.DIED))


async def test_killed_child_is_told_with_its_signal() -> None:
    async with running(Child("it", SLEEP)) as (supervisor, watcher):
        await asyncio.wait_for(supervisor.wait_ready(), 10)
        os.kill(supervisor.pids()["it"], signal.SIGKILL)
        await until(lambda: State.DIED in watcher.states("it"), "its death")
        assert str(watcher.first(State.DIED)) == "it           died: killed by SIGKILL"


async def test_what_a_dead_child_had_started_dies_too() -> None:
    child = Child("it", ("sh", "-c", "sleep 60 & echo $!; wait"))
    async with running(child) as (supervisor, watcher):
        await until(lambda: watcher.lines, "the grandchild's process id")
        grandchild = int(watcher.lines[0][1])
        os.kill(supervisor.pids()["it"], signal.SIGKILL)
        await until(lambda: not alive(grandchild), "the grandchild's end")


async def test_all_stop_in_reverse_order() -> None:
    names = ("one", "two", "three")
    async with running(*(Child(name, SLEEP) for name in names)) as (supervisor, watcher):
        await asyncio.wait_for(supervisor.wait_ready(), 10)
    stopped = [status.name for status in watcher.told if status.state == State.STOPPED]
    assert stopped == ["three", "two", "one"]


async def test_child_that_does_not_listen_is_killed_after_the_grace() -> None:
    async with running(Child("it", DEAF)) as (_, watcher):
        await until(lambda: watcher.lines, "it is deaf")
        began = time.monotonic()
    assert 0.5 <= time.monotonic() - began < 5
    assert watcher.first(State.STOPPED).code == -signal.SIGKILL


async def test_second_stop_kills_at_once() -> None:
    slow = Pace(grace=60)
    async with running(Child("it", DEAF), pace=slow) as (supervisor, watcher):
        await until(lambda: watcher.lines, "it is deaf")
        supervisor.stop()
    assert watcher.first(State.STOPPED).code == -signal.SIGKILL


async def test_stop_does_not_wait_for_a_restart() -> None:
    patient = Pace(restart=60, longest_restart=60)
    async with running(Child("it", ("false",)), pace=patient) as (_, watcher):
        await until(lambda: State.RESTARTING in watcher.states("it"), "its death")
        began = time.monotonic()
    assert time.monotonic() - began < 5


async def test_probe_decides_when_a_child_is_ready() -> None:
    is_up = False

    async def probe() -> bool:
        if not is_up:
            raise ConnectionError("refused")
        return True

    async with running(Child("it", SLEEP, ready=probe)) as (supervisor, watcher):
        await until(lambda: State.SLOW in watcher.states("it"), "it is told to be slow")
        assert State.READY not in watcher.states("it")
        is_up = True
        await asyncio.wait_for(supervisor.wait_ready(), 10)
        assert watcher.states("it") == [State.STARTED, State.SLOW, State.READY]


async def test_url_is_a_probe(free_tcp_port: int, tmp_path: Path) -> None:
    argv = (sys.executable, "-m", "http.server", str(free_tcp_port), "--bind", "127.0.0.1")
    server = Child("it", (*argv, "-d", tmp_path), ready=f"http://127.0.0.1:{free_tcp_port}/")
    async with running(server, pace=Pace()) as (supervisor, watcher):
        await asyncio.wait_for(supervisor.wait_ready(), 10)
        assert watcher.states("it") == [State.STARTED, State.READY]


async def test_others_wait_for_the_first() -> None:
    gate = asyncio.Event()

    async def probe() -> bool:
        return gate.is_set()

    children = (Child("first", SLEEP, ready=probe, first=True), Child("other", SLEEP))
    async with running(*children) as (supervisor, watcher):
        await until(lambda: State.SLOW in watcher.states("first"), "the first is slow")
        assert "other" not in supervisor.pids()
        gate.set()
        await until(lambda: "other" in supervisor.pids(), "the other starts")
        assert watcher.states("first")[-1] == State.READY


async def test_stop_while_others_wait_for_the_first() -> None:
    async def never() -> bool:
        return False

    children = (Child("first", SLEEP, ready=never, first=True), Child("other", SLEEP))
    async with running(*children) as (supervisor, watcher):
        await until(lambda: "first" in supervisor.pids(), "the first starts")
    assert watcher.states("other") == []


async def test_lines_are_told_with_the_name_of_their_child() -> None:
    code = "echo out; echo err >&2; printf unfinished; exec sleep 0.01"
    async with running(Child("it", ("sh", "-c", code))) as (_, watcher):
        await until(lambda: State.DIED in watcher.states("it"), "its end")
        assert watcher.lines[:3] == [("it", "out"), ("it", "err"), ("it", "unfinished")]


async def test_endless_line_does_not_stop_the_others() -> None:
    code = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo after; exec sleep 60"
    async with running(Child("it", ("sh", "-c", code))) as (_, watcher):
        await until(lambda: ("it", "after") in watcher.lines, "the line after it")
    assert sum(len(text) for _, text in watcher.lines) == 300_000 + len("after")


async def test_environment_is_added_to() -> None:
    code = 'echo "$T5G_TEST_WORD $PATH"; exec sleep 60'
    child = Child("it", ("sh", "-c", code), env={"T5G_TEST_WORD": "hello"})
    async with running(child) as (_, watcher):
        await until(lambda: watcher.lines, "a line")
        assert watcher.lines == [("it", f"hello {os.environ['PATH']}")]


MAIN = """
import asyncio, sys
from t5g.supervisor import QUIET, Child, Supervisor
sleepers = [Child(name, ("sh", "-c", "echo up; sleep 60")) for name in ("one", "two")]
supervisor = Supervisor(
    sleepers,
    on_status=lambda status: print(status, flush=True),
    on_line=lambda name, line: print("pids", *supervisor.pids().values(), flush=True),
)
asyncio.run(supervisor.run())
"""


def start_main() -> tuple[subprocess.Popen[str], list[int]]:
    main = subprocess.Popen([sys.executable, "-c", MAIN], stdout=subprocess.PIPE, text=True)
    assert main.stdout is not None
    for line in main.stdout:
        word, *pids = line.split()
        if word == "pids" and len(pids) == 2:
            return main, [int(pid) for pid in pids]
    raise AssertionError("the supervisor ended before its children ran")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_all_and_ends_cleanly(number: signal.Signals) -> None:
    main, pids = start_main()
    main.send_signal(number)
    output, _ = main.communicate(timeout=20)
    assert main.returncode == 0
    assert [line for line in output.splitlines() if line.endswith("stopped")] == [
        "two          stopped",
        "one          stopped",
    ]
    assert not any(map(alive, pids))


async def test_killed_supervisor_leaves_no_children() -> None:
    main, pids = start_main()
    main.kill()
    main.wait()
    await until(lambda: not any(map(alive, pids)), "all children end")


async def test_log_files_take_each_childs_lines(tmp_path: Path) -> None:
    log = LogFiles(tmp_path / "logs")
    log("web", "one")
    log("web", "two ü")
    log("worker", "three")
    assert (tmp_path / "logs" / "web.log").read_text("utf-8") == "one\ntwo ü\n"
    assert (tmp_path / "logs" / "worker.log").read_text("utf-8") == "three\n"


def test_log_files_do_not_grow_for_ever(tmp_path: Path) -> None:
    log = LogFiles(tmp_path, limit=100)
    for count in range(100):
        log("web", f"line {count}")
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert sizes.keys() == {"web.log", "web.log.1"}
    assert max(sizes.values()) < 120


def test_log_files_are_their_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o755)
    for name in ("web.log", "bot.log.1"):
        (folder / name).touch(0o644)
    LogFiles(folder)("web", "one")
    LogFiles(folder)("worker", "one")
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_full_disk_stops_nothing(tmp_path: Path) -> None:
    log = LogFiles(tmp_path)
    (tmp_path / "web.log").mkdir()
    log("web", "lost")


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which something listens."""
    busy = socket.create_server(("127.0.0.1", 0))
    with busy:
        yield busy.getsockname()[1]


def test_free_port_is_the_preferred_one(free_tcp_port: int) -> None:
    assert free_port(free_tcp_port) == free_tcp_port


def test_busy_port_gives_way_to_the_next(listening: int) -> None:
    assert listening < free_port(listening) <= listening + 100


def test_port_busy_on_all_addresses_is_busy() -> None:
    with socket.create_server(("0.0.0.0", 0)) as busy:
        port = busy.getsockname()[1]
        assert free_port(port) != port


def test_promised_port_is_not_given_twice(free_tcp_port: int) -> None:
    assert free_port(free_tcp_port, taken={free_tcp_port}) != free_tcp_port


def test_no_free_port_is_said(listening: int) -> None:
    with pytest.raises(OSError, match=f"no free port on 127.0.0.1 from {listening}"):
        free_port(listening, tries=1)


def test_zero_is_any_port_that_no_connection_takes_meanwhile() -> None:
    assert {free_port(0) in QUIET for _ in range(20)} == {True}
    port = free_port(0)
    with socket.create_server(("127.0.0.1", port)):
        other = free_port(0)
        assert other != port
        assert free_port(0, taken={*QUIET} - {port, other}, tries=len(QUIET)) == other


async def test_a_renewed_child_starts_at_once_and_the_others_go_on() -> None:
    async with running(Child("it", SLEEP), Child("other", SLEEP)) as (supervisor, watcher):
        await until(lambda: len(supervisor.pids()) == 2, "both run")
        before = supervisor.pids()
        await supervisor.renew({"it"})
        await until(lambda: supervisor.pids().get("it", before["it"]) != before["it"], "it is new")
        assert supervisor.pids()["other"] == before["other"]
        assert State.RENEWED in watcher.states("it")
        assert State.DIED not in watcher.states("it")


async def test_a_child_that_hears_nothing_is_renewed_all_the_same() -> None:
    async with running(Child("it", DEAF)) as (supervisor, watcher):
        await until(lambda: watcher.lines, "it is deaf")
        before = supervisor.pids()["it"]
        await supervisor.renew({"it"})
        await until(lambda: supervisor.pids().get("it", before) != before, "it is new")


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status("web", State.STARTED, pid=7), "web          started (process 7)"),
        (Status("web", State.READY, seconds=1.25), "web          ready after 1.2 s"),
        (Status("web", State.SLOW, seconds=30.4), "web          not ready yet after 30 s"),
        (Status("web", State.DIED, code=3), "web          died: exit code 3"),
        (Status("web", State.DIED, code=3, detail="why"), "web          died: exit code 3: why"),
        (Status("web", State.DIED, code=-9), "web          died: killed by SIGKILL"),
        (Status("web", State.DIED, code=-77), "web          died: killed by signal 77"),
        (Status("web", State.DIED), "web          died: it can not be started"),
        (Status("web", State.RESTARTING, seconds=0.5), "web          restarting in 0.5 s"),
        (Status("web", State.STOPPED), "web          stopped"),
        (Status("web", State.RENEWED), "web          starts anew"),
    ],
)
def test_each_thing_that_happens_to_a_child_is_told_in_a_line(status: Status, line: str) -> None:
    assert str(status) == line


async def test_a_child_that_can_not_be_started_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine has no processes, memory or descriptors left; later it has."""
    real, refusals = asyncio.create_subprocess_exec, [OSError("no process left")] * 2

    async def start(*args: Any, **options: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return await real(*args, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    async with running(Child("it", SLEEP)) as (supervisor, watcher):
        await asyncio.wait_for(supervisor.wait_ready(), 10)
    assert watcher.states("it")[:5] == [
        State.DIED, State.RESTARTING, State.DIED, State.RESTARTING, State.STARTED
    ]  # fmt: skip
    died = watcher.first(State.DIED)
    assert (died.code, died.detail) == (None, "no process left")


async def test_a_child_that_does_not_run_is_not_renewed() -> None:
    async with running(Child("it", ("sh", "-c", "exit 3")), pace=Pace(restart=60)) as (
        supervisor,
        watcher,
    ):
        await until(lambda: State.RESTARTING in watcher.states("it"), "its death")
        await supervisor.renew({"it"})
        assert State.RENEWED not in watcher.states("it")


@pytest.mark.parametrize(
    ("port", "host", "why"),
    [(65_536, "127.0.0.1", "no free port"), (8080, "192.0.2.1", "assign")],
)
def test_a_port_that_can_not_be_had_is_said(port: int, host: str, why: str) -> None:
    with pytest.raises(OSError, match=why):
        free_port(port, host=host)


def test_a_port_that_this_user_may_not_have_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Guarded(socket.socket):
        def bind(self, address: Any) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Guarded)
    with pytest.raises(OSError, match="this user may not listen on port 443"):
        free_port(443)
