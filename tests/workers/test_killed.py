"""SIGKILL at every step of a sync: nothing is dropped, nothing doubled, the next run ends right."""

import asyncio
import subprocess
import sys

import pytest

from t5g.keys import Keys
from t5g.model import Status
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import Sync
from tests.workers.reading import cases_of, synced
from tests.workers.upstreams import CASE_LINK

#: Forks a run for each step at which it is to die: a command to Redis or a request to an upstream.
SCRIPT = """
import asyncio, os, signal, sys
import httpx, requests
from redis.asyncio.connection import AbstractConnection
from t5g import lock
from t5g.logs import setup_logging
from t5g.settings import load_settings
from t5g.syncs import Sync
from workers.runner import run_sync

lock.Lock.__init__.__kwdefaults__["time_to_live"] = 0.3
env, before, name = eval(sys.argv[1]), eval(sys.argv[2]), sys.argv[3]
first, stride = int(sys.argv[4]), int(sys.argv[5])
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

def run(number):
    settings = load_settings(env={**env, "redis_prefix": f"k{number}:"})
    for needed in before:
        asyncio.run(run_sync(settings, needed))
    dies_at(number, AbstractConnection, "send_packed_command")
    dies_at(number, httpx.AsyncClient, "request")
    dies_at(number, requests.Session, "send")
    asyncio.run(run_sync(settings, name, full=True))

number = first
while True:
    child = os.fork()
    if child == 0:
        run(number)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(number, "ended" if status == 0 else "killed", flush=True)
    if status == 0 or number > 400:
        break
    number += stride
"""

NEEDED = {
    Sync.CASES: (),
    Sync.CARDS: (Sync.CASES,),
    Sync.ESCALATIONS: (Sync.CASES,),
    Sync.DETAILS: (Sync.CASES,),
    Sync.ISSUES: (Sync.CASES, Sync.DETAILS),
    Sync.BUGS: (Sync.CASES, Sync.DETAILS),
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


@pytest.mark.parametrize("name", NEEDED)
async def test_killed_at_any_step_the_next_run_ends_right(name, upstreams, redis_url, redis):
    numbers = upstreams.add_cases(12)
    for number in numbers[::2]:
        upstreams.add_card(number)
        upstreams.add_issue(number)
        upstreams.add_bug(int(number), number)
    upstreams.add_card(numbers[1], summary="linked")
    upstreams.jira.add_remote_link(
        next(reversed(upstreams.jira.issues)), CASE_LINK.format(number=numbers[1]), "Support Case"
    )
    upstreams.add_escalation(numbers[3])
    settings = upstreams.settings(redis_url, portal_api="hydra")
    steps = await died(settings, name)
    assert len(steps) >= 3, "too few steps to mean anything"
    for step in steps:
        prefix = f"k{step}:"
        mine = settings.model_copy(update={"redis_prefix": prefix})
        await synced(mine, *NEEDED[name], name)
        found = await cases_of(Store(redis, Keys(prefix)))
        assert sorted(found) == numbers, f"killed at step {step}"
        check(name, found, numbers, step)


def check(name, found, numbers, step):
    """Look at what the sync is for."""
    cases = [found[number] for number in numbers]
    assert all(case.portal.status == Status.WAITING_ON_RED_HAT for case in cases)
    if name is Sync.CARDS:
        have = [len(case.cards) for case in cases]
        assert have == [1, 1, *([1, 0] * 5)], f"killed at step {step}"
    if name is Sync.ISSUES:
        assert [len(case.issues) for case in cases] == [1, 0] * 6, f"killed at step {step}"
    if name is Sync.BUGS:
        assert [len(case.bugs) for case in cases] == [1, 0] * 6, f"killed at step {step}"
    if name is Sync.ESCALATIONS:
        assert [case.number for case in cases if case.escalations] == [numbers[3]]
    if name is Sync.DETAILS:
        assert [len(case.details.issue_keys) for case in cases] == [1, 0] * 6


async def died(settings: Settings, name: Sync) -> list[int]:
    """Let runs die, one at each fourth step; return the steps that were reached."""
    before = [needed.value for needed in NEEDED[name]]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, repr(plain(settings)), repr(before), name.value, "1", "4",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await child.communicate()
    lines = [line.split() for line in out.decode().splitlines()]
    assert lines[-1][1] == "ended"
    return [int(step) for step, how in lines if how == "killed"]
