"""The way back to a person: the response URL of what they did, or a message only they see.

A response URL is a bearer secret that works five times within half an hour, and the client that
posts to it reports a dead one only by the status. Here it is sealed before it is kept for another
process, its failure is seen, and the next best way is taken: an ephemeral message, then a direct
one.
"""

import asyncio
import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography.fernet import Fernet, InvalidToken
from msgspec import Struct
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.audience import Audience
from bot.refusals import refusal
from t5g.keys import Keys
from t5g.logs import logger
from t5g.settings import Settings

log = logger(__name__)

LASTS = 1_800
LONGEST_WAIT = 10.0
PATIENCE = aiohttp.ClientTimeout(total=8)
#: Where Slack takes answers (and where its cloud for governments does).
HOOKS = ("hooks.slack.com", "hooks.slack-gov.com")
Payload = dict[str, Any]


class ReplyTo(Struct, frozen=True, kw_only=True):
    """Where the answer to something goes. `url` may be "" (then a message to `user` is sent).

    `ts`: the message of the bot's own that may be changed instead (in direct messages). `request`:
    a name of what was done there, the same when Slack sends it again; "" if it has none.
    """

    user: str
    channel: str = ""
    url: str = ""
    thread: str = ""
    ts: str = ""
    request: str = ""


class Replies:
    """Sends answers back, and keeps ways back for jobs. Close it with the process."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        keys: Keys,
        client: AsyncWebClient,
        audience: Audience,
    ) -> None:
        secret = settings.slack_signing_secret.get_secret_value()
        token = settings.slack_bot_token.get_secret_value()
        digest = hashlib.sha256(f"t5g reply {secret} {token}".encode()).digest()
        self._seal = Fernet(base64.urlsafe_b64encode(digest))
        self._redis = redis
        self._keys = keys
        self._client = client
        self._audience = audience
        self._session: aiohttp.ClientSession | None = None
        self._origin = urlsplit(str(settings.slack_api_url))[:2]

    async def keep(self, reply: ReplyTo) -> str:
        """Keep a way back for half an hour; return the id that a job may carry."""
        identity = secrets.token_urlsafe(12)
        sealed = self._seal.encrypt(msgspec.json.encode(reply))
        await self._redis.set(self._key(identity), sealed, ex=LASTS)
        return identity

    async def find(self, identity: str) -> ReplyTo | None:
        """Return a kept way back, or None if its time is over."""
        raw = await self._redis.get(self._key(identity)) if identity else None
        if not isinstance(raw, bytes):
            return None
        try:
            return msgspec.json.decode(self._seal.decrypt(raw, ttl=LASTS), type=ReplyTo)
        except (InvalidToken, msgspec.DecodeError):
            return None

    async def send(
        self, reply: ReplyTo, payload: Payload, *, replace: bool = False, public: bool = False
    ) -> bool:
        """Answer by the best way that works; say whether one did.

        `replace`: the message that was clicked (or answered with) is replaced. `public`: everybody
        in the channel sees it, if the channel may. Raises UnsureError if that is unknown.
        """
        if public and await self._audience.refusal(reply.channel):
            return False
        if reply.ts and replace:
            return await self._update(reply, payload)
        kind = "in_channel" if public else "ephemeral"
        how = {"response_type": kind, "replace_original": replace}
        if reply.url and await self._post(reply.url, {**payload, **how}):
            return True
        return not public and await self._tell(reply, payload)

    async def say(self, reply: ReplyTo, payload: Payload) -> ReplyTo:
        """Answer a message of a person where they wrote it; return the way to change that answer.

        In their direct messages it is a message like any other; elsewhere only they see it.
        """
        if not reply.channel.startswith("D"):
            await self._tell(reply, payload)
            return reply
        more = {"thread_ts": reply.thread} if reply.thread else {}
        found = await self.call("chat.postMessage", channel=reply.channel, **payload, **more)
        return msgspec.structs.replace(reply, ts=str((found or {}).get("ts") or ""))

    async def delete(self, reply: ReplyTo) -> bool:
        """Take away the message that was clicked."""
        return bool(reply.url) and await self._post(reply.url, {"delete_original": True})

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, body: Payload) -> bool:
        if not self._is_slacks(url):
            log.warning("reply_url_of_another_host")
            return False
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=PATIENCE, trust_env=True)
        try:
            async with self._session.post(
                url, data=msgspec.json.encode(body), headers=_JSON, allow_redirects=False
            ) as got:
                if got.status == 200:
                    return True
                log.info("reply_url_refused", status=got.status, why=(await got.text())[:80])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # The address is a secret: only the kind of error is told.
            log.info("reply_url_failed", why=type(error).__name__)
        return False

    def _is_slacks(self, url: str) -> bool:
        """Say whether an address is Slack's: what people see must not be sent to anybody else."""
        try:
            scheme, host, *_ = urlsplit(url)
        except ValueError:
            return False
        return (scheme, host) == self._origin or (scheme == "https" and host in HOOKS)

    async def _tell(self, reply: ReplyTo, payload: Payload) -> bool:
        if reply.channel and not reply.channel.startswith("D"):
            more = {"thread_ts": reply.thread} if reply.thread else {}
            if await self.call(
                "chat.postEphemeral", channel=reply.channel, user=reply.user, **payload, **more
            ):
                return True
        return bool(await self.call("chat.postMessage", channel=reply.user, **payload))

    async def _update(self, reply: ReplyTo, payload: Payload) -> bool:
        return bool(await self.call("chat.update", channel=reply.channel, ts=reply.ts, **payload))

    async def call(self, method: str, **arguments: Any) -> Payload | None:
        """Call a method, once more if Slack asks to wait a little; None if it did not work."""
        for attempt in range(2):
            try:
                found = await self._client.api_call(method, json=arguments)
            except SlackApiError as error:
                refused = refusal(error)
                if refused.limited and attempt == 0 and refused.wait <= LONGEST_WAIT:
                    await asyncio.sleep(refused.wait)
                    continue
                log.info("reply_failed", method=method, why=refused.why)
            except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError) as error:
                log.info("reply_failed", method=method, why=type(error).__name__)
            else:
                return dict(found.data) if isinstance(found.data, dict) else {}
            return None
        return None

    def _key(self, identity: str) -> str:
        return self._keys.named("slack", "reply", identity)


_JSON = {"Content-Type": "application/json; charset=utf-8"}
