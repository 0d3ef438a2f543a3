"""What people write: messages, slash commands, links pasted into the composer.

Written text becomes Slack's own (`typed.py`), is sent to the app as a command or as the events it
subscribed to, and a command's answer is shown. Knows no HTTP server.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.slack import payloads, typed
from sandbox.slack.delivery import Outcome, RequestKind
from sandbox.slack.dispatcher import Dispatcher
from sandbox.slack.membership import Membership
from sandbox.slack.model import Channel, ChannelKind, Json, Message, SlackError, User
from sandbox.slack.previews import COMPOSER, Previews, SharedLinks
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.state import SlackState
from sandbox.slack.views import ViewBook

_REFUSED_ANSWER: Final = "invalid_command_response"


@dataclass(slots=True)
class Writing:
    """Everything one can type. `SlackError`, `LookupError`: one can not."""

    state: SlackState
    views: ViewBook
    previews: Previews
    response_urls: ResponseUrls
    dispatcher: Dispatcher
    membership: Membership

    async def say(
        self, user: User, channel: Channel, text: str, thread_ts: str | None = None
    ) -> Message:
        """Write a message; the app hears of it by the events it subscribed to."""
        self.membership.enter(user, channel)
        if thread_ts is not None:
            self.state.message(channel.id, thread_ts)
        stored = typed.as_stored(self.state, text.strip())
        if not stored:
            raise SlackError("no_text")
        message = self.state.add_message(
            channel.id,
            user.id,
            stored,
            blocks=typed.rich_text(stored),
            thread_ts=thread_ts,
            client_msg_id=str(uuid.uuid4()),
        )
        self._tell_of_message(user, channel, message)
        self._tell_of_links(user, channel, message)
        return message

    def _tell_of_message(self, user: User, channel: Channel, message: Message) -> None:
        bot = self.state.bot_user.id
        mentioned = f"<@{bot}>" in message.text and channel.kind is not ChannelKind.IM
        if bot not in channel.members:
            if mentioned:
                text = f"You mentioned <@{bot}>, but they're not in this channel."
                self.membership.slackbot(
                    channel, user, f"{text} Type `/invite @{self.state.bot_user.name}`."
                )
            return
        event = payloads.message_event(self.state, channel, message)
        names = {"channel": "channels", "group": "groups"}
        kind = names.get(channel.event_type, channel.event_type)
        if self.state.installation.subscribed(f"message.{kind}"):
            self.dispatcher.emit(event)
        if mentioned and self.state.installation.subscribed("app_mention"):
            mention = {key: value for key, value in event.items() if key != "channel_type"}
            self.dispatcher.emit(mention | {"type": "app_mention"})

    def _tell_of_links(self, user: User, channel: Channel, message: Message) -> None:
        urls = self._own_links(message.text)
        if urls:
            links = self.previews.share(channel.id, message.ts, user.id, urls)
            self._emit_links(links, thread_ts=message.thread_ts if message.is_reply else None)

    def _own_links(self, text: str) -> list[str]:
        installed = self.state.installation
        if not installed.subscribed("link_shared"):
            return []
        return [url for url in typed.links_of(text) if installed.unfurls(typed.host_of(url))]

    def _emit_links(self, links: SharedLinks, thread_ts: str | None = None) -> None:
        known = self.state.channels.get(links.channel)
        event: Json = {
            "type": "link_shared",
            "channel": links.channel,
            "is_bot_user_member": known is not None and self.state.bot_user.id in known.members,
            "user": links.user,
            "message_ts": links.message_ts,
            "unfurl_id": links.unfurl_id,
            "source": links.source,
            "links": [{"domain": typed.host_of(url), "url": url} for url in links.urls],
            "event_ts": self.state.new_ts(),
        }
        self.dispatcher.emit(event | ({"thread_ts": thread_ts} if thread_ts else {}))

    def paste(self, user: User, text: str) -> str | None:
        """Paste links into the composer; gives the unfurl_id if the app previews any of them."""
        urls = self._own_links(typed.as_stored(self.state, text))
        if not urls:
            return None
        draft_ts = f"draft-{self.state.new_ts()}"
        links = self.previews.share(COMPOSER, draft_ts, user.id, urls)
        self._emit_links(links)
        return links.unfurl_id

    async def command(self, user: User, channel: Channel, command: str, text: str) -> Outcome:
        """Type a slash command; what the app answers at once is shown in the channel."""
        self.membership.enter(user, channel)
        installed = self.state.installation.command(command)
        if installed is None:
            return self._own_command(user, channel, command, text)
        stored = text.strip()
        if installed.should_escape:
            stored = typed.as_stored(self.state, stored, labels=True)
        else:
            stored = typed.as_plain(stored)
        form = payloads.slash_command(self.state, user, channel, command=command, text=stored)
        form["response_url"] = self.response_urls.issue("commands", channel.id, user.id)
        form["trigger_id"] = self.views.new_trigger(user.id)
        outcome = await self.dispatcher.deliver(RequestKind.COMMAND, form)
        return self._show_answer(user, channel, f"{command} {text}".strip(), outcome)

    def _show_answer(self, user: User, channel: Channel, line: str, outcome: Outcome) -> Outcome:
        error = outcome.error
        if error is None:
            try:
                self._post_answer(user, channel, line, outcome.body or {})
            except SlackError as refused:
                error = _REFUSED_ANSWER
                self.state.problem(line, f"{error}: {refused.code}", _details(refused))
        if error is not None:
            command = line.split(" ", 1)[0]
            self.membership.slackbot(channel, user, f'{command} failed with the error "{error}"')
        return Outcome(outcome.status, outcome.elapsed_ms, outcome.body, error)

    def _post_answer(
        self, user: User, channel: Channel, line: str, body: Mapping[str, Any]
    ) -> None:
        public = body.get("response_type") == "in_channel"
        shown = self.response_urls.answer_command(channel.id, user.id, body)
        if public:
            at = float(shown.ts) - 0.001 if shown else None
            self.state.add_message(channel.id, user.id, typed.as_plain(line), at=at)

    def _own_command(self, user: User, channel: Channel, command: str, text: str) -> Outcome:
        if command in {"/invite", "/remove"}:
            someone = self.state.user(text.strip())
            self.membership.let_in(user, channel, someone, join=command == "/invite")
            return Outcome(200, 0)
        self.membership.slackbot(channel, user, f"`{command}` is not a valid command.")
        return Outcome(None, 0, error="unknown_command")


def _details(error: SlackError) -> str:
    return "; ".join(error.extra.get("errors", ()))
