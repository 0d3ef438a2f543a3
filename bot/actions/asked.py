"""Questions: slash commands, mentions, direct messages."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.response import BoltResponse

from bot.actions.clicks import request_name
from bot.asker import Origin
from bot.context import Context
from bot.previews import answer_numbers
from bot.replies import ReplyTo
from bot.speaking import ONE_MOMENT, Speaker, Spoken, body_of
from bot.typed import plain, without_mention
from t5g.logs import logger

log = logger(__name__)

_MOMENT = body_of({"text": ONE_MOMENT})
#: Messages that nobody wrote just now.
_KINDS = frozenset({"", "thread_broadcast", "file_share", "me_message"})


class Questions:
    """Listeners for what people type."""

    def __init__(self, context: Context, speaker: Speaker) -> None:
        self._context = context
        self._speaker = self.speaker = speaker

    async def command(self, ack: AsyncAck, command: dict[str, Any]) -> None:
        """`/t5g …` by way of Bolt (Socket Mode)."""
        body = await self.answered(command)
        ack.response = BoltResponse(status=200, body=body.decode())

    async def answered(self, command: Mapping[str, Any]) -> bytes:
        """`/t5g …`: answered in the acknowledgement itself, to the asker alone. Never raises."""
        reply = ReplyTo(
            user=_text(command, "user_id"),
            channel=_text(command, "channel_id"),
            url=_text(command, "response_url"),
            request=request_name("command", _text(command, "trigger_id")),
        )
        name, text = _text(command, "user_name"), plain(_text(command, "text"))
        task = await self._speaker.soon(self._answer(text, name, reply, Origin.COMMAND))
        if task.done():
            spoken = task.result()
            if spoken.follows:
                self._context.tasks.start(self._speaker.hand_over(spoken, reply), "hand over")
            return spoken.body
        self._context.tasks.start(self._late(task, reply), "late answer")
        return _MOMENT

    async def mention(self, body: dict[str, Any], bot_user: str) -> None:
        """`@t5g …` in a channel: answered to the asker alone, in the thread if it is in one."""
        event = event_of(body)
        if _from_bot(event):
            return
        text = without_mention(_text(event, "text"), bot_user)
        self._context.tasks.start(self._say(text, event, Origin.MENTION), "mention")

    async def message(self, body: dict[str, Any], bot_user: str) -> None:
        """A direct message is a question; in a watched channel a case's number gets a card."""
        event = event_of(body)
        if _from_bot(event) or _text(event, "subtype") not in _KINDS:
            return
        if event.get("channel_type") == "im":
            text = without_mention(_text(event, "text"), bot_user)
            self._context.tasks.start(self._say(text, event, Origin.MESSAGE), "direct message")
        elif not bot_user or f"<@{bot_user}>" not in _text(event, "text"):
            self._context.tasks.start(answer_numbers(self._context, body), "numbers")

    async def _say(self, text: str, event: dict[str, Any], origin: Origin) -> None:
        reply = ReplyTo(
            user=_text(event, "user"),
            channel=_text(event, "channel"),
            thread=_text(event, "thread_ts"),
        )
        spoken = await self._answer(plain(text), "", reply, origin)
        said = await self._context.replies.say(reply, spoken.payload)
        await self._speaker.hand_over(spoken, said)

    async def _late(self, task: Any, reply: ReplyTo) -> None:
        spoken = await task
        await self._context.replies.send(reply, spoken.payload, replace=True)
        await self._speaker.hand_over(spoken, reply)

    async def _answer(self, text: str, name: str, reply: ReplyTo, origin: Origin) -> Spoken:
        asker = await self._context.people.asker(
            reply.user, name, channel=reply.channel, origin=origin
        )
        return await self._speaker.speak(text, asker, back=reply)


def event_of(body: dict[str, Any]) -> dict[str, Any]:
    """The event in an envelope."""
    event = body.get("event")
    return event if isinstance(event, dict) else {}


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _from_bot(event: dict[str, Any]) -> bool:
    return bool(event.get("bot_id") or event.get("bot_profile")) or not _text(event, "user")
