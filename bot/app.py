"""Builds the Bolt app: which request goes to which listener.

Bolt runs a listener to its end before it answers (`process_before_response`), so an answer given
can not be taken back by a failure after it, and no task of Bolt's own outlives the request. What
takes longer is started on `context.tasks`, which are finished at shutdown.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError

from bot import home, previews, shortcuts
from bot.actions.asked import Questions, event_of
from bot.actions.cards import Cards
from bot.actions.clicks import click_of
from bot.actions.lists import Lists
from bot.actions.show import Shower
from bot.context import Context, create_client, create_context
from bot.speaking import Speaker
from bot.views.blocks import parts
from bot.views.blocks.home import HOME
from bot.views.blocks.modals import ASSIGN_VIEW, COMMENT_VIEW, SEARCH
from t5g import metrics
from t5g.logs import logger
from t5g.settings import Settings

__all__ = ["create_bolt_app", "create_client", "create_context"]

log = logger(__name__)
KINDS = {
    "event_callback": "event",
    "block_actions": "click",
    "view_submission": "form",
    "view_closed": "form",
    "shortcut": "shortcut",
    "message_action": "shortcut",
}
#: Events that tell of a change, and the fields that name what changed.
CHANGES = {
    "user_change": ("user",),
    "team_join": ("user",),
    "subteam_updated": ("subteam",),
    "subteam_members_changed": ("subteam_id",),
    "member_joined_channel": ("channel",),
    "channel_shared": ("channel",),
    "channel_unshared": ("channel",),
}
ANYTHING = re.compile(".*", re.DOTALL)
#: Takes an event's envelope and the bot's own user id ("" while it is unknown).
EventListener = Callable[[dict[str, Any], str], Awaitable[None]]
BROKEN = "⚠️ Something went wrong on our side; it is in the log. Try again in a moment."


def create_bolt_app(
    settings: Settings, context: Context, questions: Questions | None = None
) -> AsyncApp:
    """Return the app with all listeners. It asks nothing of Slack until the first request."""
    app = TimedApp(
        # Without a name Bolt looks for one in the source of all callers: a tenth of a second. It is
        # also the logger of listeners, whose level Bolt sets: not one of ours.
        name="slack_bolt.listeners",
        client=create_client(settings, token=False),
        signing_secret=settings.slack_signing_secret.get_secret_value() or "not set",
        authorize=_authorizer(context),
        ignoring_self_events_enabled=False,
        process_before_response=True,
    )
    app.error(_on_error)
    questions = questions or Questions(context, Speaker(context))
    speaker = questions.speaker
    shower = Shower(context, speaker)
    _add_questions(app, context, questions)
    _add_clicks(app, Lists(context, speaker, shower), Cards(context, speaker, shower))
    _add_shortcuts(app, shortcuts.Shortcuts(context, speaker, shower))
    _add_views(app, context)
    _add_changes(app, context)
    _add_the_rest(app)
    return app


class TimedApp(AsyncApp):
    """Measures how long Slack waits for an answer, over HTTP and Socket Mode alike."""

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Answer one request."""
        begun = time.perf_counter()
        try:
            return await super().async_dispatch(req)
        finally:
            metrics.SLACK_ACK.labels(kind_of(req.body)).observe(time.perf_counter() - begun)


def kind_of(body: dict[str, Any]) -> str:
    """Say what kind of request it is, in a few words of our own."""
    if "command" in body:
        return "command"
    kind = str(body.get("type") or "")
    return KINDS.get(kind, "other")


def _add_questions(app: AsyncApp, context: Context, questions: Questions) -> None:
    app.command(context.settings.slack_command)(questions.command)
    app.event("app_mention")(_once(context, questions.mention))
    app.event("message")(_once(context, questions.message))


def _add_clicks(app: AsyncApp, lists: Lists, cards: Cards) -> None:
    for action, listener in (
        (parts.PAGE, lists.page),
        (parts.SORT, lists.sort),
        (parts.FILTER, lists.filter),
        (parts.ASK, lists.ask),
        (parts.SHARE, lists.share),
        (parts.LINK, lists.link),
        (parts.COMMENT, cards.comment),
        (parts.ASSIGN, cards.assign),
    ):
        app.action(_verb(action))(listener)
    app.view(COMMENT_VIEW)(cards.commented)
    app.view(ASSIGN_VIEW)(cards.assigned)


