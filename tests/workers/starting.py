"""Starts real worker processes for tests, waits with them, and leaves none behind."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from t5g.lifeline import end, session_members
from tests.workers.test_killed import plain

RUN = """
import sys
from t5g.logs import setup_logging
from t5g.settings import load_settings
from workers.worker import run_worker
settings = load_settings(env=eval(sys.argv[1]))
setup_logging(settings)
run_worker(settings, int(sys.argv[2]), burst=sys.argv[3] == "burst")
"""


class Workers:
    """The worker processes of one test. Call it to start one; `stop` ends whatever is left."""

    def __init__(self, settings):
        self._settings = settings
        self._children = []

    async def __call__(self, count=1, *, burst=False, settings=None, **more):
        """Start a process of `count` workers; its log is kept for `said`."""
        env = {**plain(settings or self._settings), **more}
        log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, repr(env), str(count), "burst" if burst else "stay",
            stderr=log, start_new_session=True,
        )  # fmt: skip
        self._children.append((child, log))
        return child

    def said(self, child=None):
        """What the workers, or one process of them, wrote so far."""
        texts = []
        for one, log in self._children:
            if child in (None, one):
                log.seek(0)
                texts.append(log.read())
        return b"".join(texts)

    async def stop(self):
        """End every process that is left, also those that a killed worker left behind."""
        for child, log in self._children:
            end([child.pid] if child.returncode is None else [], 0.0)
            await child.wait()
            end(session_members(child.pid), 0.0)
            log.close()

    def state(self):
        """How the processes are, for whoever waits in vain."""
        lines = [
            f"worker {child.pid}: " + ("runs" if child.returncode is None else
                                       f"ended with {child.returncode}")
            for child, _ in self._children
        ]  # fmt: skip
        return "\n".join([*lines, self.said().decode(errors="replace")[-4000:]])


async def until(condition, seconds=30.0, *, workers=None):
    """Wait until a condition (awaitable or not) holds; if in vain, tell how `workers` are."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not in time\n{workers.state() if workers else ''}"
        await asyncio.sleep(0.02)


def descendants(pid):
    """The processes below one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            child = int(status.parent.name)
            found += [child, *descendants(child)]
    return found
