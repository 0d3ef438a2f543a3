"""Messages to channels: kept in Redis until they are posted, in order, at Slack's pace, once.

Each channel has a line of its own. Whoever holds the channel's lock posts from its front: one
message a second, and as long as Slack asks to wait. Each message carries its id in its metadata;
when it is not known whether a post happened (a crash, a time-out), the channel is looked at before
it is posted again. A set of messages may have a key, and is then taken into the line only once.
"""

import asyncio
import base64
import math
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.audience import Audience
from bot.people import NOT_NOW
from bot.refusals import refusal
from t5g.alerts import Alerts
from t5g.clock import BOUND, believable
from t5g.errors import StoreError, UnsureError
from t5g.keys import Keys
from t5g.lock import Lock, LockLostError
from t5g.logs import logger
from t5g.redis_errors import what_redis_did

log = logger(__name__)

SPACING = 1.0
KEPT = 14 * 24 * 3600
#: A message that could not be posted for so long is of no use any more.
LASTS = 6 * 3600.0
LONGEST_WAIT = 60.0
#: The longest time that Slack can ask us to wait until it is asked again.
LONGEST_ASKED = 3600.0
#: Seconds that a message waits for Slack to say who is in its channel.
LOOKING = 10.0
#: Seconds that a message under way is granted when the process stops.
GRACE = 5.0
EVENT_TYPE = "t5g_message"
LOOKED_AT = 200
#: Answers after which the same words without blocks may yet be taken.
UNFIT = frozenset({
    "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "invalid_attachments",
    "msg_too_long",
})  # fmt: skip
#: The channel takes nothing from us now. What is in its line waits for somebody to invite the bot;
#: only a message with a window of its own (`Outgoing.then`) goes: the next one tells the same.
CLOSED = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action"})
#: Seconds after which a closed channel is tried again, if no event tells earlier.
CLOSED_FOR = 300
#: The app itself is at fault, not the channel: the message waits for somebody to mend it.
BROKEN_APP = frozenset({
    "invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed",
    "missing_scope", "no_permission",
})  # fmt: skip


class Kind(StrEnum):
    """What to do with a message."""

    POST = "post"
    UPDATE = "update"
    FILE = "file"


