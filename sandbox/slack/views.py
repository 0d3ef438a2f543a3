"""Modals and home tabs: the stack each person sees, trigger ids, hashes.

Rules of docs.slack.dev/surfaces/modals: a trigger id opens one view within three seconds, a stack
is three views high, an update may insist on the hash it saw.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from sandbox.slack.model import Change, Json, SlackError, View, ViewKind
from sandbox.slack.state import SlackState, with_ids

TRIGGER_SECONDS: Final = 3.0
STACK_HEIGHT: Final = 3
_FORGET_AFTER: Final = 600.0


@dataclass(slots=True)
class _Trigger:
    user: str
    issued: float
    used: bool = False


@dataclass(slots=True)
class ViewBook:
    """Every open view of the workspace."""

    state: SlackState
    homes: dict[str, View] = field(default_factory=dict)
    _stacks: dict[str, list[View]] = field(default_factory=dict)
    _triggers: dict[str, _Trigger] = field(default_factory=dict)

    def new_trigger(self, user: str) -> str:
        """A trigger id for what a person just did."""
        now = self.state.clock()
        while self._triggers and self._oldest().issued < now - _FORGET_AFTER:
            self._triggers.pop(next(iter(self._triggers)))
        trigger = f"{int(now * 1000)}.{self.state.team_id}.{secrets.token_hex(16)}"
        self._triggers[trigger] = _Trigger(user, now)
        return trigger

    def _oldest(self) -> _Trigger:
        return next(iter(self._triggers.values()))

    def redeem(self, trigger_id: str) -> str:
        """Who did what the trigger stands for; once, within three seconds."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.state.clock() - trigger.issued > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def stack(self, user: str) -> list[View]:
        """A person's open modals, the shown one last."""
        return self._stacks.get(user, [])

    def shown(self, user: str) -> View | None:
        """The modal a person looks at."""
        stack = self.stack(user)
        return stack[-1] if stack else None

    def open(self, user: str, payload: Json) -> View:
        """Open a modal, instead of whatever was open."""
        self._check_external_id(payload)
        view = self._new(user, payload, ViewKind.MODAL)
        self._stacks[user] = [view]
        self._tell(user)
        return view

    def push(self, user: str, payload: Json) -> View:
        """Put a modal on top of the open one."""
        stack = self._stacks.get(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_HEIGHT:
            raise SlackError("push_limit_reached")
        self._check_external_id(payload)
        view = self._new(user, payload, ViewKind.MODAL)
        view.root, view.previous = stack[0].id, stack[-1].id
        stack.append(view)
        self._tell(user)
        return view

    def update(self, view: View, payload: Json, seen_hash: str | None = None) -> View:
        """Show other content in an open view; what was typed in kept inputs stays."""
        if seen_hash and seen_hash != view.hash:
            raise SlackError("hash_conflict")
        view.payload = self._with_ids(payload)
        view.hash = self._hash()
        kept = {block["block_id"] for block in view.blocks}
        view.values = {key: value for key, value in view.values.items() if key in kept}
        self._tell(view.user)
        return view

    def publish(self, user: str, payload: Json, seen_hash: str | None = None) -> View:
        """Show a home tab."""
        current = self.homes.get(user)
        if current is not None:
            return self.update(current, payload, seen_hash)
        view = self.homes[user] = self._new(user, payload, ViewKind.HOME)
        self._tell(user)
        return view

    def close(self, view: View) -> None:
        """Close a modal: the one below shows again."""
        stack = self._stacks.get(view.user, [])
        if view in stack:
            del stack[stack.index(view) :]
        self._tell(view.user)

    def clear(self, user: str) -> None:
        """Close all modals of a person."""
        self._stacks.pop(user, None)
        self._tell(user)

    def find(self, view_id: str = "", external_id: str = "") -> View:
        """An open view by one of its ids; `not_found` otherwise."""
        for view in [*self.homes.values(), *(one for s in self._stacks.values() for one in s)]:
            if view_id == view.id or (external_id and external_id == _external_id(view)):
                return view
        raise SlackError("not_found")

    def _check_external_id(self, payload: Json) -> None:
        wanted = payload.get("external_id")
        open_views = (one for stack in self._stacks.values() for one in stack)
        if wanted and any(_external_id(view) == wanted for view in open_views):
            raise SlackError("duplicate_external_id")

    def _new(self, user: str, payload: Json, kind: ViewKind) -> View:
        view_id = self.state.new_id("V")
        return View(view_id, user, kind, self._with_ids(payload), self._hash(), root=view_id)

    def _with_ids(self, payload: Json) -> Json:
        return {**payload, "blocks": with_ids(self.state, payload.get("blocks") or [])}

    def _hash(self) -> str:
        return f"{int(self.state.clock())}.{secrets.token_hex(4)}"

    def _tell(self, user: str) -> None:
        self.state.changed(Change("views", user=user))


def _external_id(view: View) -> str:
    return str(view.payload.get("external_id") or "")