def _add_shortcuts(app: AsyncApp, found: shortcuts.Shortcuts) -> None:
    app.shortcut(shortcuts.SEARCH)(found.search)
    app.shortcut(shortcuts.FIND)(found.find)
    app.shortcut(shortcuts.COMMENT)(found.comment)
    app.action(f"{HOME}:search")(found.search)
    app.view(SEARCH)(found.searched)


def _add_views(app: AsyncApp, context: Context) -> None:
    async def opened(body: dict[str, Any], _: str) -> None:
        context.tasks.start(home.opened(context, event_of(body)), "home")

    async def shared(body: dict[str, Any], _: str) -> None:
        context.tasks.start(previews.unfurl(context, body), "previews")

    async def refreshed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        context.tasks.start(home.publish(context, click_of(body).user, looked=True), "home")

    app.event("app_home_opened")(_once(context, opened))
    app.event("link_shared")(_once(context, shared))
    app.action(f"{HOME}:refresh")(refreshed)


def _add_changes(app: AsyncApp, context: Context) -> None:
    """What Slack tells of people, groups and channels ends what was known of them."""

    async def changed(body: dict[str, Any]) -> None:
        if names := changed_names(event_of(body)):
            await context.people.changed(*names)
            for name in names:
                if name.startswith("channel:"):
                    await context.outbox.reopen(name.removeprefix("channel:"))

    for kind in CHANGES:
        app.event(kind)(changed)


def changed_names(event: Mapping[str, Any]) -> list[str]:
    """Return what an event tells a change of, as `bot.people` names it."""
    kinds = {"user": "user", "subteam": "group", "subteam_id": "group", "channel": "channel"}
    wanted = CHANGES.get(str(event.get("type")), ())
    found = [(kinds[key], event.get(key)) for key in wanted]
    named = [(kind, x.get("id") if isinstance(x, Mapping) else x) for kind, x in found]
    return [f"{kind}:{x}" for kind, x in named if isinstance(x, str) and x]


def _add_the_rest(app: AsyncApp) -> None:
    """What we do not know is taken politely: an old button, an event that was not asked for."""

    async def taken(ack: AsyncAck) -> None:
        await ack()

    async def ignored() -> None:
        """Nothing is done; Bolt acknowledges events by itself."""

    app.action(ANYTHING)(taken)
    app.view(ANYTHING)(taken)
    app.view_closed(ANYTHING)(taken)
    app.shortcut(ANYTHING)(taken)
    app.event(ANYTHING)(ignored)


def _verb(action: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(action)}(:.*)?$")


def _once(services: Context, listener: EventListener) -> Callable[..., Awaitable[None]]:
    """Let an event through once, however often Slack sends it; again if its listener failed."""

    # Bolt gives a listener what the names of its parameters ask for.
    async def listened(body: dict[str, Any], context: AsyncBoltContext) -> None:
        identity = f"event:{body['event_id']}" if body.get("event_id") else ""
        if not await services.once.first(identity):
            return
        try:
            await listener(body, context.bot_user_id or _bot_user(body))
        except BaseException:
            await services.once.forget(identity)
            raise

    return listened


def _bot_user(body: dict[str, Any]) -> str:
    """The bot's user id as the envelope names it: the first events come before Slack told us."""
    for row in body.get("authorizations") or ():
        if isinstance(row, dict) and row.get("is_bot"):
            return str(row.get("user_id") or "")
    return ""


def _authorizer(context: Context) -> Callable[..., Awaitable[AuthorizeResult]]:
    """One workspace: ask Slack once who we are, and work without the answer too."""
    known: list[AuthorizeResult] = []
    asking: list[bool] = []
    client = context.client

    async def ask() -> None:
        try:
            found = await client.auth_test()
        except (SlackClientError, OSError, TimeoutError) as error:
            log.warning("slack_does_not_know_us", why=type(error).__name__)
        else:
            known.append(
                AuthorizeResult.from_auth_test_response(
                    auth_test_response=found, bot_token=client.token
                )
            )
        finally:
            asking.clear()

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        if known:
            return known[0]
        if not asking:
            asking.append(True)
            context.tasks.start(ask(), "auth.test")
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token)

    return authorize


async def _on_error(error: Exception, request: AsyncBoltRequest) -> BoltResponse:
    """A listener failed: the person gets a sentence (a command), Slack sends again (an event)."""
    kind = request.body.get("type") or ("command" if "command" in request.body else "")
    log.error("slack_listener_failed", kind=str(kind), exc_info=error)
    if kind == "event_callback":
        return BoltResponse(status=500)
    return BoltResponse(status=200, body=BROKEN if kind == "command" else "")
