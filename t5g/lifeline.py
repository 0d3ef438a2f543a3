"""Ties a child process to its parent's life, and finds what a dead process left behind (Linux).

`tied(argv)` is a command line that runs `argv` so that the kernel signals it when its parent dies,
in whatever way. Asking the kernel must happen in the child, and Python code between fork and exec
is not safe in a process with threads: so this very file, run as a script, asks and then becomes
the program. It imports the standard library only and knows nothing of what it runs.

The kernel means the *thread* that started the child: start children from a thread that lives as
long as the process.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_ORPHANED = 111


def tied(argv: Sequence[str | Path], on_death: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return the command line that runs `argv` until it ends or this process dies.

    `on_death` is the signal that the program gets when this process is gone.
    """
    # -I -S: neither the environment nor site-packages can slow the start or take part in it.
    launcher = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(on_death))]
    return [*launcher, *map(str, argv)]


def die_with_parent(parent: int, on_death: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process `on_death` when `parent`, its parent process, dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(on_death), 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(_ORPHANED)


def session_members(session: int) -> list[int]:
    """List the processes of `session` (what a child that leads one has started, and itself)."""
    return [pid for pid in _processes() if _session_of(pid) == session]


def working_in(folder: Path, programs: Iterable[str]) -> list[int]:
    """List this user's processes that run one of `programs` with `folder` as current folder."""
    names = frozenset(programs)
    where = folder.resolve()
    return [
        pid
        for pid in _processes()
        if (link := _link(pid, "exe")) and link.name in names and _link(pid, "cwd") == where
    ]


def end(pids: Iterable[int], grace: float) -> None:
    """Ask `pids` to end (SIGTERM) and kill those that still live after `grace` seconds."""
    left = [pid for pid in pids if _signal(pid, signal.SIGTERM)]
    if not _until(lambda: not any(map(alive, left)), grace):
        for pid in left:
            _signal(pid, signal.SIGKILL)
        _until(lambda: not any(map(alive, left)), grace)


def kill_session(session: int) -> None:
    """Kill what is left of `session`, whose leader has ended or is to end at once."""
    for pid in session_members(session):
        _signal(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Say whether `pid` is a running process (a dead one that nobody waited for is not)."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def started(pid: int) -> float:
    """When `pid` began, in seconds since the machine did (0.0 if it is gone)."""
    fields = _stat(pid)
    return int(fields[19]) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def since_boot_ns() -> int:
    """Return the time since the machine began, as `started` counts it: time asleep counts too."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third (state) on; none when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the name before it may hold blanks and brackets


def _session_of(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if fields else -1


def _link(pid: int, name: str) -> Path | None:
    try:
        # A program that was replaced on disk (an update of its package) is "... (deleted)".
        return Path(os.readlink(f"/proc/{pid}/{name}").removesuffix(" (deleted)"))  # noqa: PTH115
    except OSError:  # gone, or somebody else's
        return None


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _become(parent: str, on_death: str, *argv: str) -> None:
    die_with_parent(int(parent), signal.Signals(int(on_death)))
    try:
        os.execvp(argv[0], argv)  # noqa: S606
    except OSError as error:
        sys.exit(f"can not run {argv[0]}: {error.strerror}")


if __name__ == "__main__":
    _become(*sys.argv[1:])
