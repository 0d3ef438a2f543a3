"""A world with cases, a team and JIRA as Cloud and as Data Center, for tests of cards."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.jira.model import FINISHED
from t5g.settings import Settings
from tests.workers.reading import synced
from tests.workers.upstreams import Upstreams
from workers.cards.desk import Desk, open_desk

TEAM = """
[[people]]
name = "Anna"
email = "anna@example.com"
accounts = ["ACME"]
portal = "rhn-anna"

[[people]]
name = "Ben"
email = "ben@example.com"
"""


@pytest.fixture(params=[True, False], ids=["cloud", "data-center"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Upstreams]:
    """A world without cards."""
    made = Upstreams(cloud=request.param)
    made.jira.add_user("Ben", "ben@example.com")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A team file."""
    path = tmp_path / "team.toml"
    path.write_text(TEAM)
    return path


@pytest.fixture
def settings(world: Upstreams, redis_url: str, team: Path) -> Settings:
    """Settings that lead there and may change things."""
    return world.settings(
        redis_url, read_only=False, upstream_attempts=2, upstream_timeout=2, team_file=team,
        jira_index_seconds=0, portal_api="hydra",
    )  # fmt: skip


@pytest.fixture
async def desk(world: Upstreams, settings: Settings) -> AsyncIterator[Desk]:
    """An open desk."""
    async with open_desk(settings) as found:
        yield found


async def learn(settings: Settings, *, full: bool = False) -> None:
    """Let the syncs see the world; only a full one sees that a card was deleted."""
    await synced(settings, "cases", "cards", full=full)


def cards_of(world: Upstreams, number: str) -> list:
    """The cards of a case in JIRA."""
    issues = world.jira.issues.values()
    return [one for one in issues if one.project == "T5G" and one.summary.startswith(number)]


def complete(world: Upstreams, number: str) -> None:
    """Check that a case has exactly one card, whole."""
    (card,) = cards_of(world, number)
    assert card.sprint == world.sprint
    assert card.status == "To Do"
    assert [link.title for link in card.remote_links].count("Support Case") == 1
    assert len(card.comments) == 1
    assert card.status not in FINISHED
