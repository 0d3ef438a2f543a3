"""views.*: modals and the home tab."""

from typing import Any

from sandbox.slack.model import Json, SlackError, View
from sandbox.slack.response_urls import refuse
from sandbox.slack.rules import validate_view
from sandbox.slack.web_api.call import Call, Methods, missing

views = Methods()


@views.add("views.open", tier=4)
def open_view(call: Call) -> Json:
    """Open a modal for whoever did what the trigger stands for."""
    payload = _payload(call, "modal")
    user = call.server.views.redeem(call.text("trigger_id"))
    return _answer(call, call.server.views.open(user, payload))


@views.add("views.push", tier=4)
def push_view(call: Call) -> Json:
    """Put a modal on top of the open one."""
    payload = _payload(call, "modal")
    user = call.server.views.redeem(call.text("trigger_id"))
    return _answer(call, call.server.views.push(user, payload))


@views.add("views.update", tier=4)
def update_view(call: Call) -> Json:
    """Show other content in an open view."""
    payload = _payload(call, None)
    book = call.server.views
    view = book.find(call.text("view_id", ""), call.text("external_id", ""))
    if payload["type"] != view.kind:
        raise SlackError("invalid_arguments", errors=["the type of a view can not change"])
    return _answer(call, book.update(view, payload, call.args.get("hash")))


@views.add("views.publish", tier=4)
def publish_view(call: Call) -> Json:
    """Show a person's home tab."""
    payload = _payload(call, "home")
    user = call.state.users.get(call.text("user_id"))
    if user is None or user.is_bot:
        raise SlackError("user_not_found")
    if not call.state.installation.home_tab:
        raise SlackError("not_enabled")
    return _answer(call, call.server.views.publish(user.id, payload, call.args.get("hash")))


def _payload(call: Call, kind: str | None) -> Json:
    payload: Any = call.structured("view")
    if not isinstance(payload, dict):
        raise missing("view")
    if kind is not None and payload.get("type") != kind:
        message = f"must be {kind} [json-pointer:/view/type]"
        raise SlackError("invalid_arguments", errors=[message])
    refuse(validate_view(payload))
    return payload


def _answer(call: Call, view: View) -> Json:
    return {"view": view.as_json(call.state.ids)}
