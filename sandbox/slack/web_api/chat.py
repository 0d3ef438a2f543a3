"""chat.*: posting, changing, deleting, previews, links and scheduling."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack.model import Json, Message, SlackError
from sandbox.slack.response_urls import refuse
from sandbox.slack.rules import validate_message, validate_unfurls, validate_update
from sandbox.slack.web_api.call import Call, Methods, missing

chat = Methods()

_MARKDOWN_LENGTH: Final = 12_000


@chat.add("chat.postMessage", scopes=("chat:write",), tier=None, posts=True)
def post_message(call: Call) -> Json:
    """Post to a channel the bot is in, or to a person."""
    channel = call.posting_channel()
    message = call.state.add_message(channel.id, call.bot, **_content(call, channel.id))
    return _posted(call, message)


@chat.add("chat.postEphemeral", scopes=("chat:write",), tier=4, posts=True)
def post_ephemeral(call: Call) -> Json:
    """Post what one member of the channel sees."""
    channel = call.posting_channel()
    user = call.text("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    message = call.state.add_message(channel.id, call.bot, to=user, **_content(call, channel.id))
    return {"message_ts": message.ts}


@chat.add("chat.update", scopes=("chat:write",))
def update(call: Call) -> Json:
    """Change one of the bot's own messages."""
    message = _own_message(call, "cant_update_message")
    payload = call.message()
    refuse(validate_update(payload))
    if payload["blocks"] is None and payload["text"] is None:
        payload["blocks"] = message.blocks
    call.state.edit_message(
        message,
        text=payload["text"] or "",
        blocks=payload["blocks"],
        attachments=payload["attachments"],
    )
    return _posted(call, message) | {"text": message.text}


@chat.add("chat.delete", scopes=("chat:write",))
def delete(call: Call) -> Json:
    """Delete one of the bot's own messages."""
    message = _own_message(call, "cant_delete_message")
    call.state.delete_message(message)
    return {"channel": message.channel, "ts": message.ts}


@chat.add("chat.getPermalink", tier=None)
def get_permalink(call: Call) -> Json:
    """Where a message can be looked at."""
    channel = call.channel()
    message = call.state.message(channel.id, call.text("message_ts"))
    return {"channel": channel.id, "permalink": call.state.permalink(message)}


@chat.add("chat.unfurl", scopes=("links:write",))
def unfurl(call: Call) -> Json:
    """Show previews of links, named as the link_shared event named them."""
    unfurls = call.structured("unfurls")
    if not isinstance(unfurls, Mapping) or not unfurls:
        raise SlackError("missing_unfurls")
    previews = call.server.previews
    if call.args.get("unfurl_id"):
        links = previews.by_id(call.text("unfurl_id"), call.text("source"))
    else:
        links = previews.by_message(call.channel().id, call.text("ts"))
    refuse(validate_unfurls(unfurls))
    previews.unfurl(links, dict(unfurls))
    return {}


@chat.add("chat.scheduleMessage", scopes=("chat:write",))
def schedule_message(call: Call) -> Json:
    """Post later; Slack forgets a message with metadata."""
    channel = call.posting_channel()
    content = _content(call, channel.id)
    entry = call.server.schedule.add(channel.id, call.number("post_at"), content)
    return {
        "channel": channel.id,
        "scheduled_message_id": entry.id,
        "post_at": entry.post_at,
        "message": {"text": content["text"], "type": "delayed_message", "user": call.bot},
    }


@chat.add("chat.deleteScheduledMessage", scopes=("chat:write",))
def delete_scheduled_message(call: Call) -> Json:
    """Do not post it after all."""
    call.server.schedule.cancel(call.channel().id, call.text("scheduled_message_id"))
    return {}


@chat.add("chat.scheduledMessages.list")
def scheduled_messages(call: Call) -> Json:
    """What waits to be posted."""
    channel = call.channel().id if call.args.get("channel") else None
    entries = [
        {
            "id": entry.id,
            "channel_id": entry.channel,
            "post_at": entry.post_at,
            "date_created": entry.created,
            "text": entry.payload["text"],
        }
        for entry in call.server.schedule.of(channel)
    ]
    return call.page(entries, "scheduled_messages")


def _content(call: Call, channel: str) -> Json:
    payload = _with_markdown(call, call.message())
    refuse(validate_message(payload))
    thread_ts = call.args.get("thread_ts")
    if thread_ts:
        _check_thread(call, channel, str(thread_ts))
    return {
        "text": payload["text"] or "",
        "blocks": payload["blocks"],
        "attachments": payload["attachments"],
        "metadata": payload["metadata"],
        "thread_ts": thread_ts or None,
        "broadcast": call.flag("reply_broadcast"),
        "username": call.args.get("username"),
    }


def _check_thread(call: Call, channel: str, thread_ts: str) -> None:
    """Stricter than Slack, which lets a reply to nothing vanish: here the mistake shows."""
    try:
        parent = call.state.message(channel, thread_ts)
    except SlackError:
        raise SlackError("thread_not_found") from None
    if parent.ephemeral:
        raise SlackError("cannot_reply_to_message")


def _with_markdown(call: Call, payload: Json) -> Json:
    """`markdown_text` stands for one markdown block and excludes text and blocks."""
    markdown: Any = call.args.get("markdown_text")
    if not markdown:
        return payload
    if payload["text"] or payload["blocks"]:
        raise SlackError("markdown_text_conflict")
    if len(markdown) > _MARKDOWN_LENGTH:
        raise SlackError("msg_too_long")
    return payload | {"blocks": [{"type": "markdown", "text": markdown}]}


def _own_message(call: Call, refusal: str) -> Message:
    channel = call.channel()
    if not call.args.get("ts"):
        raise missing("ts")
    message = call.state.message(channel.id, call.text("ts"))
    if message.ephemeral:
        raise SlackError("message_not_found")
    if message.user != call.bot:
        raise SlackError(refusal)
    return message


def _posted(call: Call, message: Message) -> Json:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": message.as_json(call.state.team_id),
    }
