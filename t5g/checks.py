"""Named checks of one part each: what was looked at, whether it works, what to do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError

from t5g.clock import BOUND, believable
from t5g.errors import SettingsError, StoreError, T5GError
from t5g.inbox import Inbox
from t5g.jira_silence import HINT, last_told, silence
from t5g.keys import Keys
from t5g.logs import logger
from t5g.syncs import SyncRecords
from t5g.team import load_team

log = logger(__name__)

OLDEST_REDIS = (6, 2)
#: No entry of the schedule waits for longer.
LONGEST_PERIOD = 8 * 24 * 3600.0
TIME_LIMIT = 20.0
LONGEST = 160


class CheckResult(Struct, frozen=True):
    """One line: the part, whether it works, what was found, and what to do if it does not.

    `unsafe`: it is about settings that work and had better be others (`t5g.hazards`).
    """

    name: str
    ok: bool
    found: str
    hint: str = ""
    unsafe: bool = False


Check = tuple[str, Callable[[], Awaitable[str]], str]
"""A name, a look that returns what was found or raises, and the hint to give when it raises."""


async def run_checks(checks: list[Check]) -> list[CheckResult]:
    """Run all checks side by side, each within a time limit."""
    return list(await asyncio.gather(*(_run(*check) for check in checks)))


async def _run(name: str, look: Callable[[], Awaitable[str]], hint: str) -> CheckResult:
    try:
        return CheckResult(name, True, await asyncio.wait_for(look(), TIME_LIMIT))
    except TimeoutError:
        return CheckResult(name, False, f"no answer within {TIME_LIMIT:.0f} seconds", hint)
    except T5GError as error:
        return CheckResult(name, False, str(error), hint)
    except (RedisError, OSError) as error:
        return CheckResult(name, False, _why(error), hint)
    except Exception as error:
        # Whatever a package raises, it is this part that does not work; the others are told too.
        log.exception("check_broke", part=name)
        return CheckResult(name, False, f"{type(error).__name__}; the log has it", hint)


def _why(error: Exception) -> str:
    """Say what the system or Redis said; such texts name a place or a right, never a password."""
    said = str(error).strip().rstrip(".") or type(error).__name__
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def redis_check(redis: Redis, keys: Keys) -> Check:
    """Redis answers, is new enough, and takes a write."""

    async def look() -> str:
        info = await redis.info("server")
        version = str(info["redis_version"])
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
            raise T5GError(f"Redis {version} is too old; 6.2 or newer is needed")
        await redis.set(keys.named("check"), "1", ex=10)
        return f"Redis {version}, writable"

    return "redis", look, "Look at T5G_REDIS_URL, and whether the server runs and has memory left."


def team_check(path: Path | None) -> Check:
    """The team file can be read: who may do what stands there."""

    async def look() -> str:
        if path is None:
            return "no team file: everybody may look, nobody may act"
        try:
            members = load_team(path).members
        except SettingsError as error:
            raise T5GError("; ".join(error.lines)) from error
        return f"{len(members)} in {path}"

    return "team", look, "Mend the file of T5G_TEAM_FILE; the last good one stays in use."


def clock_check(redis: Redis, keys: Keys) -> Check:
    """Redis and this machine agree what time it is, and nothing of ours lies in the future."""

    async def look() -> str:
        now = time.time()
        try:
            seconds, micro = await redis.time()
            wrong = await _ahead(redis, keys, now)
        except (RedisError, OSError, StoreError):
            return "not known while Redis does not answer"  # its own line says what to do
        differ = abs(seconds + micro / 1e6 - now)
        if differ > BOUND:
            raise T5GError(f"Redis and this machine are {differ:.0f} s apart")
        if wrong:
            raise T5GError(f"these lie in the future and are not believed: {', '.join(wrong)}")
        return "Redis and this machine agree, nothing lies in the future"

    hint = "Put the clocks right; what a wrong one left heals by itself (docs/troubleshooting.md)."
    return "clock", look, hint


async def _ahead(redis: Redis, keys: Keys, now: float) -> list[str]:
    """Name what was stamped by a clock that was ahead."""
    records = await SyncRecords(redis, keys).read_all()
    stamps = {f"the sync of {name}": max(x.last_success, x.started) for name, x in records.items()}
    stamps["the last event of JIRA"] = (await Inbox(redis, keys).arrivals()).last or 0.0
    feed: Any = await redis.xrevrange(keys.feed, count=1)
    for _, fields in feed:
        stamps["the last change"] = int(fields[b"at"]) / 1000
    times: Any = await redis.zrange(keys.named("schedule", "times"), -1, -1, withscores=True)
    for name, at in times:
        stamps[name.decode()] = at - LONGEST_PERIOD
    return [name for name, at in stamps.items() if not believable(at, now)]


def events_check(redis: Redis, keys: Keys) -> Check:
    """JIRA's events come: the last one, and whether syncs find what events should have told."""

    async def look() -> str:
        now, inbox = time.time(), Inbox(redis, keys)
        try:
            arrivals, parked = await inbox.arrivals(), await inbox.count()
            records = await SyncRecords(redis, keys).read_all()
        except (RedisError, OSError, StoreError):
            return "not known while Redis does not answer"  # its own line says what to do
        if text := silence(arrivals, records, now):
            raise T5GError(text)
        waits = f"; {parked} could not be applied: t5g deadletters" if parked else ""
        return f"{last_told(arrivals, now)}{waits}"

    return "events", look, HINT
