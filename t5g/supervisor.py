"""Runs named processes side by side: starts, watches and restarts them, and stops them in order.

Each status of a child is told to a callback, and so is each line that it writes. A child never
outlives this process (`t5g.lifeline`). What the processes are is not known here.
"""

import asyncio
import errno
import os
import random
import signal
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from t5g.lifeline import kill_session, tied
from t5g.log_files import owner_only

#: What tells that a child can be used: a URL that answers 2xx, or a function that says so.
Probe = str | Callable[[], Awaitable[bool]]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHUNK = 64 * 1024
_PROBE_TIMEOUT = 2.0
_DRAIN = 1.0  # seconds to read what a child that has ended had still written


@dataclass(frozen=True, slots=True)
class Child:
    """A process to run: its name, its command line, what it adds to the environment.

    The children listed after one that is `first` start only once that one is ready.
    """

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Probe | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast things go, in seconds."""

    restart: float = 0.5  # before the first restart; doubles with each
    longest_restart: float = 10.0
    healthy: float = 30.0  # a child that ran so long restarts quickly again
    grace: float = 8.0  # between SIGTERM and SIGKILL
    probe: float = 0.1
    slow: float = 30.0  # a child not ready by then is told of


class State(StrEnum):
    """What has happened to a child."""

    STARTED = "started"
    READY = "ready"
    SLOW = "slow"
    DIED = "died"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Status:
    """One thing that happened to a child; as text, the line that tells it to a person."""

    name: str
    state: State
    pid: int | None = None
    code: int | None = None  # of a child that died or stopped; negative: the signal, as usual
    seconds: float = 0.0
    detail: str = ""  # the last line that a child wrote before it died

    def __str__(self) -> str:
        return f"{self.name:<12} {self._what()}"

    def _what(self) -> str:
        match self.state:
            case State.STARTED:
                return f"started (process {self.pid})"
            case State.READY:
                return f"ready after {self.seconds:.1f} s"
            case State.SLOW:
                return f"not ready yet after {self.seconds:.0f} s"
            case State.DIED:
                return f"died: {_how(self.code)}" + (f": {self.detail}" if self.detail else "")
            case State.RESTARTING:
                return f"restarting in {self.seconds:g} s"
            case State.STOPPED:
                return "stopped"
            case State.RENEWED:
                return "starts anew"


class Supervisor:
    """Keeps `children` running until `stop()` or a signal; see `run`.

    `on_status` gets each status; `on_line` (name, line) each line that a child writes.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        on_status: Callable[[Status], None],
        on_line: Callable[[str, str], None] = lambda name, line: None,
        pace: Pace | None = None,
    ) -> None:
        self._keepers = [_Keeper(c, on_status, on_line, pace or Pace()) for c in children]
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Start all children in order and keep them running; at the end stop them in reverse.

        It ends after `stop()`, SIGINT, SIGTERM or SIGHUP; a second signal kills what still runs.
        Await it in the main thread: signals arrive there, and a child's life hangs on the thread
        that started it.
        """
        with self._signals():
            running = asyncio.create_task(self._start())
            asked = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asked.cancel()
                for keeper in reversed(self._keepers):
                    await keeper.stop(self._hurry)
                running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    def stop(self) -> None:
        """Begin to stop; said twice, kill at once what still runs."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def renew(self, names: Collection[str]) -> None:
        """Start some children anew, as when their code has changed; the others go on."""
        await asyncio.gather(*(k.renew() for k in self._keepers if k.child.name in names))

    async def wait_ready(self) -> None:
        """Return once every child is ready."""
        for keeper in self._keepers:
            await keeper.is_ready.wait()

    def pids(self) -> dict[str, int]:
        """Return the process id of each child that runs now, by name."""
        return {k.child.name: k.pid for k in self._keepers if k.pid is not None}

    async def _start(self) -> None:
        async with asyncio.TaskGroup() as group:
            for keeper in self._keepers:
                group.create_task(keeper.keep())
                if keeper.child.first:
                    await keeper.is_ready.wait()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


