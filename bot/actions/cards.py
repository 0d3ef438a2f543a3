"""Modals that change a card: comment and assign. Checked by field, then asked as a command."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.exceptions import RedisError
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actions.clicks import Click, Submission, click_of, request_name, submission_of
from bot.actions.show import Shower
from bot.answers import Note
from bot.asker import Asker, Origin
from bot.asking import READ_ONLY, check_role, outcome_of
from bot.commands.acting import LONGEST_COMMENT
from bot.context import Context
from bot.once import asked_name
from bot.replies import ReplyTo
from bot.router import router
from bot.speaking import Speaker
from bot.trail import line
from bot.views.blocks.modals import (
    NUMBER,
    PERSON,
    TEXT,
    assign_modal,
    comment_modal,
    waiting_modal,
)
from bot.views.blocks.notes import note_message
from bot.views.words import sentence
from t5g.audit import Outcome
from t5g.errors import RefusedError, StoreError, UnsureError
from t5g.team import Member

NOTHING_SENT = "Redis does not answer, so nothing was sent. Try again in a moment."
#: Slack shows so much of an error below a field.
LONGEST_ERROR = 150
_USER_ID = re.compile(r"[UW][A-Z0-9]{5,}", re.ASCII)


class Cards:
    """Listeners for comment and assign."""

    def __init__(self, context: Context, speaker: Speaker, shower: Shower) -> None:
        self._context = context
        self._speaker = speaker
        self._shower = shower
        #: Forms whose work is being asked for.
        self._under_way: set[str] = set()

    async def comment(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The button "Comment…" beside a case."""
        await ack()
        self._context.tasks.start(self._open_comment(click_of(body)), "comment")

    async def assign(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The button "Assign…" beside a case."""
        await ack()
        self._context.tasks.start(self._open_assign(click_of(body)), "assign")

    async def commented(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A submitted comment."""
        form = submission_of(body)
        if why := await self._refusal("comment", form):
            await ack(response_action="errors", errors={TEXT: why[:LONGEST_ERROR]})
            return
        await self._refreshed()
        number = str(form.metadata.get("n") or "") or self._number(form.text(NUMBER))
        errors = self.comment_errors(number, form.text(TEXT), asks_number=NUMBER in form.values)
        if errors:
            await ack(response_action="errors", errors=errors)
            return
        await self._begin(ack, form, f"comment {number} {form.text(TEXT)}", TEXT)

    async def assigned(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A submitted assignment."""
        form = submission_of(body)
        whom = form.text(PERSON)
        if not whom:
            await ack(response_action="errors", errors={PERSON: "Choose somebody."})
            return
        number = str(form.metadata.get("n") or "")
        named = f"<@{whom}>" if _USER_ID.fullmatch(whom) else whom
        await self._begin(ack, form, f"assign {number} {named}", PERSON)

    async def _refusal(self, command: str, form: Submission) -> str:
        """Return why somebody may not submit a form (they may have lost the role), or ""."""
        try:
            check_role(router.find(command), await self._asker(form.user, form.name, ""))
        except (RefusedError, UnsureError) as error:
            return str(error)
        return ""

    def comment_errors(self, number: str, text: str, *, asks_number: bool) -> dict[str, str]:
        """What is wrong with a comment, by field."""
        errors: dict[str, str] = {}
        entry = self._context.board.get(number)
        where = NUMBER if asks_number else TEXT
        if entry is None:
            errors[where] = (
                f"There is no case {number[:20]} on the board. Give a case's eight digits, or its "
                "card's key."
            )
        elif entry.card is None:
            errors[where] = f"Case {entry.number} has no card yet to comment on."
        if not text.strip():
            errors[TEXT] = "Write something."
        elif len(text) > LONGEST_COMMENT:
            errors[TEXT] = f"{len(text)} characters are too many; {LONGEST_COMMENT} are possible."
        return errors

    def _number(self, text: str) -> str:
        """The number that a person means by digits or a card's key."""
        text = text.strip()
        if text.isascii() and text.isdigit():
            return text.zfill(8)
        return next(iter(self._context.board.by_card(text.upper())), text)

    async def _refreshed(self) -> None:
        try:
            await self._context.board.refresh()
        except StoreError:
            return  # what is known decides; the command itself says that Redis is away

    async def _open_comment(self, click: Click) -> None:
        if not await self._may(click, "comment"):
            return
        entry = self._context.board.get(click.text("n"))
        metadata = await self._metadata(click)
        await self._shower.open(
            click, comment_modal(entry, metadata=metadata), push=click.view == "modal"
        )

    async def _open_assign(self, click: Click) -> None:
        if not await self._may(click, "assign"):
            return
        entry = self._context.board.get(click.text("n"))
        if entry is None:
            return
        metadata = await self._metadata(click)
        view = assign_modal(entry, self._members(), metadata)
        await self._shower.open(click, view, push=click.view == "modal")

    async def _metadata(self, click: Click) -> dict[str, str]:
        """What the modal carries along: the case, and (sealed, elsewhere) the way back."""
        return {"n": click.text("n"), "back": await self._context.replies.keep(click.back)}

    def _members(self) -> list[tuple[Member, str]]:
        today = datetime.fromtimestamp(self._context.clock(), UTC).date()
        members = [m for m in self._context.people.team.members if m.active]
        return [(m, "" if m.available(today) else "away today") for m in members]

    async def _may(self, click: Click, command: str) -> bool:
        """Say whether the person may; if not, tell them why."""
        asker = await self._asker(click.user, click.name, click.channel)
        why = READ_ONLY if self._context.settings.read_only else ""
        outcome = Outcome.REFUSED
        try:
            check_role(router.find(command), asker)
        except (RefusedError, UnsureError) as error:
            why, outcome = str(error), outcome_of(error)
        if why:
            entry = line(asker, command, outcome, case=click.text("n"))
            self._context.trail.note(entry)
            await self._refuse(click, why)
        return not why

    async def _refuse(self, click: Click, why: str) -> None:
        if click.view:
            await self._shower.open(click, waiting_modal(sentence(why)), push=click.view == "modal")
        else:
            payload = note_message(Note(text=why, failed=True))
            await self._context.replies.send(click.back, payload)

    async def _begin(self, ack: AsyncAck, form: Submission, text: str, field: str) -> None:
        """Begin what a form asks for, unless that is under way or was asked for before.

        That it was asked for is noted by the command, once its work is queued: what dies before
        is not taken for done when the form comes again.
        """
        request = request_name("view", form.view_id)
        try:
            asked = await self._context.once.seen(asked_name(request))
        except (RedisError, OSError):
            await ack(response_action="errors", errors={field: NOTHING_SENT})
            return
        if not asked and request not in self._under_way:
            if request:
                self._under_way.add(request)
            work = self._do(form, text, request)
            task = self._context.tasks.start(work, text.partition(" ")[0])
            task.add_done_callback(lambda _: self._under_way.discard(request))
        await ack()

    async def _do(self, form: Submission, text: str, request: str) -> None:
        """Ask the command that does it; its answer goes where the button was."""
        kept = await self._context.replies.find(str(form.metadata.get("back") or ""))
        reply = msgspec.structs.replace(kept or ReplyTo(user=form.user), request=request)
        asker = await self._asker(form.user, form.name, reply.channel)
        spoken = await self._speaker.speak(text, asker, back=reply)
        await self._context.replies.send(reply, spoken.payload)

    async def _asker(self, user: str, name: str, channel: str) -> Asker:
        return await self._context.people.asker(user, name, channel=channel, origin=Origin.BUTTON)
