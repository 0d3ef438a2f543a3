"""A mail server on loopback, for tests: keeps what it is sent, refuses on request."""

import asyncio
import base64
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage


class Mailbox:
    """Speaks as much SMTP as `smtplib` needs. `refusals`: answer by verb, instead of taking it.

    With `tls` it offers STARTTLS, or with `wrapped` speaks TLS from the first byte.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, wrapped: bool = False) -> None:
        self._tls, self._wrapped = tls, wrapped
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.logins: list[str] = []
        #: Whether the connection was encrypted, for each login.
        self.encrypted: list[bool] = []
        self.refusals: dict[str, str] = {}
        #: Verbs after which the connection breaks.
        self.breaks: set[str] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", 0, ssl=self._tls if self._wrapped else None
        )

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, to = "", []
        writer.write(b"220 mailbox.example.com ESMTP\r\n")
        while line := await reader.readline():
            words = line.decode().strip()
            verb = words.partition(" ")[0].upper()
            if verb in self.breaks:
                break
            if verb in self.refusals:
                writer.write(f"{self.refusals[verb]}\r\n".encode())
                continue
            match verb:
                case "EHLO":
                    writer.write(b"250-mailbox.example.com\r\n")
                    if self._tls and not self._wrapped:
                        writer.write(b"250-STARTTLS\r\n")
                    writer.write(b"250 AUTH PLAIN\r\n")
                case "STARTTLS" if self._tls:
                    writer.write(b"220 go on\r\n")
                    try:
                        await writer.start_tls(self._tls)
                    except (ssl.SSLError, ConnectionError):  # the client does not trust us
                        break
                case "AUTH":
                    self.encrypted.append(writer.get_extra_info("ssl_object") is not None)
                    self.logins.append(base64.b64decode(words.split()[2]).decode())
                    writer.write(b"235 welcome\r\n")
                case "MAIL":
                    sender, to = words.partition(":")[2], []
                    writer.write(b"250 ok\r\n")
                case "RCPT":
                    to.append(words.partition(":")[2])
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    self.envelopes.append((sender, to))
                    found = message_from_bytes(raw[:-3], policy=policy.default)
                    assert isinstance(found, EmailMessage)
                    self.messages.append(found)
                    writer.write(b"250 taken\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
        writer.close()
