"""A case gets one whole card, whatever JIRA does meanwhile."""

import asyncio

import msgspec
import pytest

from sandbox.faults import Kind
from sandbox.jira.model import JiraIssue
from t5g.audit import Filter
from t5g.connection import open_queue_redis
from t5g.errors import RefusedError
from t5g.model import Source
from t5g.settings import Settings
from t5g.work import load_rq
from tests.workers.cards.conftest import cards_of, complete, learn
from tests.workers.upstreams import Upstreams, ago
from workers.cards.desk import Desk, open_desk
from workers.cards.run import REFUSED, run_cards

NUMBER = "00000001"
MAKING = {"path": "/rest/api/2/issue", "method": "POST", "times": 1}


@pytest.fixture(autouse=True)
def _rq(settings: Settings) -> None:
    load_rq(settings.redis_prefix)


def queued(settings: Settings) -> list[tuple]:
    from rq import Queue

    with open_queue_redis(settings.redis_url) as redis:
        return [(job.func_name, job.args) for job in Queue("high", connection=redis).jobs]


async def test_a_new_case_gets_a_whole_card(world: Upstreams, settings: Settings, desk: Desk):
    world.add_case(NUMBER, severity=2, summary="Line one\nline *two* " + "ž😀" * 200)
    world.add_bug(77, NUMBER)
    await learn(settings)
    report = await run_cards(desk)
    assert not report.failed
    assert not report.waiting
    complete(world, NUMBER)
    card = cards_of(world, NUMBER)[0]
    assert card.priority == "Major"
    assert card.assignee == world.anna
    assert card.labels == ("field-support",)
    assert len(card.summary) <= 255
    assert "\n" not in card.summary
    assert {link.title for link in card.remote_links} >= {"Support Case", "Bug 77"}
    assert card.comments[0].body.endswith("It is assigned to Anna: by account.")
    announced = [row for row in queued(settings) if row[0] == "bot.jobs.announce_card"]
    assert announced == [("bot.jobs.announce_card", (NUMBER, card.key, "by account", ""))]
    fields = await desk.store.read(NUMBER)
    assert fields is not None
    assert card.key in str(fields.states[Source.CARD])
    lines = [e.detail for e in await desk.audit.read(Filter(case=NUMBER))]
    assert any(line.startswith(f"no card → {card.key}") for line in lines)


async def test_settings_say_what_a_card_is_made_with(world: Upstreams, settings: Settings):
    world.jira.projects["T5G"].components = ("Field",)
    world.add_case(NUMBER, severity=4)
    await learn(settings)
    more = {
        "card_type": "Story", "card_component": "Field", "jira_label": "team", "jira_sprint": "12",
        "card_fields": {"customfield_11004": "from the bot", "labels": ["team", "more"]},
        "card_first_status": "Open",
    }  # fmt: skip
    async with open_desk(settings.model_copy(update=more)) as desk:
        assert not (await run_cards(desk)).lacking
    (card,) = cards_of(world, NUMBER)
    assert (card.type, card.priority, card.status) == ("Story", "Minor", "Open")
    assert (card.components, card.labels) == (("Field",), ("team", "more"))
    assert card.custom == {"customfield_11004": "from the bot"}
    assert card.sprint == world.sprint


async def test_a_second_run_does_nothing(world: Upstreams, settings: Settings, desk: Desk):
    world.add_case(NUMBER)
    await learn(settings)
    await run_cards(desk)
    async with open_desk(settings) as other:
        again = await run_cards(other)
    assert not again.plan.rows
    complete(world, NUMBER)


@pytest.mark.parametrize("kind", [Kind.LOSE_ANSWER, Kind.DROP, Kind.TRUNCATE, Kind.DOWN])
async def test_a_lost_answer_leaves_one_card(
    world: Upstreams, settings: Settings, desk: Desk, kind: Kind
):
    """Also when JIRA's search does not know the new card yet."""
    world.add_case(NUMBER)
    await learn(settings)
    world.jira_faults.add(kind, **MAKING)
    world.reset_requests()
    for _ in range(3):
        async with open_desk(settings) as one:
            await run_cards(one)
    complete(world, NUMBER)
    made = [one for one in world.jira_faults.recent if one[:2] == ("POST", MAKING["path"])]
    did_happen = kind in (Kind.LOSE_ANSWER, Kind.TRUNCATE)
    assert len(made) == (1 if did_happen else 2), "nobody repeats a POST unseen"


