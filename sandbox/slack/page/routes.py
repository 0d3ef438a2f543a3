"""The page's addresses: a person's client, its fragments, its event stream, files, inspector."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment

from sandbox.slack.model import Change, Channel, ChannelKind, Json, SlackError, User, View
from sandbox.slack.page.environment import HERE, page_templates
from sandbox.slack.page.markup import Names
from sandbox.slack.server import SlackServer

_KEEP_ALIVE: Final = 15.0
_SHOWN: Final = 200
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: http://127.0.0.1:* http://localhost:*; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Page:
    """Renders the workspace for one person at a time."""

    server: SlackServer
    environment: Environment = field(default_factory=page_templates)
    _streams: set[asyncio.Task[Any]] = field(default_factory=set)

    def routes(self) -> list[web.RouteDef | web.StaticDef]:
        """Every address of the page."""
        return [
            web.get("/", self.start),
            web.get("/client/{user}", self.start),
            web.get("/client/{user}/{place}", self.client),
            web.get("/fragments/{user}/messages/{channel}", self.messages),
            web.get("/fragments/{user}/{what:sidebar|home|modal|draft}", self.fragment),
            web.get("/events/{user}", self.events),
            web.get("/inspector", self.inspector),
            web.get("/archives/{channel}/p{ts}", self.archive),
            web.get("/files/{id}/{name}", self.file),
            web.static("/static", HERE / "static"),
        ]

    async def close(self) -> None:
        """End every event stream."""
        for task in list(self._streams):
            task.cancel()

    # addresses

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Be the first person, in the first channel, unless the address says who."""
        me = self._person(request) if "user" in request.match_info else self._people()[0]
        rooms = self._rooms(me)
        place = rooms[0].id if rooms else "home"
        raise web.HTTPFound(f"/client/{me.id}/{place}")

    async def client(self, request: web.Request) -> web.StreamResponse:
        """The whole page; opening the home tab tells the app."""
        me, place = self._person(request), request.match_info["place"]
        if place == "home":
            self.server.interactions.open_home(me)
            return self._page("client.html", **self._frame(me, None), tab="home", title=self._app())
        channel = self._channel(me, place)
        thread = request.query.get("thread")
        context = self._frame(me, channel) | self._listing(me, channel, None)
        if thread:
            replies = self._listing(me, channel, thread)["shown"]
            context |= {"thread": thread, "thread_messages": replies}
        is_app = channel.kind is ChannelKind.IM
        tab = "messages" if is_app else ""
        title = self._app() if is_app else f"#{channel.name}"
        return self._page("client.html", **context, tab=tab, title=title)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """A channel's or a thread's messages."""
        me = self._person(request)
        channel = self._channel(me, request.match_info["channel"])
        thread = request.query.get("thread")
        context = self._base(me) | self._listing(me, channel, thread)
        return self._page("messages.html", **context, in_thread=bool(thread))

    async def fragment(self, request: web.Request) -> web.StreamResponse:
        """The sidebar, the home tab, the shown modal, or the composer's preview."""
        me, what = self._person(request), request.match_info["what"]
        context = self._base(me)
        if what == "sidebar":
            current = request.query.get("current", "")
            return self._page("sidebar.html", **context, **self._sidebar(me, current))
        if what == "draft":
            return self._draft(context, request.query.get("unfurl_id", ""))
        homes, shown = self.server.views.homes, self.server.views.shown(me.id)
        view = homes.get(me.id) if what == "home" else shown
        return self._page("view.html", **context, view=view, kind=what)

    def _draft(self, context: Json, unfurl_id: str) -> web.Response:
        links = self.server.previews.shared.get(unfurl_id)
        return self._page("draft.html", **context, previews=links.draft if links else {})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What changes for this person, as server-sent events."""
        me = self._person(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        changes: asyncio.Queue[Change] = asyncio.Queue()
        stop = self.server.state.on_change(changes.put_nowait)
        task = asyncio.current_task()
        if task is not None:
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        try:
            await _stream(response, changes, me.id)
        except ConnectionError:
            pass
        finally:
            stop()
        return response

    async def inspector(self, request: web.Request) -> web.StreamResponse:
        """Every request to the app, and everything Slack refused."""
        reference = request.query.get("as")
        me = self.server.state.users.get(reference or "") or self._people()[0]
        return self._page(
            "inspector.html",
            **self._base(me),
            problems=list(reversed(self.server.state.problems)),
            deliveries=list(reversed(self.server.dispatcher.deliveries)),
            connection=self._connection(),
        )

    async def archive(self, request: web.Request) -> web.StreamResponse:
        """A permalink: the message in its channel, as the first person who sees it."""
        channel_id, digits = request.match_info["channel"], request.match_info["ts"]
        for me in self._people():
            channel = self.server.state.channels.get(channel_id)
            if channel is not None and channel.visible_to(me.id):
                raise web.HTTPFound(f"/client/{me.id}/{channel.id}#m{digits}")
        raise web.HTTPNotFound

    async def file(self, request: web.Request) -> web.StreamResponse:
        """An uploaded file; only a picture is shown, anything else is saved."""
        file = self.server.files.files.get(request.match_info["id"])
        if file is None or not file.complete:
            raise web.HTTPNotFound
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        if file.mimetype not in _PICTURES:
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)

    # what templates are given

    def _page(self, template: str, **context: Any) -> web.Response:
        text = self.environment.get_template(template).render(context)
        return web.Response(
            text=text,
            content_type="text/html",
            headers={
                "Content-Security-Policy": _POLICY,
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            },
        )

    def _base(self, me: User) -> Json:
        state = self.server.state
        ctx: Json = {
            "names": Names.of(state, me.id),
            "files": self.server.files.files,
            "people": [(one.id, one.real_name) for one in self._people()],
            "rooms": [(one.id, f"#{one.name}") for one in self._rooms(me)],
            "errors": {},
            "message_shortcuts": self._shortcuts("message"),
            "hint": self._hint(),
        }

        def ctx_of(view: View) -> Json:
            return ctx | {"values": view.values}

        return {
            "me": me,
            "ctx": ctx,
            "ctx_of": ctx_of,
            "user_of": lambda user: state.users.get(user, state.bot_user),
        }

    def _frame(self, me: User, channel: Channel | None) -> Json:
        commands = [
            {"command": one.command, "hint": one.usage_hint, "description": one.description}
            for one in self.server.state.installation.commands
        ]
        return (
            self._base(me)
            | self._sidebar(me, channel.id if channel else "home")
            | {
                "channel": channel,
                "thread": None,
                "thread_messages": [],
                "commands": commands,
                "mentionable": [
                    {"name": one.name, "real_name": one.real_name}
                    for one in [self.server.state.bot_user, *self._people()]
                ],
                "global_shortcuts": self._shortcuts("global"),
                "home": self.server.views.homes.get(me.id),
                "modal": self.server.views.shown(me.id),
            }
        )

    def _sidebar(self, me: User, current: str) -> Json:
        deliveries = self.server.dispatcher.deliveries
        return {
            "people": self._people(),
            "rooms": self._rooms(me),
            "dm": self.server.state.open_dm([me.id]),
            "bot": self.server.state.bot_user,
            "current": current,
            "connection": self._connection(),
            "connected": self.server.hub.connected or bool(self.server.dispatcher.request_url),
            "last": deliveries[-1] if deliveries else None,
            "problems": len(self.server.state.problems),
        }

    def _listing(self, me: User, channel: Channel, thread: str | None) -> Json:
        shown = self.server.state.messages(channel.id, me.id, thread)
        return {"shown": shown[-_SHOWN:]}

    def _connection(self) -> str:
        hub, url = self.server.hub, self.server.dispatcher.request_url
        if hub.connected:
            return f"Socket Mode, {hub.connections} connection{'s' * (hub.connections > 1)}"
        return f"HTTP to {urlsplit(url).netloc}" if url else "The app is not connected"

    def _shortcuts(self, kind: str) -> list[Any]:
        return [one for one in self.server.state.installation.shortcuts if one.kind == kind]

    def _hint(self) -> str:
        commands = self.server.state.installation.commands
        return f"{commands[0].command} help" if commands else ""

    def _app(self) -> str:
        return self.server.state.bot_user.name

    def _people(self) -> list[User]:
        return [one for one in self.server.state.users.values() if not (one.is_bot or one.deleted)]

    def _rooms(self, me: User) -> list[Channel]:
        kinds = {ChannelKind.PUBLIC, ChannelKind.PRIVATE}
        channels = self.server.state.channels.values()
        return [one for one in channels if one.kind in kinds and one.visible_to(me.id)]

    def _person(self, request: web.Request) -> User:
        user = self.server.state.users.get(request.match_info["user"])
        if user is None or user.is_bot:
            raise web.HTTPNotFound(text="no such person")
        return user

    def _channel(self, me: User, reference: str) -> Channel:
        try:
            channel = self.server.state.channel(reference)
        except SlackError:
            raise web.HTTPNotFound(text="no such channel") from None
        if not channel.visible_to(me.id):
            raise web.HTTPNotFound(text="no such channel")
        return channel


async def _stream(response: web.StreamResponse, changes: "asyncio.Queue[Change]", me: str) -> None:
    await response.write(b": connected\n\n")
    while True:
        try:
            change = await asyncio.wait_for(changes.get(), _KEEP_ALIVE)
        except TimeoutError:
            await response.write(b": still here\n\n")
            continue
        if change.user in {None, me}:
            body = json.dumps({"scope": change.scope, "channel": change.channel})
            await response.write(f"data: {body}\n\n".encode())
