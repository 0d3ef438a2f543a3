"""Builds the Bolt app: what Slack sends goes to the router, answers go back rendered.

Listeners work first and acknowledge with the answer: one round trip, and nothing can fail after the
acknowledgement. Bolt answers buttons at once, and the work follows.
"""

import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from redis import Redis as SyncRedis
from redis.asyncio import Redis
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.asking import answer
from bot.people import People
from bot.router import Context
from bot.views.blocks import (
    BROWSER_ACTION,
    OPEN_ACTION,
    PAGE_ACTION,
    SEVERITY_ACTION,
    SHARE_ACTION,
    SORT_ACTION,
    render,
)
from t5g.board import Board
from t5g.keys import Keys
from t5g.logs import logger
from t5g.query import parse_query
from t5g.settings import Settings
from t5g.statistics import History

log = logger(__name__)
COMMAND = "/t5g"
ALL = "all"
NO_TOKEN = "xoxb-not-set"  # noqa: S105 (Bolt wants some text)


def create_client(settings: Settings) -> AsyncWebClient:
    """Open the client of Slack's Web API."""
    client = AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value() or NO_TOKEN,
        base_url=str(settings.slack_api_url),
        timeout=10,
    )
    client.proxy = None  # the SDK would take HTTPS_PROXY without looking at NO_PROXY
    return client


def create_context(
    settings: Settings, board: Board, redis: Redis, queue: SyncRedis, clock: Callable[[], float]
) -> Context:
    """Put together what commands work with."""
    keys = Keys(settings.redis_prefix)
    return Context(
        settings=settings,
        board=board,
        redis=redis,
        history=History(redis, keys),
        queue=queue,
        keys=keys,
        clock=clock,
    )


def create_bolt_app(settings: Settings, context: Context) -> AsyncApp:
    """Return the app with all listeners. It asks nothing of Slack until the first request."""
    client = create_client(settings)
    app = AsyncApp(
        client=client,
        signing_secret=settings.slack_signing_secret.get_secret_value() or "not set",
        authorize=_authorizer(client),
        ignoring_self_events_enabled=False,
    )
    listeners = _Listeners(settings, context, People(client))
    app.command(COMMAND)(listeners.command)
    app.action(OPEN_ACTION)(listeners.open)
    app.action(SHARE_ACTION)(listeners.share)
    app.action(_starting(PAGE_ACTION))(listeners.page)
    app.action(SORT_ACTION)(listeners.sort)
    app.action(SEVERITY_ACTION)(listeners.severity)
    app.action(_starting(BROWSER_ACTION))(listeners.link)
    return app


def _authorizer(client: AsyncWebClient) -> Callable[..., Awaitable[AuthorizeResult]]:
    """One workspace: ask Slack once who we are, and work without the answer too."""
    known: list[AuthorizeResult] = []

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        if not known:
            with suppress(SlackClientError, OSError, TimeoutError):
                found = await client.auth_test()
                known.append(
                    AuthorizeResult.from_auth_test_response(
                        auth_test_response=found, bot_token=client.token
                    )
                )
        if known:
            return known[0]
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token)

    return authorize


class _Listeners:
    """What happens on each kind of request."""

    def __init__(self, settings: Settings, context: Context, people: People) -> None:
        self._settings = settings
        self._context = context
        self._people = people

    async def command(self, ack: AsyncAck, command: dict[str, Any]) -> None:
        """`/t5g …`: answered in the acknowledgement itself, to the asker alone."""
        asked = unescaped(str(command.get("text") or ""))
        user = str(command.get("user_id") or "")
        payload = await self._answered(asked, user, str(command.get("user_name") or ""))
        await ack(**payload, response_type="ephemeral")

    async def open(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """The button beside a case."""
        await ack()
        payload = await self._answered(f"case {_value(body).get('n', '')}", *_who(body))
        await _send(respond, payload, replace_original=False, response_type="ephemeral")

    async def page(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """Previous and next."""
        await ack()
        value = _value(body)
        await self._list(body, respond, str(value.get("q", "")), int(value.get("p", 1)))

    async def sort(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """The menu of orders edits the query."""
        await ack()
        choice = _choice(body)
        query = parse_query(_menu_query(body))
        text = query.with_sort() if choice == ALL else query.with_sort(choice)
        await self._list(body, respond, text, 1)

    async def severity(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """The menu of severities edits the query."""
        await ack()
        choice = _choice(body)
        query = parse_query(_menu_query(body))
        text = query.without("severity") if choice == ALL else query.with_term("severity", choice)
        await self._list(body, respond, text, 1)

    async def share(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """Show the answer to the whole channel."""
        await ack()
        value = _value(body)
        asked = f"case {value['n']}" if "n" in value else f"cases {value.get('q', '')}"
        payload = await self._answered(asked, *_who(body), page=int(value.get("p", 1)))
        await _send(respond, payload, replace_original=False, response_type="in_channel")

    async def link(self, ack: AsyncAck) -> None:
        """A button with an address: Slack opens it and tells us only."""
        await ack()

    async def _list(
        self, body: dict[str, Any], respond: AsyncRespond, query: str, page: int
    ) -> None:
        payload = await self._answered(f"cases {query}", *_who(body), page=page)
        ephemeral = bool((body.get("container") or {}).get("is_ephemeral"))
        await _send(respond, payload, replace_original=ephemeral, response_type="ephemeral")

    async def _answered(
        self, text: str, user: str, name: str = "", *, page: int = 1
    ) -> dict[str, Any]:
        asker = await self._people.asker(user, name)
        found = await answer(text, asker, self._context, page=page)
        return render(found, self._settings)


async def _send(respond: AsyncRespond, payload: dict[str, Any], **how: Any) -> None:
    """`respond` never raises: an address that has expired is only seen in the status."""
    try:
        answered = await respond(**payload, **how)
    except (OSError, TimeoutError) as error:
        log.warning("slack.respond_failed", why=type(error).__name__)
        return
    if answered is not None and answered.status_code >= 400:
        log.warning("slack.respond_refused", status=answered.status_code)


def unescaped(text: str) -> str:
    """What the person typed: Slack escapes three characters and wraps links and mentions."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _starting(action: str) -> re.Pattern[str]:
    return re.compile(rf"^{re.escape(action)}(:.*)?$")


def _action(body: dict[str, Any]) -> dict[str, Any]:
    actions = body.get("actions") or [{}]
    return dict(actions[0])


def _value(body: dict[str, Any]) -> dict[str, Any]:
    return _read(_action(body).get("value"))


def _choice(body: dict[str, Any]) -> str:
    return str((_action(body).get("selected_option") or {}).get("value") or ALL)


def _menu_query(body: dict[str, Any]) -> str:
    return str(_read(_action(body).get("block_id")).get("q", ""))


def _read(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _who(body: dict[str, Any]) -> tuple[str, str]:
    user = body.get("user") or {}
    return str(user.get("id") or ""), str(user.get("username") or user.get("name") or "")
