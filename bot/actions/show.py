"""Shows the answer to a click where it was: in the message, in a modal, or as a new message."""

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.actions.clicks import Click
from bot.asker import Origin
from bot.context import Context
from bot.home import publish
from bot.refusals import refusal
from bot.speaking import Speaker, Spoken
from bot.views.blocks.modals import answer_modal, waiting_modal
from t5g.logs import logger

log = logger(__name__)

WORKING = ":hourglass_flowing_sand: One moment …"
#: What changes the home tab that it stands on.
ABOUT_ME = ("unwatch", "digest", "watch", "claim", "notify")


class Shower:
    """Answers clicks."""

    def __init__(self, context: Context, speaker: Speaker) -> None:
        self._context = context
        self._speaker = speaker

    async def show(
        self, click: Click, text: str, *, page: int = 1, title: str = "", replace: bool = False,
        mine: bool = False,
    ) -> None:  # fmt: skip
        """Answer `text` to whoever clicked. `replace`: in place of the message that was clicked.

        `mine`: it is about the person alone, not about the channel where they clicked.
        """
        if click.view:
            await self._in_view(click, text)
            return
        spoken = await self._speak(click, text, page=page, title=title, mine=mine)
        reply = click.back
        await self._context.replies.send(reply, spoken.payload, replace=replace)
        await self._speaker.hand_over(spoken, reply)

    async def _in_view(self, click: Click, text: str) -> None:
        """Open (or push) a modal at once, for the trigger dies in three seconds; then fill it."""
        home = click.view == "home"
        if home and text.partition(" ")[0] in ABOUT_ME:
            await self._speak(click, text)
            await publish(self._context, click.user)
            return
        view_id = await self.open(click, waiting_modal(WORKING), push=not home)
        spoken = await self._speak(click, text)
        name = text if len(text) <= 24 else "T5G"
        await self.update(view_id, answer_modal(name.capitalize(), spoken.payload))
        await self._speaker.hand_over(spoken, click.back)

    async def _speak(
        self, click: Click, text: str, *, page: int = 1, title: str = "", mine: bool = False
    ) -> Spoken:
        channel = "" if mine else click.channel
        asker = await self._context.people.asker(
            click.user, click.name, channel=channel, origin=Origin.BUTTON
        )
        return await self._speaker.speak(text, asker, page=page, title=title, back=click.back)

    async def open(self, click: Click, view: dict[str, object], *, push: bool = False) -> str:
        """Open a modal, or push it on the one that is open; return its id, "" if it failed."""
        call = self._context.client.views_push if push else self._context.client.views_open
        try:
            found = await call(trigger_id=click.trigger, view=view)
        except SlackApiError as error:
            log.warning("modal_not_opened", why=refusal(error).why)
            return ""
        except (SlackClientError, OSError, TimeoutError) as error:
            log.warning("modal_not_opened", why=type(error).__name__)
            return ""
        return str((found.get("view") or {}).get("id") or "")

    async def update(self, view_id: str, view: dict[str, object]) -> None:
        """Change an open modal; one that was closed meanwhile is none of our business."""
        if not view_id:
            return
        try:
            await self._context.client.views_update(view_id=view_id, view=view)
        except SlackApiError as error:
            log.info("modal_not_updated", why=refusal(error).why)
        except (SlackClientError, OSError, TimeoutError) as error:
            log.info("modal_not_updated", why=type(error).__name__)
