import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from t5g import lifeline

PARENT = """
import subprocess, sys, time
from signal import Signals
from t5g.lifeline import tied
child = subprocess.Popen(tied([sys.executable, "-c", sys.argv[1]], Signals(int(sys.argv[2]))))
print(child.pid, flush=True)
time.sleep(60)
"""
SLEEP = "import time; time.sleep(60)"


def until(true: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def start_parent(code: str, on_death: signal.Signals) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, code, str(int(on_death))], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def test_child_dies_with_a_killed_parent() -> None:
    parent, child = start_parent(SLEEP, signal.SIGKILL)
    assert lifeline.alive(child)
    parent.kill()
    parent.wait()
    until(lambda: not lifeline.alive(child), "the child ends")


def test_child_gets_the_signal_that_was_asked_for(tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = (
        "import signal, pathlib, sys, time\n"
        f"said = pathlib.Path({str(said)!r})\n"
        "def bye(*_): said.write_text('bye'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, bye)\n"
        "said.write_text('hello')\n"
        "time.sleep(60)"
    )
    parent, child = start_parent(code, signal.SIGTERM)
    until(said.exists, "the child handles signals")
    parent.kill()
    parent.wait()
    until(lambda: said.read_text() == "bye", "the child says good-bye")
    until(lambda: not lifeline.alive(child), "the child ends")


def test_child_of_a_parent_that_died_before_it_asked_does_not_run() -> None:
    orphan = subprocess.run(
        [sys.executable, "-I", "-S", lifeline.__file__, "1", "9", "echo", "alive"],
        capture_output=True,
    )
    assert orphan.returncode == 111
    assert orphan.stdout == b""


def test_program_that_does_not_exist_is_named() -> None:
    failed = subprocess.run(lifeline.tied(["/no/such/program"]), capture_output=True, text=True)
    assert failed.returncode == 1
    assert "can not run /no/such/program: No such file" in failed.stderr


def test_session_is_killed_with_all_that_it_started() -> None:
    leader = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"], start_new_session=True)
    until(lambda: len(lifeline.session_members(leader.pid)) == 3, "both sleeps run")
    members = lifeline.session_members(leader.pid)
    lifeline.kill_session(leader.pid)
    leader.wait()
    until(lambda: not any(map(lifeline.alive, members)), "the whole session ends")


def test_processes_are_found_by_program_and_folder(tmp_path: Path) -> None:
    name = Path(os.path.realpath("/bin/sleep")).name
    here = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    elsewhere = subprocess.Popen(["sleep", "60"], cwd="/")
    try:
        until(lambda: lifeline.working_in(tmp_path, [name]) == [here.pid], "only ours is found")
        assert lifeline.working_in(tmp_path, ["redis-server"]) == []
    finally:
        for process in (here, elsewhere):
            process.kill()
            process.wait()


def test_end_kills_who_does_not_listen() -> None:
    code = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
    deaf = subprocess.Popen(["sh", "-c", code], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    lifeline.end([deaf.pid], 0.2)
    assert deaf.wait(5) == -signal.SIGKILL


def test_end_of_nobody_is_no_error() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lifeline.end([gone.pid], 0.1)
    assert not lifeline.alive(gone.pid)


def test_when_a_process_began_is_known_while_it_is_there() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        began = lifeline.started(child.pid)
        assert began - lifeline.started(os.getpid()) >= 0
        child.kill()
        child.wait()
    assert lifeline.started(child.pid) == 0.0
