"""`t5g check` names the part that does not work."""

from datetime import timedelta

import pytest

from sandbox.faults import Kind
from t5g.checks import run_checks
from tests import wall_clock
from workers.checks import upstream_checks


@pytest.fixture
async def check(settings, redis):
    async def checked():
        results = await run_checks(upstream_checks(settings, redis))
        return {result.name: result for result in results}

    return checked


async def test_all_is_well(check, upstreams):
    upstreams.add_cases(3)
    results = await check()
    assert all(result.ok for result in results.values()), results
    assert "3 cases" in results["portal"].found
    assert "Sandbox Bot" in results["jira"].found


@pytest.mark.parametrize("part", ["portal", "jira", "bugzilla"])
@pytest.mark.parametrize("kind", [Kind.DOWN, Kind.REFUSE_TOKEN, Kind.DROP])
async def test_the_broken_part_is_named(check, upstreams, part, kind):
    getattr(upstreams, f"{part}_faults").add(kind)
    results = await check()
    assert [name for name, result in results.items() if not result.ok] == [part]
    assert f"T5G_{part.upper()}" in results[part].hint


async def test_a_wrong_key_is_found_although_connecting_works(check, upstreams):
    upstreams.bugzilla.api_key = "another-key-not-secret"
    results = await check()
    assert not results["bugzilla"].ok
    assert "306" in results["bugzilla"].found


@pytest.mark.parametrize(("apart", "side"), [(-900, "behind"), (900, "ahead of")])
async def test_a_clock_of_jira_that_is_wrong_is_told(check, upstreams, monkeypatch, apart, side):
    monkeypatch.setattr(upstreams.jira, "now", lambda: wall_clock.now() + timedelta(seconds=apart))
    results = await check()
    assert [name for name, result in results.items() if not result.ok] == ["jira"]
    assert f" s {side} ours" in results["jira"].found
