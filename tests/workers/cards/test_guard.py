"""No bug and no hiccup of an upstream floods a JIRA project: the guard stops, a person goes on."""

from typing import Any

import pytest

from sandbox.faults import Kind
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import cards_of, learn
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams, ago
from workers.cards.desk import Desk, open_desk
from workers.cards.run import GUARD, Report, run_cards

pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture(autouse=True)
def _rq(settings: Settings) -> None:
    load_rq(settings.redis_prefix)


async def run(settings: Settings, confirmed: int = 0, **more: Any) -> Report:
    """One run, as a worker does it."""
    async with open_desk(settings.model_copy(update=more)) as desk:
        return await run_cards(desk, confirmed=confirmed)


async def told(settings: Settings) -> list[str]:
    """What the operators were told so far, oldest first."""
    async with open_desk(settings) as desk:
        return [notice.alert.text for notice in await desk.alerts.unposted()]


async def test_two_hundred_new_cases_stop_at_the_guard(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_cases(200)
    await learn(settings)
    report = await run_cards(desk)
    assert report.plan.stopped
    assert not world.jira.issues
    (alert,) = [one for one in await desk.alerts.raised() if one.name == GUARD]
    assert "200 new cards" in alert.text
    assert "00000200, 00000199" in alert.text
    assert "t5g cards create --confirm 200" in alert.hint


async def test_a_person_lets_exactly_so_many_through(world: Upstreams, settings: Settings):
    numbers = world.add_cases(12)
    await learn(settings)
    for other in (11, 13, 200):
        assert not (await run(settings, confirmed=other)).made
    assert not world.jira.issues
    seen: list[tuple[int, int]] = []
    async with open_desk(settings) as desk:
        desk.on_progress = lambda done, total: seen.append((done, total))
        assert len((await run_cards(desk, confirmed=12)).made) == 12
    assert seen == [(done, 12) for done in range(12)]
    assert (await told(settings))[-1] == "The number of new cards is usual again."
    assert sum(len(cards_of(world, number)) for number in numbers) == 12


async def test_the_operators_hear_of_it_again_when_the_number_changes(
    world: Upstreams, settings: Settings
):
    world.add_cases(12)
    await learn(settings)
    for _ in range(2):
        await run(settings)
    world.add_case("00000099")
    await learn(settings)
    report = await run(settings, confirmed=12)
    assert (report.plan.count, report.made) == (13, ())
    assert [text[:12] for text in await told(settings)] == ["12 new cards", "13 new cards"]


async def test_a_confirmed_number_that_became_usual_needs_no_confirmation(
    world: Upstreams, settings: Settings
):
    world.add_cases(3)
    await learn(settings)
    assert len((await run(settings, confirmed=12)).made) == 3


async def test_the_limit_is_a_setting(world: Upstreams, settings: Settings):
    world.add_cases(2)
    await learn(settings)
    assert not (await run(settings, max_cards_per_run=1)).made
    assert not (await run(settings, max_cards_per_run=0)).made
    assert len((await run(settings, max_cards_per_run=2)).made) == 2


async def test_what_jira_refused_does_not_pile_up_past_the_guard(
    world: Upstreams, settings: Settings
):
    """Six cards are refused each hour; mended, eighteen at once are for a person to decide."""
    world.jira.projects["T5G"].required = ("components",)
    for first in (1, 11, 21):
        world.add_cases(6, first=first)
        await learn(settings, full=True)
        await run(settings)
    world.jira.projects["T5G"].required = ()
    report = await run(settings)
    assert report.plan.count == 18
    assert not world.jira.issues


async def test_what_jira_never_heard_of_does_not_pile_up_either(
    world: Upstreams, settings: Settings
):
    down = world.jira_faults.add(Kind.DOWN, path="/rest/api/2/search")
    for first in (1, 11):
        world.add_cases(6, first=first)
        world.jira_faults.remove(down)
        await learn(settings, full=True)
        down = world.jira_faults.add(Kind.DOWN, path="/rest/api/2/search")
        await run(settings, upstream_attempts=1)
    world.jira_faults.clear()
    report = await run(settings)
    assert report.plan.count == 12
    assert not world.jira.issues


async def test_cards_that_only_the_board_has_lost_do_not_count(
    world: Upstreams, settings: Settings, desk: Desk
):
    """Somebody took the label off all cards: they are found again, not made again."""
    numbers = world.add_cases(12)
    await learn(settings)
    await run(settings, confirmed=12)
    for issue in world.jira.issues.values():
        issue.labels = ()
    await learn(settings, full=True)
    dry = await run_cards(desk, dry=True)
    assert (dry.plan.count, dry.plan.stopped) == (0, False)
    assert "T5G-" in dry.plan.rows[0].why
    report = await run(settings)
    assert not report.plan.rows
    assert [len(cards_of(world, number)) for number in numbers] == [1] * 12


async def test_cards_that_were_deleted_all_at_once_do_count(world: Upstreams, settings: Settings):
    world.add_cases(12)
    await learn(settings)
    await run(settings, confirmed=12)
    for key in list(world.jira.issues):
        world.jira.delete_issue(key)
    await synced(settings, "cards", full=True, accept_shrink=True)
    report = await run(settings)
    assert report.plan.stopped
    assert report.plan.rows[0].why.endswith("was deleted")
    assert not world.jira.issues
    assert len((await run(settings, confirmed=12)).made) == 12


async def test_reopened_cards_count_too(world: Upstreams, settings: Settings):
    numbers = world.add_cases(11, created=ago(days=40))
    for number in numbers:
        world.add_card(number, status="Done")
    for status in ("Waiting on Customer", "Closed", "In Progress"):
        for number in numbers:
            world.portal.update_case(number, status=status)
        await learn(settings)
        report = await run(settings)
    assert (report.plan.count, report.plan.stopped) == (11, True)
    assert {issue.status for issue in world.jira.issues.values()} == {"Done"}
    assert len((await run(settings, confirmed=11)).made) == 11
