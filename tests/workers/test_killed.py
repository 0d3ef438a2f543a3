"""SIGKILL at every step of a sync: nothing is dropped, nothing doubled, the next run ends right."""

import asyncio
import subprocess
import sys

import pytest

from t5g.keys import Keys
from t5g.settings import Settings
from t5g.statistics import History
from t5g.store import Store
from t5g.syncs import Sync, SyncRecords, SyncState
from tests.workers.reading import cases_of, synced
from tests.workers.telling import readiness
from tests.workers.upstreams import CASE_LINK, ago
from workers.watching import DIED, mark_dead

#: A first process knows the world before it changes (`k0:`), and waits. Then a run is forked for
#: each step at which it is to die, a command to Redis or a request to an upstream, each on a copy.
SCRIPT = """
import asyncio, os, signal, sys
import requests
from redis import Redis
from redis.asyncio.connection import AbstractConnection
from t5g.logs import setup_logging
from t5g.settings import load_settings
from workers.runner import run_sync
from workers.web import Web, trusted

trusted()
env, before, name = eval(sys.argv[1]), eval(sys.argv[2]), sys.argv[3]
stride = int(sys.argv[4])
setup_logging(load_settings(env={"log_level": "error"}))
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

def forked(work, *args):
    child = os.fork()
    if child == 0:
        work(*args)
        os._exit(0)
    return os.waitpid(child, 0)[1]

def whole(names):
    settings = load_settings(env={**env, "redis_prefix": "k0:"})
    for one in names:
        asyncio.run(run_sync(settings, one, full=True))

def cut(number):
    with Redis.from_url(env["redis_url"]) as redis:
        pipe = redis.pipeline()
        for key in redis.scan_iter("k0:*", count=1000):
            pipe.copy(key, key.replace(b"k0:", b"k%d:" % number, 1))
        pipe.execute()
    settings = load_settings(env={**env, "redis_prefix": f"k{number}:"})
    dies_at(number, AbstractConnection, "send_packed_command")
    dies_at(number, Web, "send")
    dies_at(number, requests.Session, "send")
    asyncio.run(run_sync(settings, name, full=True))

forked(whole, [*before, name])
print("known", flush=True)
sys.stdin.readline()
forked(whole, before)
number = 1
while True:
    status = forked(cut, number)
    print(number, "ended" if status == 0 else "killed", flush=True)
    if status == 0 or number > 400:
        break
    number += stride
"""
#: With 1 each step is tried; the steps between them differ little, and time is dear.
STRIDE = 3

NEEDED = {
    Sync.CASES: (),
    Sync.CARDS: (Sync.CASES,),
    Sync.ESCALATIONS: (Sync.CASES,),
    Sync.DETAILS: (Sync.CASES,),
    Sync.ISSUES: (Sync.CASES, Sync.DETAILS),
    Sync.BUGS: (Sync.CASES, Sync.DETAILS),
    Sync.STATS: (Sync.CASES,),
}


def plain(settings: Settings) -> dict[str, object]:
    """Settings as another process can read them."""
    names = (
        "redis_url", "sso_url", "portal_url", "portal_rest_url", "portal_api", "jira_url",
        "jira_user", "bugzilla_url",
    )  # fmt: skip
    secrets = ("portal_offline_token", "jira_token", "bugzilla_api_key")
    return {
        **{name: str(getattr(settings, name)) for name in names},
        **{name: getattr(settings, name).get_secret_value() for name in secrets},
        "upstream_backoff": 0.01,
    }


