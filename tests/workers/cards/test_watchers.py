"""The Portal tells the assignee of a new card of its case, where that is wanted and possible."""

from pathlib import Path

import pytest

from sandbox.faults import Kind
from sandbox.portal.state import NotifiedUser
from t5g.audit import Filter
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import complete, learn
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams
from workers.cards.desk import open_desk
from workers.cards.run import Report, run_cards

NUMBER = "00000001"
NOTIFY = f"/hydra/rest/v1/cases/{NUMBER}/notifiedusers"
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture
def watching(settings: Settings) -> Settings:
    """Settings under which assignees become watchers."""
    load_rq(settings.redis_prefix)
    return settings.model_copy(update={"portal_watchers": True})


async def run(world: Upstreams, settings: Settings) -> Report:
    """Let a card be made."""
    await learn(settings)
    async with open_desk(settings) as desk:
        return await run_cards(desk)


def watchers(world: Upstreams) -> list[str]:
    """Whom the Portal tells of the case."""
    return [one.sso_username for one in world.portal.cases[NUMBER].notified_users]


async def test_the_assignee_becomes_a_watcher(world: Upstreams, watching: Settings):
    world.add_case(NUMBER)
    report = await run(world, watching)
    assert not report.lacking
    assert watchers(world) == ["rhn-anna"]
    async with open_desk(watching) as desk:
        details = [row.detail for row in await desk.audit.read(Filter(case=NUMBER))]
    assert "T5G-1 watchers of the case: + rhn-anna" in details


async def test_where_it_is_not_set_nobody_does(world: Upstreams, watching: Settings):
    world.add_case(NUMBER)
    await run(world, watching.model_copy(update={"portal_watchers": False}))
    assert watchers(world) == []


async def test_who_is_told_already_is_not_asked_for_again(world: Upstreams, watching: Settings):
    world.add_case(NUMBER)
    world.portal.update_case(NUMBER, notified_users=[NotifiedUser("rhn-anna")])
    await learn(watching)
    await synced(watching, "details")
    world.reset_requests()
    await run(world, watching)
    assert watchers(world) == ["rhn-anna"]
    assert not [row for row in world.portal_faults.recent if row.method == "POST"
                and row.path.endswith("notifiedusers")]  # fmt: skip


async def test_others_who_are_told_stay(world: Upstreams, watching: Settings):
    world.add_case(NUMBER)
    world.portal.update_case(NUMBER, notified_users=[NotifiedUser("rhn-boss")])
    await run(world, watching)
    assert watchers(world) == ["rhn-boss", "rhn-anna"]


async def test_who_has_no_name_in_the_portal_is_named_as_lacking(
    world: Upstreams, watching: Settings, team: Path
):
    team.write_text('[[people]]\nname = "Ben"\nemail = "ben@example.com"\n')
    world.add_case(NUMBER)
    report = await run(world, watching)
    ((_, name, why),) = report.lacking
    assert (name, why[:50]) == ("watch", "ben@example.com has no `portal` name in the team f")
    team.write_text('[[people]]\nname = "Ben"\nemail = "ben@example.com"\nportal = "rhn-ben"\n')
    assert not (await run(world, watching)).lacking
    assert watchers(world) == ["rhn-ben"]


async def test_a_dialect_without_watchers_says_so_and_the_card_is_whole(
    world: Upstreams, watching: Settings
):
    world.add_case(NUMBER)
    report = await run(world, watching.model_copy(update={"portal_api": "graphql"}))
    ((_, name, why),) = report.lacking
    assert (name, why) == ("watch", f"portal: graphql can not make rhn-anna a watcher of {NUMBER}")
    complete(world, NUMBER)


async def test_a_portal_that_is_away_is_asked_again_in_the_next_run(
    world: Upstreams, watching: Settings
):
    world.add_case(NUMBER)
    await learn(watching)
    down = world.portal_faults.add(Kind.DOWN, path=NOTIFY)
    async with open_desk(watching) as desk:
        assert [number for number, _ in (await run_cards(desk)).waiting] == [NUMBER]
    world.portal_faults.remove(down)
    await run(world, watching)
    assert watchers(world) == ["rhn-anna"]
    complete(world, NUMBER)
