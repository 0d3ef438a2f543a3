"""Life goes on: every step changes one thing, tells it, and the world stays a whole one."""

import asyncio
import contextlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jira.state import FINISHED, Event
from sandbox.life import Life
from sandbox.scene import PROJECT, World
from sandbox.world import WorldPlan, make_world

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    """Goes on by ten seconds with each look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=10)
        return self.now


@pytest.fixture
def world() -> World:
    return make_world(WorldPlan(cases=60, closed=20), clock=Clock())


def test_every_step_tells_what_happened(world: World) -> None:
    life = Life(world)
    told = [life.step() for _ in range(300)]
    assert "Nothing happens" not in told
    assert all(len(one) < 160 and "\n" not in one for one in told)
    assert list(life.history) == told[-200:]


def test_the_same_seed_lives_the_same_life() -> None:
    lives = [Life(make_world(WorldPlan(cases=30), clock=Clock()), random.Random(5)) for _ in "12"]
    first, second = ([life.step() for _ in range(50)] for life in lives)
    assert first == second


@pytest.mark.parametrize(
    "happening",
    [
        "open_case", "close_case", "reopen_case", "raise_severity", "lower_severity",
        "customer_comments", "associate_answers", "make_card", "move_card", "assign_card",
        "comment_on_card", "mark_card", "file_escalation", "close_escalation", "change_bug",
        "change_defect",
    ],
)  # fmt: skip
def test_everything_that_can_happen_does(world: World, happening: str) -> None:
    life, events = Life(world), list[Event]()
    world.jira.listeners.append(events.append)
    before = world.portal.revision, [bug.changed for bug in world.bugzilla.bugs.values()]
    told = next((one for _ in range(20) if (one := getattr(life, happening)())), None)
    assert told
    after = world.portal.revision, [bug.changed for bug in world.bugzilla.bugs.values()]
    assert events or before != after


def test_a_closed_case_has_a_done_card(world: World) -> None:
    life = Life(world)
    for _ in range(10):
        told = life.close_case() or ""
        number = told.split()[1]
        assert world.portal.cases[number].is_closed
        if number in world.cards:
            assert world.jira.issues[world.cards[number]].status in FINISHED


def test_a_card_made_by_somebody_else_is_not_made_again(world: World) -> None:
    life = Life(world)
    for case in world.open_cases():
        if case.number not in world.cards:
            world.jira.create_issue(PROJECT, f"{case.number}: made by hand")
    assert life.make_card() is None


def test_it_lives_on_when_people_delete_cards_and_cases(world: World) -> None:
    life = Life(world)
    for key in list(world.jira.issues)[:60]:
        world.jira.delete_issue(key)
    for number in list(world.portal.cases)[:60]:
        world.portal.remove_case(number)
    for _ in range(300):
        life.step()


def test_the_number_of_open_cases_stays_about_the_same(world: World) -> None:
    life = Life(world)
    for _ in range(3000):
        life.step()
    assert 20 < len(world.open_cases()) < 200


async def test_it_runs_until_it_is_cancelled(world: World) -> None:
    told: list[str] = []
    running = asyncio.create_task(Life(world).run(0.001, told.append))
    async with asyncio.timeout(2):
        while len(told) < 5:
            await asyncio.sleep(0.001)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