class World:
    """Twelve cases with cards, defects and an escalation, and a day on which all of it changes."""

    def __init__(self, upstreams):
        self.upstreams = upstreams
        self.numbers = upstreams.add_cases(12)
        old = {"created": ago(days=9), "updated": ago(days=1)}
        self.cards = {n: upstreams.add_card(n, **old) for n in self.numbers[::2]}
        self.issues = {n: upstreams.add_issue(n) for n in self.numbers[::2]}
        for number in self.numbers[::2]:
            upstreams.add_bug(int(number), number)
        linked = upstreams.add_card(self.numbers[1], summary="linked", **old)
        link = CASE_LINK.format(number=self.numbers[1])
        upstreams.jira.add_remote_link(linked, link, "Support Case")
        self.escalation = upstreams.add_escalation(self.numbers[3], **old)
        self.gone = self.numbers[4]

    def change(self):
        """Cases close, go and come; so do cards, defects and escalations."""
        world, numbers = self.upstreams, self.numbers
        world.portal.close_case(numbers[2])
        world.portal.remove_case(self.gone)
        world.portal.update_case(numbers[6], severity=1)
        world.add_cases(2, first=500)
        world.add_card("00000500")
        world.jira.transition(self.cards[numbers[0]], "Blocked")
        world.jira.add_comment(self.cards[numbers[0]], None, "a comment")
        world.jira.delete_issue(self.cards[numbers[8]])
        world.jira.transition(self.issues[numbers[0]], "Closed")
        world.add_issue(numbers[1], "00000501")
        world.bugzilla.update_bug(int(numbers[0]), status="VERIFIED")
        world.bugzilla.update_bug(int(numbers[6]), restricted=True)
        world.jira.transition(self.escalation, "Closed")
        world.add_escalation(numbers[5])


@pytest.mark.parametrize("name", NEEDED)
async def test_killed_at_any_step_the_next_run_ends_right(name, upstreams, redis_url, redis):
    world = World(upstreams)
    dialect = "graphql" if name in (Sync.CASES, Sync.DETAILS) else "hydra"
    settings = upstreams.settings(redis_url, portal_api=dialect)
    steps, last = await died(settings, name, world.change)
    assert len(steps) >= 3, "too few steps to mean anything"
    right = await known(redis, f"k{last}:")  # the run that was let live
    for step in steps:
        prefix = f"k{step}:"
        left = await cases_of(Store(redis, Keys(prefix)))
        assert {*world.numbers} - {world.gone} <= left.keys(), f"lost at step {step}"
        await redis.delete(Keys(prefix).lock(f"sync:{name}"))  # its time is over
    begun = [step for step in steps if await is_running(redis, name, f"k{step}:")]
    await told(settings, redis, name, f"k{begun[len(begun) // 2]}:")
    for step in steps:
        prefix = f"k{step}:"
        mine = settings.model_copy(update={"redis_prefix": prefix})
        await synced(mine, name, full=True)
        found = await known(redis, prefix)
        assert differences(found[0], right[0]) == [], f"killed at step {step}"
        assert found[1] == right[1], f"killed at step {step}"


async def is_running(redis, name, prefix):
    """Whether the record was left as that of a run under way."""
    return (await SyncRecords(redis, Keys(prefix)).read(name)).state is SyncState.RUNNING


async def told(settings, redis, name, prefix):
    """Once its lock is free the run is known to have died, and `/readyz` says so."""
    assert await mark_dead(redis, Keys(prefix)) == [name]
    async with readiness(settings.model_copy(update={"redis_prefix": prefix})) as readyz:
        assert (await readyz())["syncs"][name.value]["error"] == DIED


async def known(redis, prefix):
    """All that is known, but for when we saw it; and the days of the statistics."""
    found = await cases_of(Store(redis, Keys(prefix)))
    rows = await History(redis, Keys(prefix)).read_all()
    assert len(rows) <= 1
    return {number: facts(case) for number, case in found.items()}, [row.headlines for row in rows]


def differences(found, right):
    """What is not as it should be, with the number of its case."""
    odd = [f"{number} is one too many" for number in found.keys() - right.keys()]
    odd += [f"{number} is missing" for number in right.keys() - found.keys()]
    for number in found.keys() & right.keys():
        pairs = zip(found[number], right[number], strict=True)
        odd += [f"{number}: {one} instead of {other}" for one, other in pairs if one != other]
    return odd


def facts(case):
    return (
        case.portal, case.details, case.cards, case.card_comments, case.issues, case.bugs,
        case.escalations,
    )  # fmt: skip


async def died(settings: Settings, name: Sync, change) -> tuple[list[int], int]:
    """Let runs die one after another; return the steps that were reached, and the one too many."""
    before = [needed.value for needed in NEEDED[name]]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, repr(plain(settings)), repr(before), name.value, str(STRIDE),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    assert await child.stdout.readline() == b"known\n"
    change()
    out, _ = await child.communicate(b"\n")
    lines = [line.split() for line in out.decode().splitlines()]
    assert lines[-1][1] == "ended"
    return [int(step) for step, how in lines if how == "killed"], int(lines[-1][0])
