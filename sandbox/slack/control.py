"""The control API under `/_sandbox/`: what a person does, and what there is to see, as JSON.

Used by the page's script, by tests and by the end-to-end test. People and channels are named by id,
name or (people) e-mail address. It trusts its caller: the sandbox listens on loopback only.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.delivery import Delivery, Outcome
from sandbox.slack.installation import Installation
from sandbox.slack.interactions import Place, Submission
from sandbox.slack.model import Channel, Json, Message, SlackError, User
from sandbox.slack.server import SlackServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def control_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a person can not do is a 400 (404: not there) that says why."""
    if not request.path.startswith("/_sandbox/"):
        return await handler(request)
    try:
        return await handler(request)
    except SlackError as error:
        status = 404 if error.code.endswith("not_found") else 400
        return web.json_response({"error": error.code, **error.extra}, status=status)
    except (LookupError, ValueError, TypeError) as error:
        return web.json_response({"error": "bad_request", "detail": str(error)}, status=400)


@dataclass(slots=True)
class Control:
    """The handlers."""

    server: SlackServer

    def routes(self) -> list[web.RouteDef]:
        """Every address of the control API."""
        return [
            web.post("/_sandbox/command", self.command),
            web.post("/_sandbox/message", self.message),
            web.post("/_sandbox/paste", self.paste),
            web.post("/_sandbox/click", self.click),
            web.post("/_sandbox/suggest", self.suggest),
            web.post("/_sandbox/shortcut", self.shortcut),
            web.post("/_sandbox/message_shortcut", self.message_shortcut),
            web.post("/_sandbox/view_submit", self.view_submit),
            web.post("/_sandbox/view_close", self.view_close),
            web.get("/_sandbox/home/{user}", self.home),
            web.post("/_sandbox/home/{user}", self.open_home),
            web.get("/_sandbox/modal/{user}", self.modal),
            web.get("/_sandbox/channels/{channel}/messages", self.messages),
            web.get("/_sandbox/state", self.state),
            web.get("/_sandbox/deliveries", self.deliveries),
            web.get("/_sandbox/problems", self.problems),
            web.delete("/_sandbox/problems", self.forget_problems),
            web.post("/_sandbox/event", self.event),
            web.post("/_sandbox/redeliver", self.redeliver),
            web.get("/_sandbox/request_url", self.get_request_url),
            web.put("/_sandbox/request_url", self.put_request_url),
            web.put("/_sandbox/manifest", self.manifest),
            web.put("/_sandbox/rate_limit", self.rate_limit),
            web.put("/_sandbox/auth", self.auth),
            web.post("/_sandbox/socket_mode/disconnect", self.disconnect),
        ]

    # what people do

    async def command(self, request: web.Request) -> web.Response:
        """{user, channel, command, text} -> {status, elapsed_ms, response, error}."""
        body = await _body(request)
        user, channel = self._user(body), self._channel(body)
        text = str(body.get("text") or "")
        outcome = await self.server.writing.command(user, channel, str(body["command"]), text)
        return web.json_response(_outcome(outcome))

    async def message(self, request: web.Request) -> web.Response:
        """{user, channel, text, thread_ts?} -> the message."""
        body = await _body(request)
        message = await self.server.writing.say(
            self._user(body), self._channel(body), str(body["text"]), body.get("thread_ts")
        )
        return web.json_response(self._message(message))

    async def paste(self, request: web.Request) -> web.Response:
        """{user, text} -> {unfurl_id}, null when the app previews no link of the text."""
        body = await _body(request)
        unfurl_id = self.server.writing.paste(self._user(body), str(body["text"]))
        return web.json_response({"unfurl_id": unfurl_id})

    async def click(self, request: web.Request) -> web.Response:
        """{user, channel, message_ts | view_id, action_id, block_id?, value?, values?}."""
        body = await _body(request)
        outcome = await self.server.interactions.click(
            self._place(body),
            str(body["action_id"]),
            value=body.get("value"),
            block_id=str(body.get("block_id") or ""),
            values=body.get("values"),
        )
        return web.json_response(_outcome(outcome))

    async def suggest(self, request: web.Request) -> web.Response:
        """{user, place as for click, action_id, query} -> the app's options."""
        body = await _body(request)
        outcome = await self.server.interactions.suggest(
            self._place(body),
            str(body["action_id"]),
            str(body.get("query") or ""),
            str(body.get("block_id") or ""),
        )
        return web.json_response(_outcome(outcome))

    async def shortcut(self, request: web.Request) -> web.Response:
        """{user, callback_id}: a global shortcut."""
        body = await _body(request)
        user = self._user(body)
        outcome = await self.server.interactions.shortcut(user, str(body["callback_id"]))
        return web.json_response(_outcome(outcome))

    async def message_shortcut(self, request: web.Request) -> web.Response:
        """{user, channel, message_ts, callback_id}."""
        body = await _body(request)
        outcome = await self.server.interactions.message_shortcut(
            self._place(body), str(body["callback_id"])
        )
        return web.json_response(_outcome(outcome))

    async def view_submit(self, request: web.Request) -> web.Response:
        """{user, view_id?, values} -> {status, elapsed_ms, response, error, errors}."""
        body = await _body(request)
        submission = await self.server.interactions.submit(
            self._user(body), body.get("values") or {}, str(body.get("view_id") or "")
        )
        return web.json_response(_submission(submission))

    async def view_close(self, request: web.Request) -> web.Response:
        """{user, view_id?, all?}: close the shown modal, or the whole stack."""
        body = await _body(request)
        await self.server.interactions.close(
            self._user(body), str(body.get("view_id") or ""), everything=bool(body.get("all"))
        )
        return web.json_response({})

    async def open_home(self, request: web.Request) -> web.Response:
        """Look at the home tab, which tells the app; the body may name `tab`."""
        body = await _body(request) if request.can_read_body else {}
        user = self.server.state.user(request.match_info["user"])
        view = self.server.interactions.open_home(user, str(body.get("tab") or "home"))
        return web.json_response(view.as_json(self.server.state.ids) if view else None)

    # what there is to see

    async def home(self, request: web.Request) -> web.Response:
        """The home tab as it is published, or null."""
        view = self.server.views.homes.get(self.server.state.user(request.match_info["user"]).id)
        return web.json_response(view.as_json(self.server.state.ids) if view else None)

    async def modal(self, request: web.Request) -> web.Response:
        """The open modals of a person, the shown one last."""
        user = self.server.state.user(request.match_info["user"])
        stack = self.server.views.stack(user.id)
        return web.json_response([view.as_json(self.server.state.ids) for view in stack])

    async def messages(self, request: web.Request) -> web.Response:
        """?user=&thread=: what this person sees, oldest first; `ephemeral`: nobody else does.

        A person's name in place of the channel stands for their direct messages with the app.
        """
        reference = request.query.get("user")
        user = self.server.state.user(reference).id if reference else None
        channel = self._find_channel(request.match_info["channel"])
        shown = self.server.state.messages(channel.id, user, request.query.get("thread"))
        return web.json_response([self._message(one) for one in shown])

    async def state(self, request: web.Request) -> web.Response:
        """People, groups, channels, scheduled messages, files, and how the app is connected."""
        server, state = self.server, self.server.state
        return web.json_response(
            {
                "team_id": state.team_id,
                "ids": state.ids,
                "users": [one.as_json() for one in state.users.values()],
                "usergroups": [dataclasses.asdict(one) for one in state.groups.values()],
                "channels": [dataclasses.asdict(one) for one in state.channels.values()],
                "scheduled": [dataclasses.asdict(one) for one in server.schedule.of(None)],
                "files": [one.as_json(state.base_url) for one in server.files.files.values()],
                "installation": _jsonable(dataclasses.asdict(state.installation)),
                "request_url": server.dispatcher.request_url,
                "socket_connections": server.hub.connections,
                "problems": len(state.problems),
            }
        )

    async def deliveries(self, request: web.Request) -> web.Response:
        """The requests that were sent to the app, oldest first."""
        return web.json_response([_delivery(one) for one in self.server.dispatcher.deliveries])

    async def problems(self, request: web.Request) -> web.Response:
        """What Slack refused, and what failed."""
        return web.json_response([dataclasses.asdict(one) for one in self.server.state.problems])

    async def forget_problems(self, request: web.Request) -> web.Response:
        """Begin anew with problems."""
        self.server.state.problems.clear()
        return web.json_response({})

    # what a test sets

    async def event(self, request: web.Request) -> web.Response:
        """{event, event_id?}: send any event, or one again, as Slack may."""
        body = await _body(request)
        event_id = self.server.dispatcher.emit(dict(body["event"]), body.get("event_id"))
        return web.json_response({"event_id": event_id})

    async def redeliver(self, request: web.Request) -> web.Response:
        """{at?}: send a request to the app again, by the time it was sent (else the last)."""
        at = (await _body(request)).get("at")
        sent = [x for x in self.server.dispatcher.deliveries if at is None or x.at == at]
        if not sent:
            raise SlackError("no_such_delivery")
        delivery = sent[-1]
        return web.json_response(_outcome(await self.server.dispatcher.again(delivery)))

    async def get_request_url(self, request: web.Request) -> web.Response:
        """Where requests are sent."""
        return web.json_response({"url": self.server.dispatcher.request_url})

    async def put_request_url(self, request: web.Request) -> web.Response:
        """{url, verify?}: with `verify`, the URL must echo a challenge, as Slack wants it."""
        body = await _body(request)
        before = self.server.dispatcher.request_url
        self.server.dispatcher.request_url = str(body["url"])
        if body.get("verify") and not await self.server.dispatcher.verify_url():
            self.server.dispatcher.request_url = before
            raise SlackError("url_verification_failed")
        return web.json_response({"url": self.server.dispatcher.request_url})

    async def manifest(self, request: web.Request) -> web.Response:
        """{manifest, enforce_scopes?}: install the app as its manifest says."""
        body = await _body(request)
        self.server.state.install(Installation.from_manifest(body["manifest"]))
        self.server.enforce_scopes = bool(body.get("enforce_scopes"))
        return web.json_response({"name": self.server.state.installation.name})

    async def rate_limit(self, request: web.Request) -> web.Response:
        """{enabled?, tiers?, per_second?, burst?}; fills every bucket."""
        body, limits = await _body(request), self.server.limits
        limits.enabled = bool(body.get("enabled", limits.enabled))
        limits.tiers = bool(body.get("tiers", limits.tiers))
        limits.per_second = float(body.get("per_second", limits.per_second))
        limits.burst = int(body.get("burst", limits.burst))
        limits.reset()
        return web.json_response({"enabled": limits.enabled, "tiers": limits.tiers})

    async def auth(self, request: web.Request) -> web.Response:
        """{error}: make every call fail with `token_revoked` or the like; empty: no more."""
        self.server.auth_error = str((await _body(request)).get("error") or "")
        return web.json_response({"error": self.server.auth_error})

    async def disconnect(self, request: web.Request) -> web.Response:
        """{reason?}: ask the app to connect anew."""
        body = await _body(request) if request.can_read_body else {}
        await self.server.hub.disconnect(str(body.get("reason") or "refresh_requested"))
        return web.json_response({})

    # beneath

    def _user(self, body: Mapping[str, Any]) -> User:
        return self.server.state.user(str(body["user"]))

    def _channel(self, body: Mapping[str, Any]) -> Channel:
        return self._find_channel(str(body["channel"]))

    def _find_channel(self, reference: str) -> Channel:
        try:
            return self.server.state.channel(reference)
        except SlackError:
            try:
                return self.server.state.open_dm([self.server.state.user(reference).id])
            except SlackError:
                raise SlackError("channel_not_found") from None

    def _place(self, body: Mapping[str, Any]) -> Place:
        user = self._user(body)
        if body.get("message_ts"):
            channel = self._channel(body)
            return self.server.interactions.in_message(user, channel, str(body["message_ts"]))
        return self.server.interactions.in_view(user, str(body.get("view_id") or ""))

    def _message(self, message: Message) -> Json:
        shown = message.as_json(self.server.state.team_id)
        return shown | {"channel": message.channel, "ephemeral": message.ephemeral}


async def _body(request: web.Request) -> Json:
    # a page of another site can send a form to loopback, but no JSON
    if request.content_type != "application/json":
        raise ValueError("send a JSON object with Content-Type: application/json")
    body = await request.json()
    if not isinstance(body, dict):
        raise TypeError("send a JSON object")
    return body


def _outcome(outcome: Outcome) -> Json:
    return {
        "status": outcome.status,
        "elapsed_ms": outcome.elapsed_ms,
        "response": outcome.body,
        "error": outcome.error,
    }


def _submission(submission: Submission) -> Json:
    sent = submission.outcome or Outcome(None, 0)
    return _outcome(sent) | {"errors": dict(submission.errors)}


def _delivery(delivery: Delivery) -> Json:
    return {
        "kind": str(delivery.kind),
        "what": delivery.what,
        "transport": delivery.transport,
        "at": delivery.at,
        "retry": delivery.retry,
        "event_id": delivery.event_id,
        **_outcome(delivery.outcome),
    }


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item) for item in value]
    return value
