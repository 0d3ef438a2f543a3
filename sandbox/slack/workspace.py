"""A workspace to begin with: a support team's people, groups and channels.

The demo's world may give its own people (those who own cards and cases); the rest stays.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sandbox.slack.model import ChannelKind
from sandbox.slack.state import SlackState


class Person(NamedTuple):
    """Someone of the team. `name` is the Slack handle; `role` is engineer, lead or admin."""

    name: str
    real_name: str
    email: str
    tz: str = "Etc/UTC"
    role: str = "engineer"


TEAM: Final = (
    Person("ann", "Ann Müller", "ann.mueller@example.com", "Europe/Berlin"),
    Person("bruno", "Bruno Sánchez", "bruno.sanchez@example.com", "Europe/Madrid"),
    Person("chidi", "Chidi Okafor", "chidi.okafor@example.com", "America/New_York"),
    Person("dana", "Dana Kim", "dana.kim@example.com", "Asia/Seoul"),
    Person("lena", "Lena Novák", "lena.novak@example.com", "Europe/Prague", "lead"),
    Person("olu", "Olu Adeyemi", "olu.adeyemi@example.com", "Africa/Lagos", "admin"),
)
_TITLES: Final = {
    "engineer": "Field support engineer",
    "lead": "Team lead",
    "admin": "Operator",
}

GENERAL: Final = "field-support"
HIGH: Final = "cases-high"
LOW: Final = "cases-low"
DIGEST: Final = "escalations"
PRIVATE: Final = "acme-private"


def fill_workspace(state: SlackState, people: Sequence[Person] = TEAM) -> None:
    """Add the people, a group for each role, and the channels the bot posts to.

    One private channel is without the bot, for what happens where it is not.
    """
    ids: dict[str, list[str]] = {role: [] for role in _TITLES}
    for person in people:
        user = state.add_user(
            person.name,
            person.real_name,
            person.email,
            tz=person.tz,
            title=_TITLES.get(person.role, person.role),
            is_admin=person.role == "admin",
        )
        ids.setdefault(person.role, []).append(user.id)
    for role, members in ids.items():
        state.add_user_group(f"t5g-{role}s", f"T5G {role}s", members)
    state.add_channel(GENERAL, topic="Cases, cards and everything between")
    state.add_channel(DIGEST, topic="The daily digest of escalations")
    state.add_channel(HIGH, topic="New cards: urgent and high")
    state.add_channel(LOW, topic="New cards: normal and low")
    state.add_channel("random", topic="Not about cases", with_bot=False)
    everyone = [one for members in ids.values() for one in members]
    private = everyone[:2]
    state.add_channel(PRIVATE, kind=ChannelKind.PRIVATE, members=private, with_bot=False)
