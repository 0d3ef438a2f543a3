"""What people click: buttons, menus, shortcuts, modals and the home tab.

Each interaction is checked as Slack's client checks it, sent to the app, and its answer applied.
Knows no HTTP server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack import inputs, payloads
from sandbox.slack.delivery import Outcome, RequestKind
from sandbox.slack.dispatcher import Dispatcher
from sandbox.slack.membership import Membership
from sandbox.slack.model import Channel, Json, Message, SlackError, User, View, ViewKind
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.state import SlackState
from sandbox.slack.submissions import apply_submission
from sandbox.slack.views import ViewBook


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody clicked: blocks of a message or of a view."""

    user: User
    blocks: list[Json]
    payload: Json
    channel: Channel | None = None
    message: Message | None = None
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of submitting a modal: `errors` by block_id keep it open."""

    outcome: Outcome | None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Interactions:
    """Everything one can click. `SlackError`, `LookupError`, `ValueError`: one can not."""

    state: SlackState
    views: ViewBook
    response_urls: ResponseUrls
    dispatcher: Dispatcher
    membership: Membership

    async def click(
        self,
        place: Place,
        action_id: str,
        *,
        value: Any = None,
        block_id: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Press a button, or choose in a menu; `values` is what stands in other fields."""
        block, element = inputs.find_element(
            place.blocks, action_id, block_id=block_id, value=value
        )
        given = dict(values or {})
        if inputs.keeps_state(element):
            given[block["block_id"]] = {**given.get(block["block_id"], {}), action_id: value}
        state = self._keep_values(place, given)
        action = inputs.action_of(block, element, value, self.state.new_ts())
        payload = self._interaction("block_actions", place, state=state, actions=[action])
        return await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)

    def _keep_values(self, place: Place, given: Mapping[str, Any]) -> Json:
        kept = place.view.values if place.view else {}
        values = inputs.merged_values(place.blocks, kept, given)
        if place.view is not None:
            place.view.values = values
            place.payload["view"]["state"] = {"values": values}
        return {"values": values}

    async def suggest(
        self, place: Place, action_id: str, query: str, block_id: str = ""
    ) -> Outcome:
        """Type into a menu whose options the app gives."""
        block, _ = inputs.find_element(place.blocks, action_id, block_id=block_id)
        more = {"action_id": action_id, "block_id": block["block_id"], "value": query}
        payload = self._interaction("block_suggestion", place, **more)
        for unused in ("trigger_id", "response_url"):
            payload.pop(unused, None)
        return await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)

    def _interaction(self, kind: str, place: Place, **more: Any) -> Json:
        payload = payloads.interaction(self.state, kind, place.user, **place.payload, **more)
        payload["trigger_id"] = self.views.new_trigger(place.user.id)
        if place.message is not None:
            payload["response_url"] = self.response_urls.issue(
                "actions", place.message.channel, place.user.id, place.message
            )
        return payload

    def in_message(self, user: User, channel: Channel, ts: str) -> Place:
        """The place of a message that a person sees."""
        self.membership.enter(user, channel)
        message = self.state.message(channel.id, ts)
        if message.to not in {None, user.id}:
            raise SlackError("message_not_found")
        added = [*message.attachments, *message.unfurls.values()]
        blocks = [*message.blocks, *(one for a in added for one in a.get("blocks") or [])]
        payload = payloads.message_place(self.state, channel, message)
        return Place(user, blocks, payload, channel=channel, message=message)

    def in_view(self, user: User, view_id: str = "") -> Place:
        """The place of a modal or home tab that a person sees (the shown modal by default)."""
        view = self.views.find(view_id) if view_id else self.views.shown(user.id)
        if view is None or view.user != user.id:
            raise SlackError("view_not_found")
        return Place(user, view.blocks, payloads.view_place(self.state, view), view=view)

    # shortcuts

    async def shortcut(self, user: User, callback_id: str) -> Outcome:
        """Choose a global shortcut."""
        payload = payloads.interaction(
            self.state,
            "shortcut",
            user,
            callback_id=callback_id,
            action_ts=self.state.new_ts(),
            trigger_id=self.views.new_trigger(user.id),
        )
        return await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)

    async def message_shortcut(self, place: Place, callback_id: str) -> Outcome:
        """Choose a shortcut of a message's menu; ephemeral messages have none."""
        message, channel = place.message, place.channel
        if message is None or channel is None or message.ephemeral:
            raise SlackError("message_not_found")
        payload = payloads.interaction(
            self.state,
            "message_action",
            place.user,
            callback_id=callback_id,
            action_ts=self.state.new_ts(),
            trigger_id=self.views.new_trigger(place.user.id),
            response_url=self.response_urls.issue("app", channel.id, place.user.id, message),
            message_ts=message.ts,
            channel={"id": channel.id, "name": payloads.shown(channel)},
            message=message.as_json(self.state.team_id),
        )
        return await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)

    # views

    def open_home(self, user: User, tab: str = "home") -> View | None:
        """Look at the app's home (or messages) tab; gives what is published there so far."""
        view = self.views.homes.get(user.id)
        if self.state.installation.subscribed("app_home_opened"):
            event: Json = {
                "type": "app_home_opened",
                "user": user.id,
                "channel": self.state.open_dm([user.id]).id,
                "tab": tab,
                "event_ts": self.state.new_ts(),
            }
            if view is not None and tab == "home":
                event["view"] = view.as_json(self.state.ids)
            self.dispatcher.emit(event)
        return view

    async def submit(self, user: User, given: Mapping[str, Any], view_id: str = "") -> Submission:
        """Submit the shown modal with raw values by action_id (or by block_id and action_id)."""
        place = self.in_view(user, view_id)
        view = place.view
        if view is None or view.kind is not ViewKind.MODAL:
            raise SlackError("view_not_found")
        self._keep_values(place, given)
        if errors := inputs.input_errors(view.blocks, view.values):
            return Submission(None, errors)
        payload = payloads.interaction(
            self.state,
            "view_submission",
            user,
            view=place.payload["view"],
            trigger_id=self.views.new_trigger(user.id),
            response_urls=self._response_urls(view),
        )
        outcome = await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)
        if outcome.error is not None:
            return Submission(outcome)
        return Submission(outcome, apply_submission(self.views, view, outcome.body or {}))

    def _response_urls(self, view: View) -> list[Json]:
        found = []
        for block in view.blocks:
            element = block.get("element") or {}
            held = view.values.get(block["block_id"], {}).get(element.get("action_id", ""), {})
            channel = held.get("selected_conversation") or held.get("selected_channel")
            if element.get("response_url_enabled") and channel:
                found.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": channel,
                        "response_url": self.response_urls.issue("app", channel, view.user),
                    }
                )
        return found

    async def close(self, user: User, view_id: str = "", *, everything: bool = False) -> None:
        """Close the shown modal, or the whole stack."""
        view = self.in_view(user, view_id).view
        if view is None:
            return
        if everything or view.payload.get("clear_on_close"):
            self.views.clear(user.id)
        else:
            self.views.close(view)
        if view.payload.get("notify_on_close"):
            payload = payloads.interaction(
                self.state,
                "view_closed",
                user,
                view=view.as_json(self.state.ids),
                is_cleared=everything,
                response_urls=[],
            )
            await self.dispatcher.deliver(RequestKind.INTERACTIVE, payload)
