"""Who is in which conversation, and the little that Slackbot says about it.

Shared by all that people do: nothing can be done in a channel one may not see.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.slack.dispatcher import Dispatcher
from sandbox.slack.model import SLACKBOT, Change, Channel, SlackError, User
from sandbox.slack.state import SlackState


@dataclass(slots=True)
class Membership:
    """Joining and leaving; the app hears of it by events."""

    state: SlackState
    dispatcher: Dispatcher

    def enter(self, user: User, channel: Channel) -> None:
        """A public channel is joined by using it; another one does not exist for strangers."""
        if not channel.visible_to(user.id):
            raise SlackError("channel_not_found")
        if user.id not in channel.members:
            self.let_in(user, channel, user, join=True)

    def slackbot(self, channel: Channel, user: User, text: str) -> None:
        """Say something to one person only."""
        self.state.add_message(channel.id, SLACKBOT, text, to=user.id)

    def change(self, user: User, **standing: Any) -> None:
        """Change what a person is (deactivated, a guest, …); the app hears of it."""
        for name, value in standing.items():
            setattr(user, name, value)
        self.state.changed(Change("people"))
        self.tell_of("user_change", user=user.as_json(), cache_ts=int(self.state.clock()))

    def connect(self, channel: Channel, team: str, *, pending: bool = False) -> None:
        """Share a channel with another company, or invite it; the app hears when it joined."""
        (channel.pending_teams if pending else channel.external_teams).append(team)
        if not pending:
            self.tell_of("channel_shared", connected_team_id=team, channel=channel.id)

    def tell_of(self, kind: str, **facts: Any) -> None:
        """Send an event of this kind, if the app subscribed to it."""
        if self.state.installation.subscribed(kind):
            self.dispatcher.emit({"type": kind, **facts, "event_ts": self.state.new_ts()})

    def let_in(self, user: User, channel: Channel, someone: User, *, join: bool) -> None:
        """Let someone join or leave a channel, by `user`."""
        change = self.state.join if join else self.state.leave
        if not change(channel, someone.id):
            return
        kind = "member_joined_channel" if join else "member_left_channel"
        by = {"inviter": user.id} if join else {}
        self.tell_of(
            kind, user=someone.id, channel=channel.id, channel_type=channel.id[0],
            team=someone.team_id, **by,
        )  # fmt: skip
