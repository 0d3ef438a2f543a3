"""Clicks on answers: turning pages, menus that edit the query, asking on, sharing."""

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackClientError

from bot.actions.clicks import Click, click_of
from bot.actions.show import Shower
from bot.answers import CaseView, Freshness, Note
from bot.asker import Asker, Origin
from bot.context import Context
from bot.delivery import message
from bot.references import allowed_channels, names_restricted
from bot.router import not_here
from bot.shares import Share
from bot.speaking import Speaker
from bot.trail import line
from bot.views.blocks import render
from bot.views.blocks.lists import ALL, FILTERS
from bot.views.blocks.notes import note_message
from bot.views.blocks.parts import small, without_share
from t5g.audit import Outcome
from t5g.errors import QueryError, UnsureError
from t5g.query import Query, parse_query

#: Answers that can be shared, besides lists and single cases.
SHAREABLE = ("stats", "status")
NOT_HERE = (
    "I am not in this channel, so I can not share it: `/invite` me first. (In direct messages "
    "between people no app can post.)"
)
TOO_MUCH = (
    "This list is about a restricted bug or issue, and not everybody in this channel may know of "
    "it. An administrator can name the channel in `T5G_SLACK_RESTRICTED_CHANNELS`."
)


class Lists:
    """Listeners for the buttons and menus of answers."""

    def __init__(self, context: Context, speaker: Speaker, shower: Shower) -> None:
        self._context = context
        self._speaker = speaker
        self._shower = shower

    async def page(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Previous and next."""
        await ack()
        click = click_of(body)
        page = click.value.get("p")
        self._turn(click, click.text("q"), page if isinstance(page, int) else 1)

    async def sort(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The menu of orders edits the query."""
        await ack()
        click = click_of(body)
        query = self._query(click)
        order = () if click.choice in ("", ALL) else (click.choice,)
        self._turn(click, query.with_sort(*order), 1)

    async def filter(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """The menus of filters edit the query."""
        await ack()
        click = click_of(body)
        query = self._query(click)
        self._turn(click, filtered(query, click.rest, click.choice), 1)

    async def ask(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button that asks something, as if it was typed."""
        await ack()
        click = click_of(body)
        new = bool(click.value.get("new")) or not click.ephemeral
        self._context.tasks.start(
            self._shower.show(
                click, click.text("a"), replace=not new, mine=bool(click.value.get("mine"))
            ),
            "button",
        )

    async def share(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Show the answer to the whole channel."""
        await ack()
        self._context.tasks.start(self._share(click_of(body)), "share")

    async def link(self, ack: AsyncAck) -> None:
        """A button with an address: Slack opens it and tells us only."""
        await ack()

    def _query(self, click: Click) -> Query:
        text = click.block.get("q")
        return parse_query(text if isinstance(text, str) else "", self._context.board.words)

    def _turn(self, click: Click, query: str, page: int) -> None:
        title = click.text("t") or str(click.block.get("t") or "Cases")
        work = self._shower.show(
            click, f"cases {query}".strip(), page=page, title=title, replace=click.ephemeral
        )
        self._context.tasks.start(work, "page")

    async def _share(self, click: Click) -> None:
        context = self._context
        number = click.text("n")
        page = click.value.get("p")
        asker = await self._asker(click)
        spoken = await self._speaker.speak(
            shared_question(click),
            asker,
            page=page if isinstance(page, int) else 1,
            title=click.text("t"),
        )
        payload = spoken.payload
        if isinstance(spoken.answer, Note):
            await context.replies.send(click.back, payload)
            return
        channel, once = click.channel, f"share:{click.trigger}" if click.trigger else ""
        why, outcome = await self._refusal(click)
        if why:
            await context.replies.send(click.back, note_message(Note(text=why, failed=True)))
            context.trail.note(line(asker, "share", outcome))
            return
        payload = self._shared_case(number, asker, channel) if number else _shared(payload, asker)
        if await self._is_member(channel):
            item = message(channel, payload, what="shared answer")
            if not await context.outbox.put([item], once=once):
                return  # Slack sent the click again
            if number:
                await context.shares.add(
                    Share(number=number, channel=channel, message=item.id, at=context.clock(),
                          by=asker.id)
                )  # fmt: skip
            await context.outbox.drain(channel)
        elif not await context.once.first(once):
            return
        elif not await context.replies.send(click.back, payload, public=True):
            await context.replies.send(click.back, note_message(Note(text=NOT_HERE, failed=True)))
            return
        context.trail.note(line(asker, "share", Outcome.DONE, case=number))

    async def _refusal(self, click: Click) -> tuple[str, Outcome]:
        """Return why the answer is not shown to the channel ("": it is), and for the audit log."""
        try:
            why = await self._context.audience.refusal(click.channel)
        except UnsureError as error:
            return str(error), Outcome.FAILED
        if why:
            return not_here(why), Outcome.REFUSED
        return (TOO_MUCH if self._tells_too_much(click) else ""), Outcome.REFUSED

    def _shared_case(self, number: str, asker: Asker, channel: str) -> dict[str, Any]:
        """The case as everybody in a channel may see it."""
        context, now = self._context, self._context.clock()
        shown = CaseView(
            entry=context.board.entries[number],
            now=now,
            freshness=Freshness.of(context.board.syncs, now),
            shared=True,
            by=asker.id,
            discreet=channel not in allowed_channels(context.settings),
        )
        return render(shown, context.settings)

    def _tells_too_much(self, click: Click) -> bool:
        """Say whether a list is one of a restricted bug, in a channel that may not know of it."""
        settings, board = self._context.settings, self._context.board
        if click.channel in allowed_channels(settings) or click.text("n") or click.text("a"):
            return False
        return names_restricted(parse_query(click.text("q"), board.words), board)

    async def _is_member(self, channel: str) -> bool:
        """Say whether the bot can post there as itself (direct messages with it included)."""
        try:
            found = await self._context.client.conversations_info(channel=channel)
        except (SlackClientError, OSError, TimeoutError):
            return False
        facts = found.get("channel") or {}
        return bool(facts.get("is_member") or facts.get("is_im")) and not facts.get("is_archived")

    async def _asker(self, click: Click) -> Asker:
        return await self._context.people.asker(
            click.user, click.name, channel=click.channel, origin=Origin.BUTTON
        )


def filtered(query: Query, menu: str, choice: str) -> str:
    """Return the text of a query with one menu's choice in it, in place of the one before."""
    if menu == "severity":
        if choice in ("", ALL):
            return query.without("severity")
        return query.with_term("severity", choice)
    text = query.text
    for _, value in FILTERS["only"]:
        if any(term.text == value for term in query.terms):
            query = _without(query, value)
            text = query.text
    if choice in ("", ALL):
        return text
    key, _, value = choice.partition(":")
    return query.with_term(key, value)


def _without(query: Query, term: str) -> Query:
    words = [x.text for x in query.terms if x.text != term]
    order = ["sort:" + ",".join(map(str, query.sorts))] if query.sorts else []
    try:
        return parse_query(" ".join([*words, *order]))
    except QueryError:
        return query


def shared_question(click: Click) -> str:
    """What the answer that is shared was an answer to; a button can not ask for anything else."""
    number, command = click.text("n"), click.text("a")
    if number:
        return f"case {number}"
    if command.partition(" ")[0] in SHAREABLE:
        return command
    return f"cases {click.text('q')}".strip()


def _shared(payload: dict[str, Any], asker: Asker) -> dict[str, Any]:
    blocks = without_share(payload["blocks"])
    return {**payload, "blocks": [*blocks, small(f"shared by <@{asker.id}>")]}
