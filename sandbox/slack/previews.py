"""Link previews: which links the app was told of, and what it answered.

A preview must name a URL exactly as its link_shared event did (with `&amp;` where that had it).
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from sandbox.slack.model import Change, Json, SlackError
from sandbox.slack.state import SlackState, attachments_with_ids

COMPOSER: Final = "COMPOSER"


@dataclass(slots=True)
class SharedLinks:
    """The links of one event; in the composer they have no message yet, only a draft."""

    unfurl_id: str
    channel: str
    message_ts: str
    user: str
    urls: tuple[str, ...]
    draft: dict[str, Json] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the links stand, as the event says."""
        return "composer" if self.channel == COMPOSER else "conversations_history"


@dataclass(slots=True)
class Previews:
    """Every link_shared event that was sent."""

    state: SlackState
    shared: dict[str, SharedLinks] = field(default_factory=dict)

    def share(self, channel: str, message_ts: str, user: str, urls: list[str]) -> SharedLinks:
        """Remember links that the app is about to hear of."""
        unfurl_id = f"{channel}.{message_ts}.{secrets.token_hex(32)}"
        found = SharedLinks(unfurl_id, channel, message_ts, user, tuple(urls))
        self.shared[unfurl_id] = found
        return found

    def by_message(self, channel: str, message_ts: str) -> SharedLinks:
        """The links of a message."""
        for found in self.shared.values():
            if (found.channel, found.message_ts) == (channel, message_ts):
                return found
        raise SlackError("cannot_unfurl_message")

    def by_id(self, unfurl_id: str, source: str) -> SharedLinks:
        """The links of an event."""
        found = self.shared.get(unfurl_id)
        if found is None or found.source != source:
            raise SlackError("invalid_unfurl_id")
        return found

    def unfurl(self, links: SharedLinks, unfurls: dict[str, Json]) -> None:
        """Show previews below the message, or in the composer."""
        if unknown := next((url for url in unfurls if url not in links.urls), None):
            raise SlackError("cannot_unfurl_url", url=unknown)
        unfurls = dict(
            zip(unfurls, attachments_with_ids(self.state, list(unfurls.values())), strict=True)
        )
        if links.source == "composer":
            links.draft |= unfurls
            self.state.changed(Change("draft", user=links.user))
            return
        message = self.state.message(links.channel, links.message_ts)
        message.unfurls |= unfurls
        self.state.changed(Change("channel", links.channel))
