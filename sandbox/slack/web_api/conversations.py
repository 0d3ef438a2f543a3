"""conversations.* and reactions.*: channels, who is in them, what was said."""

from sandbox.slack.model import Channel, ChannelKind, Json, Message, SlackError
from sandbox.slack.web_api.call import Call, Methods

conversations = Methods()

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


@conversations.add("conversations.list", scopes=_READ, tier=2)
def list_channels(call: Call) -> Json:
    """The channels the bot may know of, by type."""
    types = call.names("types") or [str(ChannelKind.PUBLIC)]
    if unknown := set(types).difference(map(str, ChannelKind)):
        raise SlackError("invalid_types", detail=",".join(sorted(unknown)))
    found = [
        channel.as_json(call.bot, call.state.team_id)
        for channel in call.state.channels.values()
        if str(channel.kind) in types
        and channel.visible_to(call.bot)
        and not (channel.archived and call.flag("exclude_archived"))
    ]
    return call.page(found, "channels")


@conversations.add("conversations.info", scopes=_READ)
def channel_info(call: Call) -> Json:
    """One channel."""
    return {"channel": call.channel().as_json(call.bot, call.state.team_id)}


@conversations.add("conversations.members", scopes=_READ, tier=4)
def channel_members(call: Call) -> Json:
    """Who is in a channel."""
    return call.page(call.channel().members, "members")


@conversations.add("conversations.open", scopes=("im:write", "mpim:write"))
def open_channel(call: Call) -> Json:
    """The direct conversation with some people."""
    if call.args.get("channel"):
        return {"channel": {"id": call.channel().id}}
    users = call.names("users")
    if not users:
        raise SlackError("users_list_not_supplied")
    if any(one not in call.state.users for one in users):
        raise SlackError("user_not_found")
    channel = call.state.open_dm(users)
    whole = channel.as_json(call.bot, call.state.team_id)
    return {"channel": whole if call.flag("return_im") else {"id": channel.id}}


@conversations.add("conversations.join", scopes=("channels:join",))
def join_channel(call: Call) -> Json:
    """Let the bot join a public channel."""
    channel = call.channel()
    if channel.kind is not ChannelKind.PUBLIC:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    joined = call.state.join(channel, call.bot)
    body: Json = {"channel": channel.as_json(call.bot, call.state.team_id)}
    return body if joined else body | {"warning": "already_in_channel"}


@conversations.add("conversations.history", scopes=_HISTORY)
def channel_history(call: Call) -> Json:
    """What was said in a channel, newest first; nothing ephemeral."""
    channel = _inside(call)
    found = [one for one in call.state.messages(channel.id) if _in_window(call, one)]
    shown = [one.as_json(call.state.team_id) for one in reversed(found)]
    page = call.page(shown, "messages")
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"]), "pin_count": 0}


@conversations.add("conversations.replies", scopes=_HISTORY)
def thread_replies(call: Call) -> Json:
    """A thread, its parent first."""
    channel = _inside(call)
    thread = call.text("ts")
    if not any(one.ts == thread for one in call.state.messages(channel.id, thread=thread)):
        raise SlackError("thread_not_found")
    found = call.state.messages(channel.id, thread=thread)
    shown = [
        one.as_json(call.state.team_id)
        for one in found
        if one.ts == thread or _in_window(call, one)
    ]
    page = call.page(shown, "messages")
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"])}


@conversations.add("reactions.add", scopes=("reactions:write",))
def add_reaction(call: Call) -> Json:
    """React to a message."""
    message, name = _reacted(call), call.text("name").strip(":")
    users = message.reactions.setdefault(name, [])
    if call.bot in users:
        raise SlackError("already_reacted")
    users.append(call.bot)
    call.state.touch(message)
    return {}


@conversations.add("reactions.remove", scopes=("reactions:write",))
def remove_reaction(call: Call) -> Json:
    """Take a reaction back."""
    message, name = _reacted(call), call.text("name").strip(":")
    users = message.reactions.get(name, [])
    if call.bot not in users:
        raise SlackError("no_reaction")
    users.remove(call.bot)
    if not users:
        del message.reactions[name]
    call.state.touch(message)
    return {}


def _reacted(call: Call) -> Message:
    message = call.state.message(call.channel().id, call.text("timestamp"))
    if message.ephemeral:
        raise SlackError("message_not_found")
    return message


def _inside(call: Call) -> Channel:
    channel = call.channel()
    if call.bot not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _in_window(call: Call, message: Message) -> bool:
    ts = float(message.ts)
    oldest = float(call.text("oldest", "0"))
    latest = float(call.text("latest", "inf"))
    return oldest <= ts <= latest if call.flag("inclusive") else oldest < ts < latest