async def test_jira_that_times_out_after_making_leaves_one_card_each(
    world: Upstreams, settings: Settings
):
    numbers = world.add_cases(4)
    await learn(settings)
    slow = world.settings(
        settings.redis_url, **{"read_only": False, "upstream_timeout": 0.5, "upstream_attempts": 1,
                               "portal_api": "hydra", "jira_index_seconds": 0},
    )  # fmt: skip
    fault = world.jira_faults.add(
        Kind.LOSE_ANSWER, path="/rest/api/2/issue", method="POST", times=4
    )
    async with open_desk(slow) as desk:
        await run_cards(desk)
    world.jira_faults.remove(fault)
    for _ in range(2):
        async with open_desk(settings) as desk:
            await run_cards(desk)
    for number in numbers:
        complete(world, number)


async def test_a_card_the_search_does_not_show_yet_is_waited_for(
    world: Upstreams, settings: Settings
):
    from datetime import timedelta

    world.add_case(NUMBER)
    await learn(settings)
    patient = settings.model_copy(update={"jira_index_seconds": 600.0})
    world.jira.index_lag = timedelta(hours=1)
    world.jira_faults.add(Kind.LOSE_ANSWER, **MAKING)
    for _ in range(3):
        async with open_desk(patient) as desk:
            report = await run_cards(desk)
        assert [number for number, _ in report.waiting] == [NUMBER]
    world.jira.index_lag = timedelta()
    async with open_desk(patient) as desk:
        assert len((await run_cards(desk)).made) == 1
    complete(world, NUMBER)