class _Keeper:
    """Keeps one child running."""

    def __init__(
        self,
        child: Child,
        on_status: Callable[[Status], None],
        on_line: Callable[[str, str], None],
        pace: Pace,
    ) -> None:
        self.child = child
        self.is_ready = asyncio.Event()
        self._tell = on_status
        self._on_line = on_line
        self._pace = pace
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._last: deque[str] = deque(maxlen=1)
        self._renewing = False

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def keep(self) -> None:
        """Run the child, and run it again when it dies, until it is stopped."""
        pause = self._pace.restart
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                code: int | None = await self._run_once()
            except OSError as error:  # out of processes, memory or file descriptors
                code = None
                self._last.append(str(error))
            if self._stopping.is_set():
                return
            if self._renewing:
                self._renewing = False
                self._say(State.RENEWED)
                continue
            if loop.time() - began >= self._pace.healthy:
                pause = self._pace.restart
            detail = self._last[0] if self._last else ""
            self._say(State.DIED, code=code, detail=detail)
            self._say(State.RESTARTING, seconds=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, self._pace.longest_restart)

    async def renew(self) -> None:
        """Let the child end, and start it again at once."""
        process = self._process
        if process is None or process.returncode is not None or self._stopping.is_set():
            return  # it starts anyway, or must not
        self._renewing = True
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._pace.grace)
        except TimeoutError:
            kill_session(process.pid)
            await process.wait()

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask the child to end, kill it and what it started after the grace or on `hurry`."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            ended = asyncio.create_task(process.wait())
            hurried = asyncio.create_task(hurry.wait())
            await asyncio.wait(
                {ended, hurried}, timeout=self._pace.grace, return_when=asyncio.FIRST_COMPLETED
            )
            hurried.cancel()
            kill_session(process.pid)
            await ended
        self._say(State.STOPPED, code=process.returncode)

    async def _run_once(self) -> int:
        """Run the child to its end; return its exit code."""
        reading, writing = os.pipe()
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *tied(self.child.argv),
                env={**os.environ, **self.child.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this process, which stops all in order
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._say(State.STARTED)
        pump = asyncio.create_task(self._pump(reading))
        probe = asyncio.create_task(self._wait_ready())
        try:
            return await process.wait()
        finally:
            probe.cancel()
            self.is_ready.clear()
            kill_session(process.pid)  # what a dead child had started must not work on unseen
            with suppress(TimeoutError):
                await asyncio.wait_for(pump, _DRAIN)

    async def _pump(self, reading: int) -> None:
        """Tell each line that arrives in the pipe, however long, until all its writers are gone."""
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
        )
        rest = b""
        try:
            while chunk := await stream.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                self._tell_lines(lines)
                if len(rest) > _CHUNK:
                    self._tell_lines([rest])
                    rest = b""
            self._tell_lines([rest] if rest else [])
        finally:
            transport.close()

    def _tell_lines(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._last.append(text)
            self._on_line(self.child.name, text)

    async def _wait_ready(self) -> None:
        """Set `is_ready` when the probe says so; ended with the process that it asks about."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        told = False
        while not await _says_yes(self.child.ready):
            if not told and loop.time() - began > self._pace.slow:
                told = True
                self._say(State.SLOW, seconds=loop.time() - began)
            await asyncio.sleep(self._pace.probe)
        self.is_ready.set()
        if self.child.ready is not None:
            self._say(State.READY, seconds=loop.time() - began)

    def _say(
        self, state: State, *, code: int | None = None, seconds: float = 0.0, detail: str = ""
    ) -> None:
        pid = self._process.pid if self._process is not None else None
        self._tell(Status(self.child.name, state, pid, code, seconds, detail))


class LogFiles:
    """Appends each child's lines to `folder`/NAME.log: an `on_line` for a supervisor.

    A file that has grown to `limit` bytes becomes NAME.log.1, in place of the one before.
    """

    def __init__(self, folder: Path, limit: int = 5_000_000) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # somebody else's, or gone: each line finds out by itself
            folder.chmod(0o700)
            for file in folder.glob("*.log*"):
                file.chmod(0o600)
        self._folder = folder
        self._limit = limit

    def __call__(self, name: str, line: str) -> None:
        """Append `line`; a full disk must not stop anything, so what can not be kept is dropped."""
        file = self._folder / f"{name}.log"
        with suppress(OSError):
            if file.exists() and file.stat().st_size >= self._limit:
                file.replace(file.with_name(f"{name}.log.1"))
            with open(file, "a", encoding="utf-8", opener=owner_only) as log:
                log.write(line + "\n")


#: Ports that are not among those of outgoing connections (on Linux from 32768 on).
QUIET = range(20_000, 32_000)


def free_port(
    preferred: int, *, host: str = "127.0.0.1", taken: Collection[int] = (), tries: int = 100
) -> int:
    """Return `preferred`, or the next port of `host` on which nothing listens.

    `taken` are ports that were promised already. 0 means any, of those that the kernel gives to
    nobody by itself: it is still free when a process listens on it later. Raises `OSError` when
    none of `tries` ports is free, or when this user may not listen on them.
    """
    following = range(preferred, min(preferred + tries, 65536))
    for port in following if preferred else random.SystemRandom().sample(QUIET, tries):
        if port in taken:
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do: a port that only has connections from before is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return int(probe.getsockname()[1])
            except PermissionError as error:
                raise OSError(f"this user may not listen on port {port} of {host}") from error
            except OverflowError as error:
                raise OSError(f"{port} is no port") from error
            except OSError as error:
                if error.errno != errno.EADDRINUSE:  # not busy: no such address, ...
                    raise
    raise OSError(f"no free port on {host} from {preferred} on ({tries} tried)")


async def _says_yes(probe: Probe | None) -> bool:
    """Ask `probe` whether the child can be used; a probe that fails says no."""
    if probe is None:
        return True
    try:
        return await (_answers(probe) if isinstance(probe, str) else probe())
    except Exception:  # whatever it is, the child is not ready
        return False


async def _answers(url: str) -> bool:
    import httpx  # late: only who gives a URL needs it

    async with httpx.AsyncClient(timeout=_PROBE_TIMEOUT, trust_env=False) as client:
        return (await client.get(url)).is_success


def _how(code: int | None) -> str:
    if code is None:
        return "it can not be started"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