class Outgoing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message on its way. `thread_of`: the id of the one whose thread it goes into.

    `channel`: a channel's id, or a person's for their direct messages. `expires` in seconds since
    the epoch. `content`: a file, in base64, with its `name`. `then`: (key of a hash, field, value)
    to be kept when Slack has the message, in the same transaction that notes that. `once`: the name
    of what it tells, which stands in its metadata: so it is found when Redis has forgotten it.
    """

    channel: str
    id: str = msgspec.field(default_factory=lambda: uuid4().hex)
    kind: Kind = Kind.POST
    text: str = ""
    blocks: tuple[Mapping[str, Any], ...] = ()
    thread_of: str = ""
    thread_ts: str = ""
    ts: str = ""
    name: str = ""
    content: str = ""
    expires: float = 0.0
    then: tuple[tuple[str, str, str], ...] = ()
    once: str = ""
    #: It is the rest of the message whose thread it goes into: without that it is of no use.
    rest: bool = False
    #: For people: what it is, in the log and in alerts.
    what: str = "message"


def message(channel: str, payload: Mapping[str, Any], **more: Any) -> Outgoing:
    """Make a message of a rendered payload."""
    return Outgoing(
        channel=channel,
        text=str(payload.get("text") or ""),
        blocks=tuple(payload.get("blocks") or ()),
        **more,
    )


def file(channel: str, name: str, content: bytes, **more: Any) -> Outgoing:
    """Make a file to be shared in a channel or thread."""
    packed = base64.b64encode(content).decode()
    return Outgoing(channel=channel, kind=Kind.FILE, name=name, content=packed, **more)


class Posted(Struct, frozen=True):
    """Where a message ended up."""

    channel: str
    ts: str


class _Later(Exception):
    """The front message can not be posted now."""


# KEYS: the line, the set of channels, the key of the whole set (or ""). ARGV: channel, seconds the
# key lasts, then the messages.
_TAKE = """
if KEYS[3] ~= '' and not redis.call('SET', KEYS[3], '1', 'NX', 'EX', ARGV[2]) then return 0 end
for i = 3, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('SADD', KEYS[2], ARGV[1])
return 1
"""


async def count_waiting(redis: Redis, keys: Keys) -> int:
    """Count the messages that wait in the lines of an installation."""
    rows: Any = await redis.smembers(keys.named("slack", "outbox"))
    lines = [keys.named("slack", "outbox", raw.decode()) for raw in rows]
    return sum([int(await redis.llen(line)) for line in lines])


class Outbox:
    """The lines of one installation."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        client: AsyncWebClient,
        audience: Audience,
        *,
        spacing: float = SPACING,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._client = client
        self._audience = audience
        self._spacing = spacing
        self._clock = clock
        self._alerts = Alerts(redis, keys)
        self._take = redis.register_script(_TAKE)
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def pace(self, spacing: float) -> None:
        """Post at another pace: so many seconds between two messages of a channel."""
        self._spacing = spacing

    async def put(self, messages: Sequence[Outgoing], *, once: str = "") -> bool:
        """Put messages for one channel into its line; say whether they were taken.

        `once`: a name under which they are taken only once, however often this is called. Raises
        StoreError when Redis is away; then nothing was taken.
        """
        channel = messages[0].channel
        if any(item.channel != channel for item in messages):
            raise ValueError("messages of one set must go to one channel")
        now = self._clock()
        stamped = [
            m if m.expires else msgspec.structs.replace(m, expires=now + LASTS) for m in messages
        ]
        lines = [msgspec.json.encode(m) for m in stamped]
        key = self._once(once) if once else ""
        try:
            taken = await self._take(
                keys=[self._line(channel), self._channels, key], args=[channel, KEPT, *lines]
            )
        except (RedisError, OSError) as error:
            raise StoreError(f"{what_redis_did(error)}; nothing was posted.") from error
        return bool(taken)

    def stage(self, pipe: Pipeline, messages: Sequence[Outgoing]) -> None:
        """Let messages (for any channels) be taken in the caller's own transaction."""
        now = self._clock()
        for item in messages:
            expires = item.expires or now + LASTS
            stamped = msgspec.structs.replace(item, expires=expires)
            pipe.rpush(self._line(item.channel), msgspec.json.encode(stamped))
            pipe.sadd(self._channels, item.channel)

    async def taken(self, once: str) -> bool:
        """Say whether messages were taken under that name."""
        return bool(await self._redis.exists(self._once(once)))

    async def forget(self, once: str) -> None:
        """Let messages be taken under that name again."""
        await self._redis.delete(self._once(once))

    async def told_before(self, channel: str, once: str, since: float) -> float | None:
        """Return when the channel was told what `once` names, by its own messages since `since`.

        For what Redis may have forgotten; it knows again then. None: it was not, or the channel can
        not be looked into at all. Raises UnsureError when Slack can not say now.
        """
        try:
            place = await self._place(channel)
            found = await self._client.conversations_history(
                channel=place, oldest=f"{since:.6f}", limit=LOOKED_AT, include_all_metadata=True
            )
        except SlackApiError as error:
            refused = refusal(error)
            if refused.passes or refused.limited or refused.why in BROKEN_APP:
                raise UnsureError(NOT_NOW, why=refused.why) from error
            return None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError) as error:
            raise UnsureError(NOT_NOW, why=type(error).__name__) from error
        for row in found.get("messages") or ():
            payload = (row.get("metadata") or {}).get("event_payload") or {}
            if payload.get("once") == once:
                await self._redis.set(self._once(once), b"1", ex=KEPT)
                return float(row["ts"])
        return None

    async def posted(self, message_id: str) -> Posted | None:
        """Return where a message ended up, or None if it is not posted yet."""
        raw = await self._redis.get(self._keys.named("slack", "posted", message_id))
        return msgspec.json.decode(raw, type=Posted) if isinstance(raw, bytes) else None

    async def waiting(self) -> int:
        """Count the messages in all lines."""
        return await count_waiting(self._redis, self._keys)

    async def drain(self, channel: str = "", *, within: float = math.inf) -> None:
        """Post what waits for a channel (or for all), as far as that is possible now.

        What somebody else is posting already is left to them. `within`: seconds after which no
        further message is begun; what is left waits for the next who drains.
        """
        until = time.monotonic() + within
        channels = [channel] if channel else await self._busy()
        await asyncio.gather(*(self._drained(one, until) for one in channels))

    async def begin(self) -> None:
        """Begin to post what waits, and do not wait for it: a line may be minutes long."""
        for channel in await self._busy():
            if channel not in self._drains:
                self._started(channel, math.inf)

    def stop(self) -> None:
        """Begin no further message: what waits is posted by the next process."""
        self._stopping = True

    async def close(self) -> None:
        """Stop, and let what is being posted come to its end."""
        self.stop()
        if running := set(self._drains.values()):
            _, late = await asyncio.wait(running, timeout=GRACE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    async def _busy(self) -> list[str]:
        rows: Any = await self._redis.smembers(self._channels)
        return [raw.decode() for raw in rows]

    async def _drained(self, channel: str, until: float) -> None:
        running = self._drains.get(channel)
        if running is not None:
            left = None if math.isinf(until) else max(0.0, until - time.monotonic())
            _, going_on = await asyncio.wait({running}, timeout=left)
            if going_on:
                return
        # It may have been about to end: look once more.
        await asyncio.shield(self._started(channel, until))

    def _started(self, channel: str, until: float) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._drain(channel, until))
        self._drains[channel] = task
        task.add_done_callback(partial(self._ended, channel))
        return task

    def _ended(self, channel: str, task: asyncio.Task[None]) -> None:
        if self._drains.get(channel) is task:
            del self._drains[channel]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("slack_line_waits", channel=channel, error=type(error).__name__)

    async def _drain(self, channel: str, until: float) -> None:
        lock = Lock(self._redis, self._keys.lock(f"slack:{channel}"), time_to_live=30.0)
        async with lock:
            if not await lock.acquire() or await self._redis.exists(self._closed(channel)):
                return
            while (raw := await self._redis.lindex(self._line(channel), 0)) is not None:
                if self._stopping or time.monotonic() >= until:
                    return
                item = msgspec.json.decode(raw, type=Outgoing)
                try:
                    await self._handle(item, lock)
                except (_Later, LockLostError):
                    return
                pipe = self._redis.pipeline(transaction=True)
                pipe.lpop(self._line(channel))
                pipe.delete(self._trying(item))
                await pipe.execute()
            await self._redis.srem(self._channels, channel)
            if await self._redis.llen(self._line(channel)):
                await self._redis.sadd(self._channels, channel)

    async def _handle(self, item: Outgoing, lock: Lock) -> None:
        """Post one message, or find that it was posted, or give it up; else raise _Later."""
        if await self.posted(item.id) is not None:
            return
        if item.rest and await self.posted(item.thread_of) is None:
            return  # who is responsible was told when the message was refused
        if item.expires < self._clock():
            await self._alarm(item, "it waited for too long")
            return
        if why := await self._refusal(item):
            await self._refused(item, why)
            return
        begun = await self._redis.get(self._trying(item))
        if begun is not None:
            since, now = float(begun), self._clock()
            found = await self._find(item, since if believable(since, now) else now - LASTS)
            if found is not None:
                await self._record(item, found)
                return
        await self._pace(item.channel)
        lock.check()
        if begun is None:
            await self._redis.set(self._trying(item), repr(self._clock()), ex=KEPT)
        posted = await self._try(item)
        if posted is not None:
            await self._record(item, posted)

    async def _refusal(self, item: Outgoing) -> str:
        """Return why the channel may not be shown anything, or "". Raises _Later if unknown."""
        try:
            return await self._audience.refusal(item.channel, patience=LOOKING)
        except UnsureError as error:
            if error.why in BROKEN_APP:
                await self._alarm(item, error.why)
            log.info("slack_audience_unknown", channel=item.channel, why=error.why)
            raise _Later from None

    async def _try(self, item: Outgoing) -> Posted | None:
        """Call Slack; None if it refuses for good."""
        try:
            return await self._call(item)
        except SlackApiError as error:
            refused = refusal(error)
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError) as error:
            log.warning("slack_post_unsure", what=item.what, why=type(error).__name__)
            if isinstance(error, aiohttp.ClientConnectorError):
                await self._redis.delete(self._trying(item))  # it never left
            raise _Later from None
        why = refused.why
        if refused.limited:
            await self._redis.delete(self._trying(item))
            await self._wait(item.channel, refused.wait)
            return await self._again(item)
        if refused.passes:
            log.warning("slack_post_unsure", what=item.what, why=why)
            raise _Later
        await self._redis.delete(self._trying(item))
        if why in UNFIT and item.blocks:
            log.error("slack_blocks_refused", what=item.what, why=why)
            return await self._try(msgspec.structs.replace(item, blocks=()))
        if why in BROKEN_APP:
            await self._alarm(item, why)
            raise _Later
        await self._refused(item, why)
        return None

    async def _refused(self, item: Outgoing, why: str) -> None:
        """Tell operators that a channel takes nothing; raise _Later if the message waits for it."""
        await self._alarm(item, why)
        if why.split(maxsplit=1)[0] in CLOSED and not item.then:
            await self._redis.set(self._closed(item.channel), why, ex=CLOSED_FOR)
            raise _Later

    async def reopen(self, channel: str) -> None:
        """Try a channel again that took nothing: somebody changed who is in it."""
        await self._redis.delete(self._closed(channel))

    async def _again(self, item: Outgoing) -> Posted | None:
        if item.expires < self._clock():
            raise _Later
        await self._pace(item.channel)
        await self._redis.set(self._trying(item), repr(self._clock()), ex=KEPT)
        return await self._try(item)

    async def _call(self, item: Outgoing) -> Posted:
        channel = await self._place(item.channel)
        match item.kind:
            case Kind.UPDATE:
                await self._client.chat_update(
                    channel=channel, ts=item.ts, text=item.text, blocks=[*map(dict, item.blocks)]
                )
                return Posted(channel, item.ts)
            case Kind.FILE:
                thread = await self._thread(item)
                await self._client.files_upload_v2(
                    channel=channel,
                    filename=item.name,
                    title=item.text or item.name,
                    content=base64.b64decode(item.content),
                    thread_ts=thread or None,
                )
                return Posted(channel, "")
        more: dict[str, Any] = {"thread_ts": thread} if (thread := await self._thread(item)) else {}
        if item.blocks:
            more["blocks"] = list(item.blocks)
        names = {"id": item.id, **({"once": item.once} if item.once else {})}
        metadata = {"event_type": EVENT_TYPE, "event_payload": names}
        found = await self._client.chat_postMessage(
            channel=channel, text=item.text, metadata=metadata,
            unfurl_links=False, unfurl_media=False, **more,
        )  # fmt: skip
        return Posted(str(found["channel"]), str(found["ts"]))

    async def _find(self, item: Outgoing, begun: float) -> Posted | None:
        """Look whether a message whose posting was cut off is there; raise _Later if unknown."""
        if item.kind is not Kind.POST:  # a change may be made twice; a file better not at all
            return Posted(item.channel, item.ts) if item.kind is Kind.FILE else None
        try:
            channel = await self._place(item.channel)
            oldest = f"{begun - 60:.6f}"
            thread = await self._thread(item)
            if thread:
                found = await self._client.conversations_replies(
                    channel=channel, ts=thread, oldest=oldest, limit=LOOKED_AT,
                    include_all_metadata=True,
                )  # fmt: skip
            else:
                found = await self._client.conversations_history(
                    channel=channel, oldest=oldest, limit=LOOKED_AT, include_all_metadata=True
                )
        except SlackApiError as error:
            refused = refusal(error)
            if refused.passes or refused.limited:
                raise _Later from None
            # It can not be seen whether it is there: better twice than never, and operators know.
            await self._alarm(item, f"{refused.why}: the answer was lost and the bot can not look")
            return None
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError):
            raise _Later from None
        for row in found.get("messages") or ():
            payload = (row.get("metadata") or {}).get("event_payload") or {}
            if payload.get("id") == item.id:
                return Posted(channel, str(row["ts"]))
        return None

    async def _thread(self, item: Outgoing) -> str:
        if not item.thread_of:
            return item.thread_ts
        parent = await self.posted(item.thread_of)
        return parent.ts if parent else ""

    async def _place(self, channel: str) -> str:
        """The id of a conversation; a person's is the one with the bot."""
        if channel[:1] not in "UW":
            return channel
        key = self._keys.named("slack", "dm", channel)
        known = await self._redis.get(key)
        if isinstance(known, bytes):
            return known.decode()
        found = await self._client.conversations_open(users=channel)
        place = str(found["channel"]["id"])
        await self._redis.set(key, place, ex=KEPT)
        return place

    async def _record(self, item: Outgoing, posted: Posted) -> None:
        pipe = self._redis.pipeline(transaction=True)
        key = self._keys.named("slack", "posted", item.id)
        pipe.set(key, msgspec.json.encode(posted), ex=KEPT)
        pipe.delete(self._trying(item))
        for hash_key, field, value in item.then:
            pipe.hset(hash_key, field, value)
        await pipe.execute()
        await self._alerts.clear(_alert(item.channel), f"Slack takes messages for {item.channel}.")

    async def _pace(self, channel: str) -> None:
        """Wait for the channel's next turn, and take it."""
        key = self._keys.named("slack", "pace", channel)
        for _ in range(100):
            spacing = max(1, int(self._spacing * 1000))
            if await self._redis.set(key, b"1", nx=True, px=spacing):
                return
            left = await self._redis.pttl(key)
            if left > (LONGEST_ASKED + BOUND) * 1000:
                await self._redis.delete(key)  # set while the clock of Redis was ahead
                continue
            if self._stopping or left > LONGEST_WAIT * 1000:
                raise _Later
            await asyncio.sleep(max(left, 1) / 1000)
        raise _Later

    async def _wait(self, channel: str, seconds: float) -> None:
        milliseconds = max(1, int(min(seconds, LONGEST_ASKED) * 1000))
        await self._redis.set(self._keys.named("slack", "pace", channel), b"1", px=milliseconds)

    async def _alarm(self, item: Outgoing, why: str) -> None:
        log.error("slack_post_refused", what=item.what, channel=item.channel, why=why)
        await self._alerts.raise_(
            _alert(item.channel),
            f"Slack does not take messages for {item.channel}: {why} ({item.what}).",
            hint="Invite the bot into the channel, or look at the app's scopes and tokens. A "
            "channel with guests or people of other companies is shown nothing, unless "
            "T5G_SLACK_EXTERNAL_CHANNELS names it.",
        )

    @property
    def _channels(self) -> str:
        return self._keys.named("slack", "outbox")

    def _line(self, channel: str) -> str:
        return self._keys.named("slack", "outbox", channel)

    def _once(self, once: str) -> str:
        return self._keys.named("slack", "once", once)

    def _closed(self, channel: str) -> str:
        return self._keys.named("slack", "closed", channel)

    def _trying(self, item: Outgoing) -> str:
        return self._keys.named("slack", "trying", item.id)


def _alert(channel: str) -> str:
    return f"slack-{channel}"
