"""files.*: the two calls around an upload (files_upload_v2), and looking a file up."""

from typing import Any

from sandbox.slack.model import File, Json, SlackError
from sandbox.slack.response_urls import refuse
from sandbox.slack.rules import validate_message
from sandbox.slack.web_api.call import Call, Methods

files = Methods()


@files.add("files.getUploadURLExternal", scopes=("files:write",), tier=4)
def get_upload_url(call: Call) -> Json:
    """Where to upload a file of an announced length."""
    file = call.server.files.reserve(call.text("filename"), call.number("length"))
    address = f"{call.state.base_url}/upload/v1/{file.upload_token}"
    return {"upload_url": address, "file_id": file.id}


@files.add("files.completeUploadExternal", scopes=("files:write",), tier=4)
def complete_upload(call: Call) -> Json:
    """Finish uploads, and share them if a channel (by id) is named."""
    given: Any = call.structured("files")
    if not isinstance(given, list) or not given:
        raise SlackError("invalid_arguments", errors=["files must be a list"])
    channels = call.names("channel_id") or call.names("channels")
    for channel in channels:
        _check_channel(call, channel)
    finished = [call.server.files.complete(one.get("id", ""), one.get("title")) for one in given]
    for channel in channels:
        _share(call, channel, finished)
    return {"files": [file.as_json(call.state.base_url) for file in finished]}


@files.add("files.info", scopes=("files:read",), tier=4)
def file_info(call: Call) -> Json:
    """One file."""
    file = call.server.files.files.get(call.text("file"))
    if file is None:
        raise SlackError("file_not_found")
    return {"file": file.as_json(call.state.base_url)}


def _check_channel(call: Call, channel: str) -> None:
    found = call.state.channels.get(channel)  # a name is no channel here
    if found is None or not found.visible_to(call.bot):
        raise SlackError("channel_not_found")
    if call.bot not in found.members:
        raise SlackError("not_in_channel")


def _share(call: Call, channel: str, finished: list[File]) -> None:
    payload = {"text": call.text("initial_comment", ""), "blocks": call.structured("blocks")}
    if payload["text"] or payload["blocks"]:
        refuse(validate_message(payload))
    for file in finished:
        file.channels.append(channel)
    call.state.add_message(
        channel,
        call.bot,
        payload["text"],
        blocks=payload["blocks"],
        thread_ts=call.args.get("thread_ts") or None,
        files=[file.id for file in finished],
    )
