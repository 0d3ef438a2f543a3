"""Messages to be posted later, with Slack's limits and its oddity about metadata.

Rules of docs.slack.dev/reference/methods/chat.scheduleMessage: at most 120 days ahead, thirty in
five minutes a channel, no cancelling in the last minute; one with metadata is never posted.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from sandbox.slack.model import Json, ScheduledMessage, SlackError
from sandbox.slack.state import SlackState

FURTHEST: Final = 120 * 86_400
WINDOW: Final = 300
PER_WINDOW: Final = 30
TOO_LATE: Final = 60
_LOOK_EVERY: Final = 0.5


@dataclass(slots=True)
class Schedule:
    """What is to be posted, by id."""

    state: SlackState
    waiting: dict[str, ScheduledMessage] = field(default_factory=dict)

    def add(self, channel: str, post_at: int, payload: Json) -> ScheduledMessage:
        """Schedule a message, or say why not."""
        now = self.state.clock()
        if post_at <= now:
            raise SlackError("time_in_past")
        if post_at > now + FURTHEST:
            raise SlackError("time_too_far")
        window = post_at // WINDOW
        near = [one for one in self.of(channel) if one.post_at // WINDOW == window]
        if len(near) >= PER_WINDOW:
            raise SlackError("restricted_too_many")
        message_id = self.state.new_id("Q")
        entry = ScheduledMessage(message_id, channel, post_at, payload, int(now))
        self.waiting[message_id] = entry
        return entry

    def of(self, channel: str | None) -> list[ScheduledMessage]:
        """What waits, soonest first, of one channel or of all."""
        found = (one for one in self.waiting.values() if channel in {None, one.channel})
        return sorted(found, key=lambda one: one.post_at)

    def cancel(self, channel: str, message_id: str) -> None:
        """Do not post a message after all."""
        entry = self.waiting.get(message_id)
        if entry is None or entry.channel != channel:
            raise SlackError("invalid_scheduled_message_id")
        if entry.post_at - self.state.clock() < TOO_LATE:
            raise SlackError("invalid_scheduled_message_id")
        del self.waiting[message_id]

    def post_due(self) -> int:
        """Post what is due; how many were posted."""
        now = self.state.clock()
        due = [entry for entry in self.of(None) if entry.post_at <= now]
        for entry in due:
            del self.waiting[entry.id]
            if not entry.payload.get("metadata"):
                self.state.add_message(entry.channel, self.state.bot_user.id, **entry.payload)
        return len(due)

    async def run(self) -> None:
        """Post what comes due, for ever."""
        while True:
            self.post_due()
            await asyncio.sleep(_LOOK_EVERY)
