"""The addresses at which the app may answer a command or a click later.

Rules of docs.slack.dev/interactivity/handling-user-interaction: five posts within thirty minutes,
no membership needed, and the only way to change an ephemeral message. What a command's immediate
HTTP answer says is understood by the same function.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.slack.model import Message, SlackError
from sandbox.slack.rules import Violation, validate_message
from sandbox.slack.state import SlackState

USES: Final = 5
SECONDS: Final = 30 * 60
_FORGET_AFTER: Final = 2 * SECONDS


@dataclass(slots=True)
class ResponseUrl:
    """One address: where it answers to, whom, and about which message (none for a command)."""

    kind: str
    token: str
    channel: str
    user: str
    issued: float
    message: Message | None = None
    uses: int = 0


@dataclass(slots=True)
class ResponseUrls:
    """Every address that was given out."""

    state: SlackState
    _by_token: dict[str, ResponseUrl] = field(default_factory=dict)

    def issue(self, kind: str, channel: str, user: str, message: Message | None = None) -> str:
        """An address for what a person just did; `kind` is `commands` or `actions`."""
        self._forget_old()
        token = secrets.token_urlsafe(18)
        entry = ResponseUrl(kind, token, channel, user, self.state.clock(), message)
        self._by_token[token] = entry
        return f"{self.state.base_url}/{kind}/{self.state.team_id}/{self.state.new_id('')}/{token}"

    def _forget_old(self) -> None:
        limit = self.state.clock() - _FORGET_AFTER
        while self._by_token and next(iter(self._by_token.values())).issued < limit:
            self._by_token.pop(next(iter(self._by_token)))

    def use(self, kind: str, token: str, body: Mapping[str, Any]) -> None:
        """Do what the app posted to an address, or raise `SlackError`."""
        entry = self._by_token.get(token)
        if entry is None or entry.kind != kind:
            raise SlackError("invalid_url")
        if self.state.clock() - entry.issued > SECONDS:
            raise SlackError("expired_url")
        if entry.uses >= USES:
            raise SlackError("used_url")
        entry.uses += 1
        self._answer(entry, body)

    def answer_command(self, channel: str, user: str, body: Mapping[str, Any]) -> Message | None:
        """Show what a command's HTTP response says; an empty one shows nothing."""
        entry = ResponseUrl("commands", "", channel, user, self.state.clock())
        return self._answer(entry, body) if body else None

    def _answer(self, entry: ResponseUrl, body: Mapping[str, Any]) -> Message | None:
        original = entry.message
        if body.get("delete_original"):
            if original is not None:
                self.state.delete_message(original)
            return None
        refuse(validate_message(body))
        if body.get("replace_original") and original is not None:
            self.state.edit_message(
                original,
                text=body.get("text") or "",
                blocks=body.get("blocks"),
                attachments=body.get("attachments"),
            )
            return original
        return self._post(entry, body)

    def _post(self, entry: ResponseUrl, body: Mapping[str, Any]) -> Message:
        public = body.get("response_type") == "in_channel"
        return self.state.add_message(
            entry.channel,
            self.state.bot_user.id,
            body.get("text") or "",
            blocks=body.get("blocks"),
            attachments=body.get("attachments"),
            thread_ts=body.get("thread_ts"),
            to=None if public else entry.user,
        )


def refuse(violations: list[Violation]) -> None:
    """Raise what Slack answers to a payload that breaks its rules; advice passes."""
    refused = [one for one in violations if one.refused]
    if refused:
        details = [f"{one.message} [json-pointer:{one.path}]" for one in refused]
        raise SlackError(
            refused[0].code,
            errors=details,
            response_metadata={"messages": [f"[ERROR] {detail}" for detail in details]},
        )
