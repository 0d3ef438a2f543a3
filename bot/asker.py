"""Who asks, from where, and what they may do. A value; `bot.people` makes it."""

from enum import StrEnum

from msgspec import Struct

from t5g.team import Me, Role


class Origin(StrEnum):
    """How a question came."""

    COMMAND = "command"
    BUTTON = "button"
    MENTION = "mention"
    MESSAGE = "message"
    SHORTCUT = "shortcut"
    HOME = "home"
    TERMINAL = "terminal"


class Standing(StrEnum):
    """How somebody in Slack stands to our workspace; only a member can have a role.

    UNKNOWN: Slack knows nobody of that id. UNSURE: it did not say (in time).
    """

    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"
    APP = "app"
    GONE = "gone"
    UNKNOWN = "unknown"
    UNSURE = "unsure"


class Asker(Struct, frozen=True, kw_only=True):
    """A person and the place of the question.

    `me`: whom `me` means in their queries. `jira`: their JIRA account, "" if the team file names
    none. `zone`: their time zone, "" if unknown. `role` None: may not read. `unsure`: Slack did not
    say (in time) who they are or whether they are in a group, so that the role may be a higher one.
    """

    id: str
    name: str = ""
    email: str = ""
    me: Me = Me()
    jira: str = ""
    zone: str = ""
    role: Role | None = Role.VIEWER
    standing: Standing = Standing.MEMBER
    unsure: bool = False
    channel: str = ""
    origin: Origin = Origin.COMMAND

    def may(self, role: Role) -> bool:
        """Say whether the person may do what needs `role`."""
        return self.role is not None and self.role.includes(role)

    @property
    def signature(self) -> str:
        """The name to put under what they write elsewhere."""
        return self.name or self.id

    @property
    def post_to(self) -> str:
        """Where to post what was asked for here: a direct conversation is the person's own."""
        return self.id if self.channel.startswith("D") or not self.channel else self.channel
