"""SIGKILL at every step of a creation: whoever comes next leaves exactly one whole card."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from t5g.audit import Audit, Filter
from t5g.connection import open_queue_redis, open_redis
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import cards_of, complete, learn
from tests.workers.test_killed import plain
from tests.workers.upstreams import Upstreams

#: For each step (a command to Redis, a request to JIRA or the Portal) there is a case. One process
#: is to make its card and dies before that step; the next one knows only what Redis and JIRA know.
SCRIPT = """
import asyncio, os, signal, sys
import requests
from contextlib import closing
from redis.asyncio.connection import AbstractConnection as Later
from redis.connection import AbstractConnection as Now
from t5g.connection import open_queue_redis, open_redis, open_store
from t5g.current import SETTINGS
from t5g.keys import Keys
from t5g.logs import setup_logging
from t5g.settings import load_settings
from t5g.work import load_rq
from datetime import timedelta
from tests.making import NOW, portal_seen

settings = load_settings(env=eval(sys.argv[1]))
facts, stride = eval(sys.argv[2]), int(sys.argv[3])
setup_logging(load_settings(env={"log_level": "error"}))
load_rq(settings.redis_prefix)
import rq.job, rq.queue
import workers.cards.jobs as jobs
from workers.web import Web, trusted

trusted()
SETTINGS.set(settings)
keys = Keys(settings.redis_prefix)
steps = 0

def dies_at(last, kind, method):
    whole = getattr(kind, method)
    def step():
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
    async def later(*args, **kwargs):
        step()
        return await whole(*args, **kwargs)
    def now(*args, **kwargs):
        step()
        return whole(*args, **kwargs)
    setattr(kind, method, later if asyncio.iscoroutinefunction(whole) else now)

async def seed(number):
    redis = open_redis(settings.redis_url)
    days = timedelta(days=facts["days"])
    case = portal_seen(number, account="ACME & Sons", severity="2 (High)", created=NOW - days)
    await open_store(settings, redis).write([case], now=case.seen)
    await redis.aclose()

def attempt(dies):
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        with closing(open_queue_redis(settings.redis_url)) as redis:
            redis.delete(keys.lock("cards"))  # as if its time was over
        return status
    code = 1
    try:
        if dies:
            dies_at(dies, Later, "send_packed_command")
            dies_at(dies, Now, "send_packed_command")
            dies_at(dies, Web, "send")
            dies_at(dies, requests.Session, "send")
        summary = jobs.create()
        code = 0 if not summary["failed"] and not summary["busy"] else 2
    finally:
        os._exit(code)

number = 1
while True:
    asyncio.run(seed(f"{number:08}"))
    status = attempt(number)
    after = attempt(0)
    print(number, "ended" if status == 0 else "killed", status, after, flush=True)
    if status == 0 or number > 400:
        break
    number += stride
"""
MOST = 400
#: What the audit log has of each creation, also if the attempt that did it could not say so.
CHANGES = ("no card → T5G-", "sprint", "status|column", "links", "comment", "watch")


@pytest.mark.parametrize(
    ("world", "stride"),
    [(True, 1), (False, 7)],
    indirect=["world"],
    ids=["cloud", "data-center"],
)
async def test_killed_at_any_step_there_is_one_whole_card(
    world: Upstreams, settings: Settings, team: Path, stride: int
) -> None:
    await learn(settings)
    for number in range(1, MOST):
        world.add_case(f"{number:08}")
    env = {
        **plain(settings), "read_only": False, "team_file": str(team), "jira_index_seconds": 0,
        "portal_watchers": True, "smtp_url": "smtp://127.0.0.1:9", "upstream_attempts": 1,
    }  # fmt: skip
    steps = await died(env, days=1, stride=stride)
    assert len(steps) > 40 / stride, "too few steps to mean anything"
    for step in steps:
        number = f"{step:08}"
        complete(world, number)
        (card,) = cards_of(world, number)
        assert card.assignee == world.anna, f"killed at step {step}"
        watchers = [one.sso_username for one in world.portal.cases[number].notified_users]
        assert watchers == ["rhn-anna"], f"killed at step {step}"
        changes = " ".join(await audited(settings, number))
        for what in CHANGES:
            assert re.search(what, changes), f"killed at step {step}: no {what} in {changes}"
    keys = sorted(cards_of(world, f"{step:08}")[0].key for step in steps)
    assert sorted(waiting(settings, "high")) == [("bot.jobs.announce_card", key) for key in keys]
    assert sorted(waiting(settings, "low")) == [("workers.cards.jobs.mail", key) for key in keys]


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
async def test_killed_while_a_card_is_reopened_it_is_whole_in_the_end(
    world: Upstreams, settings: Settings, team: Path
) -> None:
    """The case is old, and JIRA has an earlier card that the board does not know."""
    await learn(settings)
    for number in range(1, MOST, 5):
        world.add_card(f"{number:08}", status="Done", labels=[])
    env = {
        **plain(settings), "read_only": False, "team_file": str(team), "jira_index_seconds": 0,
        "upstream_attempts": 1,
    }  # fmt: skip
    for step in await died(env, days=40, stride=5):
        number = f"{step:08}"
        complete(world, number)
        (card,) = cards_of(world, number)
        assert card.labels == ("field-support",), f"killed at step {step}"
        assert card.comments[0].body.startswith(f"Case {number} is open again")
    assert len({key for _, key in waiting(settings, "high")}) == len(waiting(settings, "high"))


async def died(env: dict[str, Any], *, days: int, stride: int) -> list[int]:
    """Let a run die at each step; return the steps, the one after the last included."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, repr(env), repr({"days": days}), str(stride),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(child.communicate(), 240)
    lines = [line.split() for line in out.decode().splitlines()]
    assert lines[-1][1] == "ended"
    assert {after for *_, after in lines} == {"0"}, lines
    return [int(step) for step, *_ in lines]


async def audited(settings: Settings, number: str) -> list[str]:
    """What the audit log says was done for a case."""
    redis = open_redis(settings.redis_url)
    found = await Audit(redis, Keys()).read(Filter(case=number, outcome="done"))
    await redis.aclose()
    return [entry.detail for entry in found]


def waiting(settings: Settings, queue: str) -> list[tuple[str, str]]:
    """The jobs that wait in a queue: function and card."""
    load_rq(settings.redis_prefix)
    from rq import Queue

    with open_queue_redis(settings.redis_url) as redis:
        return [(job.func_name, job.args[1]) for job in Queue(queue, connection=redis).jobs]
