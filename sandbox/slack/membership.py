"""Who is in which conversation, and the little that Slackbot says about it.

Shared by all that people do: nothing can be done in a channel one may not see.
"""

from dataclasses import dataclass

from sandbox.slack.dispatcher import Dispatcher
from sandbox.slack.model import SLACKBOT, Channel, SlackError, User
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

    def let_in(self, user: User, channel: Channel, someone: User, *, join: bool) -> None:
        """Let someone join or leave a channel, by `user`."""
        change = self.state.join if join else self.state.leave
        if not change(channel, someone.id):
            return
        kind = "member_joined_channel" if join else "member_left_channel"
        if self.state.installation.subscribed(kind):
            event = {
                "type": kind,
                "user": someone.id,
                "channel": channel.id,
                "channel_type": channel.id[0],
                "team": self.state.team_id,
                "event_ts": self.state.new_ts(),
            }
            self.dispatcher.emit(event | ({"inviter": user.id} if join else {}))
