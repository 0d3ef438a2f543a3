"""From a question to a message: answered, rendered, remembered, and handed over.

What depends only on the board, the minute and the asker is rendered once for all who ask it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import msgspec
from msgspec import Struct
from redis.exceptions import RedisError

from bot.answers import Answer, Export, Note, Progress
from bot.asker import Asker
from bot.asking import answer, check_role, routed
from bot.context import Context
from bot.delivery import file
from bot.progress import follow
from bot.replies import Payload, ReplyTo
from bot.trail import line
from bot.views.blocks import render
from t5g import metrics
from t5g.audit import Outcome
from t5g.errors import StoreError, T5GError

REMEMBERED = 512
MINUTE = 60
#: Slack waits three seconds for an answer; what takes longer follows.
SOON = 2.2
ONE_MOMENT = "⏳ One moment …"


class Spoken(Struct, frozen=True):
    """A rendered answer, as JSON too; and the answer itself, unless it was remembered."""

    payload: Payload
    body: bytes
    answer: Answer | None = None

    @property
    def follows(self) -> bool:
        """Say whether something follows the answer: progress, a file."""
        return isinstance(self.answer, Progress | Export)


class Speaker:
    """Answers questions with messages."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._remembered: OrderedDict[object, Spoken] = OrderedDict()
        self._making = asyncio.Lock()

    async def speak(
        self,
        text: str,
        asker: Asker,
        *,
        page: int = 1,
        title: str = "",
        back: ReplyTo | None = None,
    ) -> Spoken:
        """Answer a question. Never raises (but when cancelled)."""
        key = await self._key(text, asker, page, title)
        if key is None:
            return await self._made(text, asker, page=page, title=title, back=back)
        kept = self._remembered.get(key)
        if kept is None:
            # Whoever asks the same meanwhile waits for this one answer.
            async with self._making:
                kept = self._remembered.get(key)
                if kept is None:
                    return await self._made(text, asker, page=page, title=title, back=back, key=key)
        count_command(text, kept.answer)
        self._context.trail.note(line(asker, routed(text)[0].name, Outcome.ANSWERED, detail=text))
        return kept

    async def _made(
        self, text: str, asker: Asker, *, page: int, title: str, back: ReplyTo | None,
        key: object | None = None,
    ) -> Spoken:  # fmt: skip
        found = await answer(text, asker, self._context, page=page, title=title, back=back)
        count_command(text, found)
        payload = render(found, self._context.settings)
        spoken = Spoken(payload, body_of(payload), found)
        if key and not isinstance(found, Note):
            self._remember(key, Spoken(payload, spoken.body))
        return spoken

    async def hand_over(self, spoken: Spoken, reply: ReplyTo) -> None:
        """Begin what follows an answer, once: progress that is told, a file that is sent."""
        if not spoken.follows:
            return
        if reply.request and not await self._context.once.first(f"follows:{reply.request}"):
            return
        match spoken.answer:
            case Progress() as progress if not progress.over:
                self._context.tasks.start(follow(self._context, progress, reply), "progress")
            case Export() as export:
                content = ("\ufeff" + export.content).encode()
                item = file(reply.user, export.name, content, text=export.name, what="export")
                await self._context.outbox.put([item])
                self._context.tasks.start(self._context.outbox.drain(reply.user), "export")

    async def soon(self, work: Coroutine[Any, Any, Spoken]) -> "asyncio.Task[Spoken]":
        """Begin to answer and wait as long as Slack does; the task may not be done yet."""
        task = self._context.tasks.start(work, "answer")
        await asyncio.wait([task], timeout=SOON)
        return task

    async def _key(self, text: str, asker: Asker, page: int, title: str) -> object | None:
        """What a rendered answer hangs on, or None if it must be made anew each time."""
        try:
            command, _ = routed(text)
            check_role(command, asker)
            if not command.steady:
                return None
            await self._context.board.refresh()
        except (T5GError, StoreError, RedisError, OSError):
            return None
        board = self._context.board
        minute = int(self._context.clock() // MINUTE)
        # Whoever may ask the same gets the same, unless the question is about the asker.
        personal = asker.me if "me" in text.casefold() or "mine" in text.casefold() else None
        return text, page, title, asker.role, personal, board.version, minute

    def _remember(self, key: object, spoken: Spoken) -> None:
        self._remembered[key] = spoken
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def count_command(text: str, found: Answer | None) -> None:
    """Count a question by its command and by what became of it; labels are our own words."""
    try:
        name = routed(text)[0].name
    except T5GError:
        name = "unknown"
    outcome = "answered"
    if isinstance(found, Note) and found.failed:
        outcome = "failed" if found.id else "refused"
    metrics.SLACK_COMMANDS.labels(name, outcome).inc()


def body_of(payload: Payload) -> bytes:
    """The answer to a slash command that carries a message to the asker alone."""
    return msgspec.json.encode({**payload, "response_type": "ephemeral"})
