"""Checks say of each part in a line whether it works, whatever it does, and within a time limit."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from t5g import checks
from t5g.checks import CheckResult, events_check, redis_check, run_checks, team_check
from t5g.errors import T5GError
from t5g.inbox import Inbox, letter_of
from t5g.keys import Keys

KEYS = Keys()


def failing(error: Exception) -> Callable[[], Awaitable[str]]:
    async def look() -> str:
        raise error

    return look


async def silent() -> str:
    await asyncio.Event().wait()
    return "never"


async def result(check: checks.Check) -> CheckResult:
    [found] = await run_checks([check])
    return found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (T5GError("the token is not valid"), "the token is not valid"),
        (RedisConnectionError("Connection refused."), "Connection refused"),
        (OSError(), "OSError"),
        (OSError("x" * 5_000), "x" * checks.LONGEST + "…"),
        (KeyError("secret"), "KeyError; the log has it"),
    ],
)
async def test_whatever_a_part_raises_is_a_line(error: Exception, said: str) -> None:
    assert await result(("part", failing(error), "Mend it.")) == CheckResult(
        "part", False, said, "Mend it."
    )


async def test_a_part_that_does_not_answer_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "TIME_LIMIT", 0.05)

    async def fine() -> str:
        return "fine"

    late, good = await run_checks([("late", silent, "Wait."), ("good", fine, "")])
    assert late == CheckResult("late", False, "no answer within 0 seconds", "Wait.")
    assert good == CheckResult("good", True, "fine")


async def test_a_redis_that_is_too_old_is_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await result(redis_check(redis, KEYS))
    assert found.ok
    assert found.found.endswith("writable")

    async def info(_: str) -> dict[str, str]:
        return {"redis_version": "6.0.16"}

    monkeypatch.setattr(redis, "info", info)
    found = await result(redis_check(redis, KEYS))
    assert (found.ok, found.found) == (False, "Redis 6.0.16 is too old; 6.2 or newer is needed")


async def test_a_team_is_counted_or_its_mistake_told(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    assert (
        await result(team_check(None))
    ).found == "no team file: everybody may look, nobody may act"
    missing = await result(team_check(path))
    assert not missing.ok
    assert str(path) in missing.found


async def test_what_could_not_be_applied_is_told_with_the_events(redis: Redis) -> None:
    assert (await result(events_check(redis, KEYS))).found == "No event of JIRA ever came"
    await Inbox(redis, KEYS).put(
        letter_of(id="d-1", subject="1", name="x", error="e", event_at=1.0, now=1.0, headers={},
                  body=b"{}")
    )  # fmt: skip
    found = await result(events_check(redis, KEYS))
    assert found.found == ("No event of JIRA ever came; 1 could not be applied: t5g deadletters")


async def test_events_are_not_judged_while_redis_is_away() -> None:
    gone = Redis.from_url("unix:///nowhere.sock")
    found = await result(events_check(gone, KEYS))
    assert (found.ok, found.found) == (True, "not known while Redis does not answer")
