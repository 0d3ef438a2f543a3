"""Socket Mode: the app connects to Slack, requests travel as envelopes, answers as their acks.

As docs.slack.dev/apis/events-api/using-socket-mode: an app-level token gets a WebSocket address
that works once; up to ten connections, each envelope goes to one of them; no signature.
"""

import asyncio
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import WSMsgType, web

from sandbox.slack.delivery import TIMEOUT, UNREACHABLE, Outcome, RequestKind, Retry
from sandbox.slack.model import Change, SlackError
from sandbox.slack.state import SlackState

MOST_CONNECTIONS: Final = 10
_PING_SECONDS: Final = 10.0


@dataclass(slots=True, eq=False)
class _Connection:
    socket: web.WebSocketResponse
    waiting: dict[str, asyncio.Future[Mapping[str, Any] | None]] = field(default_factory=dict)


@dataclass(slots=True)
class SocketHub:
    """The app's open connections."""

    state: SlackState
    _tickets: set[str] = field(default_factory=set)
    _connections: list[_Connection] = field(default_factory=list)
    _next: int = 0

    @property
    def connected(self) -> bool:
        """Whether the app has at least one connection."""
        return bool(self._connections)

    @property
    def connections(self) -> int:
        """How many connections the app has."""
        return len(self._connections)

    def new_address(self) -> str:
        """A WebSocket address for one connection."""
        if len(self._connections) >= MOST_CONNECTIONS:
            raise SlackError("too_many_websockets")
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        base = self.state.base_url.replace("http", "ws", 1)
        return f"{base}/link?ticket={ticket}&app_id={self.state.ids['app']}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection of the app, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401, text="invalid ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        await socket.prepare(request)
        connection = _Connection(socket)
        self._connections.append(connection)
        self.state.changed(Change("delivery"))
        try:
            await socket.send_json(self._hello())
            await _read_acks(connection)
        finally:
            self._drop(connection)
        return socket

    async def send(
        self, kind: RequestKind, payload: Mapping[str, Any], seconds: float, retry: Retry | None
    ) -> Outcome:
        """Send one envelope to one connection and wait for its ack."""
        self._next += 1
        connection = self._connections[self._next % len(self._connections)]
        envelope_id = str(uuid.uuid4())
        answer = connection.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await connection.socket.send_json(_envelope(envelope_id, kind, payload, retry))
                return Outcome(200, 0, await answer)
        except TimeoutError:
            return Outcome(None, 0, error=TIMEOUT)
        except ConnectionError:
            return Outcome(None, 0, error=UNREACHABLE)
        finally:
            connection.waiting.pop(envelope_id, None)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask the app to connect anew, as Slack does every few hours."""
        for connection in list(self._connections):
            await connection.socket.send_json({"type": "disconnect", "reason": reason})

    async def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            await connection.socket.close()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
            "connection_info": {"app_id": self.state.ids["app"]},
        }

    def _drop(self, connection: _Connection) -> None:
        self._connections.remove(connection)
        for answer in connection.waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the app closed the connection"))
        self.state.changed(Change("delivery"))


async def _read_acks(connection: _Connection) -> None:
    async for frame in connection.socket:
        if frame.type is not WSMsgType.TEXT:
            continue
        try:
            ack = json.loads(frame.data)
        except ValueError:
            continue
        answer = connection.waiting.get(ack.get("envelope_id", ""))
        if answer is not None and not answer.done():
            answer.set_result(ack.get("payload") or None)


def _envelope(
    envelope_id: str, kind: RequestKind, payload: Mapping[str, Any], retry: Retry | None
) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "envelope_id": envelope_id,
        "type": str(kind),
        "payload": payload,
        "accepts_response_payload": kind is not RequestKind.EVENT,
    }
    if kind is RequestKind.EVENT:
        envelope["retry_attempt"] = retry.number if retry else 0
        envelope["retry_reason"] = retry.reason if retry else ""
    return envelope
