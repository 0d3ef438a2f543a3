"""What is typed in Slack is in JIRA, done by a real worker, and its answer comes back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from t5g.audit import Audit, Filter
from tests.bot.conftest import Channel, channel
from tests.workers.reading import synced
from tests.workers.starting import Workers
from tests.workers.upstreams import Upstreams

__all__ = ["channel"]

NUMBER = "00000001"
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture
async def options(world: Upstreams) -> dict[str, Any]:
    """A bot that may change JIRA; the team file names no real account there but Ann's address."""
    world.jira.add_user("Ann M.", "ann@example.com", "a")
    found = world.settings("redis://unused", read_only=False, portal_api="hydra")
    return {
        "read_only": False, "portal_api": "hydra", "jira_user": found.jira_user,
        **{name: str(getattr(found, name)) for name in ADDRESSES},
        **{name: getattr(found, name).get_secret_value() for name in SECRETS},
        "upstream_backoff": 0.01,
    }  # fmt: skip


ADDRESSES = ("sso_url", "portal_url", "portal_rest_url", "jira_url", "bugzilla_url")
SECRETS = ("portal_offline_token", "jira_token", "bugzilla_api_key")


@pytest.fixture
async def worked(channel: Channel) -> AsyncIterator[Any]:
    """Lets a worker do all that was asked for, its answer to Slack included."""
    workers = Workers(channel.settings)
    slack = {
        "slack_api_url": str(channel.settings.slack_api_url),
        "slack_bot_token": channel.settings.slack_bot_token.get_secret_value(),
        "slack_signing_secret": channel.settings.slack_signing_secret.get_secret_value(),
        "team_file": str(channel.settings.team_file), "read_only": False,
    }  # fmt: skip

    async def work() -> None:
        await (await workers(burst=True, **slack)).wait()

    yield work
    await workers.stop()


async def test_claim_comment_and_escalate_arrive_in_jira_and_answer(
    world: Upstreams, channel: Channel, worked: Any
) -> None:
    world.add_case(NUMBER)
    key = world.add_card(NUMBER, assignee=world.anna)
    await synced(channel.settings, "cases", "cards")
    assert "Claiming case" in await channel.said(f"claim {NUMBER}")
    assert "Commenting on case" in await channel.said(f"comment {NUMBER} The fix is in 4.16.3")
    assert "Marking case" in await channel.said(f"escalate {NUMBER} customer waits")
    await worked()
    issue = world.jira.issues[key]
    assert issue.assignee is not None
    assert issue.assignee.account_id == "a"
    assert [one.body for one in issue.comments] == [
        "The fix is in 4.16.3\n\n— Ann Müller, in Slack",
        "Potential escalation: customer waits\n\n— Ann Müller, in Slack",
    ]
    assert issue.labels == ("field-support", "PotentialEscalation")
    shown = "\n".join([str(message) for message in await channel.messages()])
    for answer in ("is assigned to Ann M.", "The comment is on", "is marked as a potential"):
        assert answer in shown
    audit = Audit(channel.context.redis, channel.context.keys)
    rows = await audit.read(Filter(case=NUMBER, outcome="done", origin="job"))
    assert [(row.who, row.detail) for row in reversed(rows) if row.detail] == [
        (channel.user, f"{key} assignee: Anna Příkladová → Ann M."),
        (channel.user, f"{key}: comment of 20 characters"),
        (channel.user, f"{key} labels: field-support → field-support PotentialEscalation"),
    ]
