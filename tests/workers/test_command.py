"""`t5g sync` in a terminal: runs it here and now, and says what happened."""

import asyncio
import os
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from t5g.cli.syncing import _run
from t5g.syncs import Sync
from tests.workers.test_killed import plain
from workers.portal import graphql


@pytest.fixture
async def t5g(upstreams, redis_url):
    settings = upstreams.settings(redis_url)
    env = {f"T5G_{name.upper()}": str(value) for name, value in plain(settings).items()}

    async def run(*words):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "t5g", *words,
            env={**os.environ, **env, "COLUMNS": "200"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await child.communicate()
        return child.returncode, out.decode()

    return run


async def test_a_sync_says_what_it_did(t5g, upstreams):
    upstreams.add_cases(5)
    code, said = await t5g("sync", "cases")
    assert code == 0, said
    assert "done" in said
    assert "cases" in said


async def test_progress_is_a_bar(upstreams, redis_url, monkeypatch):
    monkeypatch.setattr(graphql, "PAGE_SIZE", 10)
    upstreams.add_cases(30)
    upstreams.portal_faults.latency = 0.4  # a bar is drawn ten times a second
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    settings = upstreams.settings(redis_url)
    await _run(settings, Sync.CASES, console, full=False, accept_shrink=False)
    drawn = out.getvalue()
    assert "cases" in drawn
    assert "━" in drawn
    assert drawn.find("20/30") > drawn.find("10/30") > 0
    assert " 0/30" not in drawn  # it never falls back


async def test_a_suspicious_listing_is_said_with_how_to_confirm_it(t5g, upstreams):
    for number in upstreams.add_cases(5):
        last = number
    await t5g("sync", "cases")
    for number in list(upstreams.portal.cases):
        if number != last:
            upstreams.portal.remove_case(number)
    code, said = await t5g("sync", "cases", "--full")
    assert code == 1
    assert "suspicious" in said
    assert "--accept-shrink" in said
    code, said = await t5g("sync", "cases", "--full", "--accept-shrink")
    assert code == 0, said


async def test_a_refused_token_is_said_with_what_to_do(t5g, upstreams):
    upstreams.sso.refusal = "Token is not active"
    code, said = await t5g("sync", "cases")
    assert code == 1
    assert "T5G_PORTAL_OFFLINE_TOKEN" in said
    assert upstreams.sso.offline_token not in said