async def test_a_claim_from_the_future_is_waited_for_once_more_and_no_longer(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    await learn(settings)
    patient = settings.model_copy(update={"jira_index_seconds": 600.0})
    world.jira_faults.add(Kind.DOWN, **MAKING)
    async with open_desk(patient) as desk:
        await run_cards(desk)
        record = await desk.ledger.read(NUMBER)
        await desk.ledger.save(record, asked=desk.clock() + 31 * 86_400)
    world.jira_faults.clear()
    async with open_desk(patient) as desk:
        assert [number for number, _ in (await run_cards(desk)).waiting] == [NUMBER]
        now = desk.clock()
        desk.clock = lambda: now + 601.0
        assert len((await run_cards(desk)).made) == 1
    complete(world, NUMBER)


async def test_two_workers_make_one_card_each(world: Upstreams, settings: Settings):
    numbers = world.add_cases(3)
    await learn(settings)
    async with open_desk(settings) as one, open_desk(settings) as other:
        reports = await asyncio.gather(run_cards(one), run_cards(other))
    assert sorted(report.busy for report in reports) == [False, True]
    for number in numbers:
        complete(world, number)


async def test_two_workers_without_the_lock_make_one_card(world: Upstreams, settings: Settings):
    """As if a paused worker woke up: the record of the card is only one's."""
    world.add_case(NUMBER)
    await learn(settings)
    async with open_desk(settings) as one, open_desk(settings) as other:
        other.lock._key += ":other"
        await asyncio.gather(run_cards(one), run_cards(other))
    async with open_desk(settings) as desk:
        await run_cards(desk)
    complete(world, NUMBER)


async def test_dry_run_decides_the_same_and_calls_nothing(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_cases(3)
    await learn(settings)
    world.reset_requests()
    dry = await run_cards(desk, dry=True)
    assert world.requests() == 0
    assert not await desk.ledger.unfinished()
    async with open_desk(settings) as other:
        assert (await run_cards(other)).plan == dry.plan


async def test_an_installation_that_only_reads_changes_nothing(
    world: Upstreams, settings: Settings
):
    world.add_case(NUMBER)
    await learn(settings)
    async with open_desk(settings.model_copy(update={"read_only": True})) as desk:
        with pytest.raises(RefusedError, match="T5G_READ_ONLY"):
            await run_cards(desk)
    assert not world.jira.issues


async def test_without_a_sync_of_cards_nothing_is_decided(world: Upstreams, desk: Desk):
    with pytest.raises(RefusedError, match="never worked"):
        await run_cards(desk)


async def test_an_unknown_priority_is_left_out_and_noted(world: Upstreams, settings: Settings):
    world.add_case(NUMBER, severity=3)
    await learn(settings)
    odd = settings.model_copy(update={"priority_by_severity": {"Normal": "Whatever"}})
    async with open_desk(odd) as desk:
        (made,) = (await run_cards(desk)).made
    assert made.lacks == {"priority": "Priority name 'Whatever' is not valid"}
    complete(world, NUMBER)


async def test_a_missing_field_is_told_and_mended_by_a_setting(
    world: Upstreams, settings: Settings, desk: Desk
):
    world.add_case(NUMBER)
    world.jira.projects["T5G"].required = ("fix_versions",)
    world.jira.projects["T5G"].versions = ("none",)
    await learn(settings)
    ((number, why),) = (await run_cards(desk)).failed
    assert number == NUMBER
    assert "Fix Version/s is required" in why
    assert [one.name for one in await desk.alerts.raised()] == [REFUSED]
    more = settings.model_copy(update={"card_fields": {"fixVersions": [{"name": "none"}]}})
    async with open_desk(more) as mended:
        await run_cards(mended)
        assert not await mended.alerts.raised()
    complete(world, NUMBER)


async def test_a_text_that_is_too_long_is_cut(world: Upstreams, settings: Settings, desk: Desk):
    world.add_case(NUMBER, description="😀{noformat}" * 20_000)
    await learn(settings)
    assert not (await run_cards(desk)).failed
    complete(world, NUMBER)


async def test_throttling_is_waited_out(world: Upstreams, settings: Settings, desk: Desk):
    world.add_case(NUMBER)
    await learn(settings)
    world.jira_faults.add(Kind.THROTTLE, retry_after="0", **MAKING)
    assert not (await run_cards(desk)).waiting
    complete(world, NUMBER)


async def test_one_refused_case_does_not_stop_the_others(world: Upstreams, settings: Settings):
    numbers = world.add_cases(3)
    await learn(settings)
    world.jira_faults.add(Kind.STATUS, status=400, **MAKING)
    async with open_desk(settings) as desk:
        report = await run_cards(desk)
    assert (len(report.made), len(report.failed)) == (2, 1)
    assert sum(len(cards_of(world, number)) for number in numbers) == 2


async def test_a_workflow_without_a_way_is_noted(world: Upstreams, settings: Settings, desk: Desk):
    world.jira.projects["T5G"].paths = {"New": {"Begin": "Open"}}
    world.add_case(NUMBER)
    await learn(settings)
    (made,) = (await run_cards(desk)).made
    assert "no transition leads from New to To Do; to: Open" in made.lacks["column"]


async def finished_card(world: Upstreams, settings: Settings) -> JiraIssue:
    """A card whose case was closed, seen so by a run, and opened again."""
    world.add_case(NUMBER, created=ago(days=40))
    key = world.add_card(NUMBER, status="Done")
    await learn(settings)
    world.portal.update_case(NUMBER, status="Closed")
    await learn(settings)
    async with open_desk(settings) as desk:
        assert not (await run_cards(desk)).plan.rows
    world.portal.update_case(NUMBER, status="In Progress")
    await learn(settings)
    return world.jira.issues[key]


async def test_a_reopened_case_gets_its_card_back_by_name(world: Upstreams, settings: Settings):
    world.jira.projects["T5G"].paths = {"Done": {"Oops": "Open", "Once more": "To Do"}}
    card = await finished_card(world, settings)
    for expected in (1, 0):
        async with open_desk(settings) as desk:
            assert len((await run_cards(desk)).made) == expected
    assert (card.status, card.sprint) == ("To Do", world.sprint)
    assert [one.body for one in card.comments] == [
        f"Case {NUMBER} is open again; this card is the one it had."
    ]
    assert len(cards_of(world, NUMBER)) == 1


@pytest.mark.parametrize(("days", "status"), [(40, "To Do"), (3, "Done")])
async def test_an_earlier_card_is_found_in_jira(
    world: Upstreams, settings: Settings, desk: Desk, days: int, status: str
):
    """The syncs do not see it (it lacks the label); only an old case has it reopened."""
    world.add_case(NUMBER, created=ago(days=days))
    key = world.add_card(NUMBER, status="Done", labels=[])
    await learn(settings)
    await run_cards(desk)
    assert [card.key for card in cards_of(world, NUMBER)] == [key]
    assert world.jira.issues[key].status == status


async def test_a_card_that_was_deleted_is_made_anew(world: Upstreams, settings: Settings):
    world.add_case(NUMBER)
    await learn(settings)
    async with open_desk(settings) as desk:
        (made,) = (await run_cards(desk)).made
    world.jira.delete_issue(made.key)
    await learn(settings, full=True)
    async with open_desk(settings) as desk:
        await run_cards(desk)
    complete(world, NUMBER)
    assert msgspec.structs.asdict(made)["finished"]
