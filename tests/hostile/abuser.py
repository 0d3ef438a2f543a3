"""Sends bodies as nobody should: begun and left, never ended, a byte at a time, many at once.

A sender is one connection. Nothing here knows what the process answers; the tests do.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from tests import wall_clock

MEGABYTE = 1024 * 1024
#: A signature of the right shape; what is signed with it is not known to anybody.
GUESSED = "sha256=" + "0f" * 32
#: Headers with which each address begins to read a body.
DOORS: dict[str, dict[str, str]] = {
    "/webhooks/jira": {"Content-Type": "application/json", "X-Hub-Signature": GUESSED},
    "/webhooks/jira/guess": {"Content-Type": "application/json", "X-Hub-Signature": GUESSED},
    "/slack/events": {"Content-Type": "application/x-www-form-urlencoded"},
    "/saml/acs": {"Content-Type": "application/x-www-form-urlencoded"},
    "/saml/logout": {"Content-Type": "application/x-www-form-urlencoded"},
    "/refresh": {"Content-Type": "application/x-www-form-urlencoded"},
    "/api/v1/cases": {"Content-Type": "application/json"},
}


class Sender:
    """One connection, over which one body is begun."""

    def __init__(self, port: int, *, patience: float = 20.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=patience)

    def begin(self, path: str, size: int | None, **more: str) -> None:
        """Send the head of a POST; `size` None: chunked."""
        headers = {"Host": "127.0.0.1", **self._headers(path), **more}
        if size is None:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(size)
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))

    @staticmethod
    def _headers(path: str) -> dict[str, str]:
        headers = dict(DOORS.get(path, {}))
        if path == "/slack/events":
            headers["X-Slack-Request-Timestamp"] = str(int(wall_clock.seconds()))
            headers["X-Slack-Signature"] = "v0=" + "0f" * 32
        return headers

    def send(self, size: int) -> bool:
        """Send so many bytes of body; False if the other side does not want them any more."""
        piece = b"x" * 65_536
        try:
            while size > 0:
                size -= self._socket.send(piece[: min(size, len(piece))])
        except (ConnectionError, TimeoutError):
            return False
        return True

    def send_raw(self, data: bytes) -> bool:
        """Send these bytes."""
        try:
            self._socket.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def status(self) -> int:
        """Wait for the answer's status; 0 if the connection was ended without one."""
        found = b""
        with suppress(ConnectionError):
            while b"\r\n" not in found and (more := self._socket.recv(4096)):
                found += more
        words = found.split(b" ", 2)
        return int(words[1]) if len(words) > 1 else 0

    def hang_up(self) -> None:
        """End the connection at once, without a farewell (a reset)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """End it in an orderly way."""
        self._socket.close()


@contextmanager
def senders(port: int, count: int, **options: float) -> Iterator[list[Sender]]:
    """Open so many connections; they are hung up in the end."""
    found = [Sender(port, **options) for _ in range(count)]
    try:
        yield found
    finally:
        for sender in found:
            sender.hang_up()


def abort_uploads(port: int, path: str, count: int, size: int, *, sent: float = 0.9) -> None:
    """Begin so many bodies of a size, one after the other, and hang up before the end of each."""
    for _ in range(count):
        sender = Sender(port)
        sender.begin(path, size)
        sender.send(int(size * sent))
        sender.hang_up()


def upload(port: int, path: str, size: int, **headers: str) -> int:
    """Send a whole body; return the answer's status."""
    sender = Sender(port)
    sender.begin(path, size, **headers)
    sender.send(size)
    try:
        return sender.status()
    finally:
        sender.close()


def statuses(found: Iterable[Sender]) -> list[int]:
    """Return what each was answered."""
    return [sender.status() for sender in found]
