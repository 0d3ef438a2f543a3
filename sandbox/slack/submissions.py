"""What the app's answer to a submitted modal does: close, replace, push, or show errors.

Rules of docs.slack.dev/surfaces/modals#response_actions.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.model import SlackError, View
from sandbox.slack.response_urls import refuse
from sandbox.slack.rules import validate_view
from sandbox.slack.views import ViewBook

#: What Slack's client says when an answer to a submission makes no sense.
TROUBLE: Final = "We had some trouble connecting. Try again?"


def apply_submission(views: ViewBook, view: View, answer: Mapping[str, Any]) -> dict[str, str]:
    """Do what the answer says; gives errors by block_id, which keep the modal open."""
    action = answer.get("response_action")
    if not answer:
        views.close(view)
        return {}
    if action == "errors":
        return _errors(views, view, answer.get("errors"))
    if action == "clear":
        views.clear(view.user)
        return {}
    if action in {"update", "push"}:
        return _show(views, view, str(action), answer.get("view"))
    return _trouble(views, view, f"unknown response_action {action!r}")


def _errors(views: ViewBook, view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block.get("type") == "input"}
    if not isinstance(errors, Mapping) or not errors or not errors.keys() <= inputs:
        return _trouble(views, view, f"errors must name input blocks of {sorted(inputs)}: {errors}")
    return {str(block): str(text) for block, text in errors.items()}


def _show(views: ViewBook, view: View, action: str, payload: Any) -> dict[str, str]:
    if not isinstance(payload, dict):
        return _trouble(views, view, f"{action} without a view")
    try:
        refuse(validate_view(payload))
        if action == "push":
            views.push(view.user, payload)
        else:
            views.update(view, payload)
    except SlackError as error:
        return _trouble(views, view, f"{error.code} {error.extra.get('errors', '')}")
    return {}


def _trouble(views: ViewBook, view: View, detail: str) -> dict[str, str]:
    views.state.problem("view_submission", "invalid_response", detail)
    return {"": TROUBLE}
