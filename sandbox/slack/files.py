"""Uploaded files: the three steps of files_upload_v2 without its HTTP.

A place to upload to, the bytes, and the sharing that makes a message of them.
"""

import mimetypes
import secrets
from dataclasses import dataclass, field
from typing import Final

from sandbox.slack.model import File, SlackError
from sandbox.slack.state import SlackState

LARGEST: Final = 50 * 1024 * 1024


@dataclass(slots=True)
class FileStore:
    """Files by id, and by the token of the address they are uploaded to."""

    state: SlackState
    files: dict[str, File] = field(default_factory=dict)

    def reserve(self, name: str, length: int) -> File:
        """Make place for a file of exactly `length` bytes."""
        if not 0 < length <= LARGEST:
            raise SlackError("file_upload_size_restricted")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(self.state.new_id("F"), name, name, length, self.state.bot_user.id)
        file.mimetype, file.upload_token = kind, secrets.token_urlsafe(24)
        self.files[file.id] = file
        return file

    def upload(self, token: str, content: bytes) -> File:
        """Take the bytes at the address that was given out; once, and as long as announced."""
        file = next((one for one in self.files.values() if one.upload_token == token), None)
        if file is None:
            raise SlackError("file_not_found")
        if len(content) != file.length:
            raise SlackError("length_mismatch")
        file.content, file.upload_token = content, ""
        return file

    def complete(self, file_id: str, title: str | None) -> File:
        """Finish an upload; a file without its bytes is unknown."""
        file = self.files.get(file_id)
        if file is None or file.upload_token:
            raise SlackError("file_not_found")
        file.title, file.complete = title or file.name, True
        return file
