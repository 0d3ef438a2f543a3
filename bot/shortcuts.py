"""Shortcuts: search for cases, find the case in a message, comment with a message's words."""

from typing import Any, Final

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.actions.clicks import Click, Submission, click_of, submission_of
from bot.actions.show import Shower
from bot.asker import Origin
from bot.asking import READ_ONLY, check_role, outcome_of
from bot.context import Context
from bot.references import entries_of, of_text, text_of_message
from bot.router import Command, router
from bot.speaking import Speaker
from bot.trail import line
from bot.typed import plain
from bot.views.blocks.lists import row
from bot.views.blocks.modals import (
    LONGEST_TEXT,
    ONLY,
    QUERY,
    SEVERITY,
    answer_modal,
    comment_modal,
    modal,
    search_modal,
    waiting_modal,
)
from bot.views.blocks.parts import section
from bot.views.words import sentence
from t5g.audit import Outcome
from t5g.derived import Entry
from t5g.errors import QueryError, RefusedError, UnsureError
from t5g.query import parse_query

SEARCH: Final = "search_cases"
FIND: Final = "find_case"
COMMENT: Final = "comment_on_case"
MOST = 10


class Shortcuts:
    """Listeners for the shortcuts and for the search modal."""

    def __init__(self, context: Context, speaker: Speaker, shower: Shower) -> None:
        self._context = context
        self._speaker = speaker
        self._shower = shower

    async def search(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The global shortcut, and the button on the home tab."""
        await ack()
        click = click_of(body)
        self._context.tasks.start(self._open_search(click), "search")

    async def searched(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The submitted search: results in the same modal, mistakes below their field."""
        form = submission_of(body)
        text = query_of(form)
        asker = await self._context.people.asker(form.user, form.name, origin=Origin.SHORTCUT)
        if asker.role is not None:  # the nearest words to a mistake are names of customers
            try:
                parse_query(text, self._context.board.words)
            except QueryError as error:
                await ack(response_action="errors", errors={QUERY: str(error)[:150]})
                return
        spoken = await self._speaker.speak(f"cases {text}".strip(), asker)
        await ack(response_action="update", view=answer_modal("Cases", spoken.payload))

    async def find(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The message shortcut "Find case in this message"."""
        await ack()
        self._context.tasks.start(self._find(click_of(body), body.get("message") or {}), "find")

    async def comment(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The message shortcut "Comment on case…"."""
        await ack()
        message = body.get("message") or {}
        self._context.tasks.start(self._comment(click_of(body), message), "comment")

    async def _open_search(self, click: Click) -> None:
        if await self._may(click, router.find("cases")):
            await self._shower.open(click, search_modal())

    async def _find(self, click: Click, message: dict[str, Any]) -> None:
        if not await self._may(click, router.find("case")):
            return
        view_id = await self._shower.open(click, waiting_modal("Looking …"))
        await self._context.board.refresh()
        entries = self._entries(message)
        await self._shower.update(view_id, self._found(entries))

    def _found(self, entries: list[Entry]) -> dict[str, Any]:
        now, settings = self._context.clock(), self._context.settings
        if not entries:
            text = "No case of ours is named in this message."
            return modal("No case found", [section(text)])
        rows = [row(entry, now, settings) for entry in entries[:MOST]]
        if len(entries) > MOST:
            rows.append(section(f"… and {len(entries) - MOST} more"))
        return modal("Cases in this message", rows)

    async def _comment(self, click: Click, message: dict[str, Any]) -> None:
        if not await self._may(click, router.find("comment")):
            return
        entries = self._entries(message)
        entry = entries[0] if len(entries) == 1 else None
        words = plain(str(message.get("text") or ""))[:LONGEST_TEXT]
        metadata = {"back": await self._context.replies.keep(click.back)}
        if entry is not None:
            metadata["n"] = entry.number
        await self._shower.open(click, comment_modal(entry, words, metadata))

    def _entries(self, message: dict[str, Any]) -> list[Entry]:
        text = text_of_message(message)
        found = of_text(plain(text), self._context.settings)
        entries = [e for x in found for e in entries_of(x, self._context.board)]
        return list({entry.number: entry for entry in entries}.values())

    async def _may(self, click: Click, command: Command) -> bool:
        asker = await self._context.people.asker(
            click.user, click.name, channel=click.channel, origin=Origin.SHORTCUT
        )
        why, outcome = "", Outcome.ANSWERED
        try:
            check_role(command, asker)
        except (RefusedError, UnsureError) as error:
            why, outcome = str(error), outcome_of(error)
        if not why and command.acts and self._context.settings.read_only:
            why, outcome = READ_ONLY, Outcome.REFUSED
        self._context.trail.note(line(asker, f"shortcut {command.name}", outcome))
        if why:
            await self._shower.open(click, waiting_modal(sentence(why)))
        return not why


def query_of(form: Submission) -> str:
    """Put the query together from the fields of the search modal."""
    parts = [form.text(QUERY)]
    if severities := form.many(SEVERITY):
        parts.append("severity:" + ",".join(severities))
    parts.append(form.text(ONLY))
    return " ".join(part for part in parts if part)
