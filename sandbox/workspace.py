"""Furnishes the stand-in Slack for the world's team: people, channels, a user group.

Ids of channels depend on nothing but their order, so that settings can name them beforehand.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from sandbox.scene import Engineer
from sandbox.slack.model import ChannelKind
from sandbox.slack.state import SlackState

#: Channels by name, with what they are for; a private one the bot is not in comes last.
GENERAL: Final = "general"
DIGEST: Final = "t5g-digest"
HIGH: Final = "t5g-high"
LOW: Final = "t5g-low"
OPERATIONS: Final = "t5g-ops"
_CHANNELS: Final[Mapping[str, str]] = {
    GENERAL: "Company-wide announcements",
    DIGEST: "The daily escalation digest",
    HIGH: "New urgent and high cases",
    LOW: "New normal and low cases",
    OPERATIONS: "What the bot's operators must know",
}
_PRIVATE: Final = "t5g-leads"
GROUP: Final = "t5g-engineers"


def furnish_workspace(slack: SlackState, team: Iterable[Engineer]) -> dict[str, str]:
    """Let the team in and open the channels; gives ids of channels by name."""
    engineers = list(team)
    for place, engineer in enumerate(engineers):
        slack.add_user(
            engineer.handle,
            engineer.name,
            engineer.email,
            tz=engineer.time_zone,
            title="Lead" if place == 0 else "Field support engineer",
            is_admin=place == 0,
            user_id=engineer.slack_id,
        )
    ids = {name: slack.add_channel(name, topic=topic).id for name, topic in _CHANNELS.items()}
    leads = [engineer.slack_id for engineer in engineers[:2]]
    private = slack.add_channel(
        _PRIVATE, kind=ChannelKind.PRIVATE, members=leads, with_bot=False, topic="Leads only"
    )
    slack.add_user_group(GROUP, "T5G engineers", [one.slack_id for one in engineers])
    return {**ids, _PRIVATE: private.id}


def channel_ids() -> dict[str, str]:
    """The ids that the channels of every furnished workspace have."""
    return furnish_workspace(SlackState(), ())
