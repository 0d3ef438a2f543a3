"""Slack's HTTP requests on the web process: verified on the raw bytes, then given to Bolt.

A stranger gets 401 whatever they send, and leaves one short line in the log.
"""

import json
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.actions.asked import Questions
from bot.app import create_bolt_app
from bot.context import Context
from bot.follower import Follower
from bot.speaking import Speaker
from t5g.bodies import body_of
from t5g.logs import logger
from t5g.settings import Settings

log = logger(__name__)
PATH = "/slack/events"
MOST_SKEW = 300
BODY_LIMIT = 1024 * 1024
#: Longest body of Slack's look at the certificate, which alone is not signed.
SSL_CHECK = 200
STAMP = re.compile(r"\d{1,12}", re.ASCII)
SIGNED = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
COMMAND_FIELD = "command="
#: What Bolt raises when a payload is not of the shape that it takes for granted.
UNSHAPED = (TypeError, AttributeError, KeyError, IndexError, ValueError)
RATE_LIMITED = "app_rate_limited"


def mount_slack(app: web.Application, settings: Settings, context: Context) -> None:
    """Mount everything that speaks Slack: requests, what is followed, and an orderly end."""
    questions = Questions(context, Speaker(context))
    add_slack_routes(app, create_bolt_app(settings, context, questions), settings, questions)

    async def living(_: web.Application) -> AsyncIterator[None]:
        if settings.slack_bot_token.get_secret_value():
            context.tasks.loop(Follower(context).run(), "follower")
        yield
        await context.close()

    app.cleanup_ctx.append(living)


def add_slack_routes(
    app: web.Application, bolt: AsyncApp, settings: Settings, questions: Questions
) -> None:
    """Mount `POST /slack/events`: commands, interactivity and events alike."""
    secret = settings.slack_signing_secret.get_secret_value()
    command = settings.slack_command
    door = _Door(bolt, SignatureVerifier(secret) if secret else None, questions, command)
    app.router.add_post(PATH, door.take)


class _Door:
    """Lets in what Slack signed.

    A slash command is answered right here: to find its one listener by way of Bolt takes longer
    than to answer it.
    """

    def __init__(
        self,
        bolt: AsyncApp,
        verifier: SignatureVerifier | None,
        questions: Questions,
        command: str,
    ) -> None:
        self._bolt = bolt
        self._verifier = verifier
        self._questions = questions
        self._command = command

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if (request.content_length or 0) > SSL_CHECK and not self._claimed(request):
            return _refused(0)
        async with body_of(request, BODY_LIMIT) as raw:
            body = _text(raw)
            if body is not None and _is_ssl_check(body):
                return web.Response()
            if body is None or not self._signed(request, body):
                return _refused(len(raw))
        if COMMAND_FIELD in body and request.content_type == FORM:
            form = dict(parse_qsl(body, keep_blank_values=True))
            if form.get("command") == self._command:
                spoken = await self._questions.answered(form)
                return web.Response(body=spoken, content_type=JSON, charset="utf-8")
        if not _readable(body, request.content_type):
            return web.json_response({"error": "the body can not be read"}, status=400)
        if body.startswith("{") and json.loads(body).get("type") == RATE_LIMITED:
            log.warning("slack_sends_fewer_events", why="more than 30,000 in an hour")
            return web.Response()
        try:
            answered = await self._bolt.async_dispatch(
                AsyncBoltRequest(body=body, query=request.query_string, headers=request.headers)  # type: ignore[arg-type]
            )
        except UNSHAPED:
            # Errors of our listeners do not come here: Bolt itself trusts the shape of payloads.
            log.exception("slack_not_understood", bytes=len(raw))
            return web.json_response({"error": "the payload is not one of Slack's"}, status=400)
        kind = answered.headers.get("content-type", ["text/plain"])[0].partition(";")[0]
        return web.Response(
            status=answered.status, text=answered.body, content_type=kind, charset="utf-8"
        )

    def _claimed(self, request: web.Request) -> bool:
        """Say whether a request claims by its head alone to be signed by Slack, and now."""
        stamp, signature = _proof(request)
        if self._verifier is None or not STAMP.fullmatch(stamp):
            return False
        return bool(SIGNED.fullmatch(signature)) and abs(time.time() - int(stamp)) <= MOST_SKEW

    def _signed(self, request: web.Request, body: str) -> bool:
        """Check the signature without trusting anything that a stranger may send."""
        if self._verifier is None or not self._claimed(request):
            return False
        stamp, signature = _proof(request)
        return bool(self._verifier.is_valid(body=body, timestamp=stamp, signature=signature))


def _proof(request: web.Request) -> tuple[str, str]:
    headers = request.headers
    return headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")


def _refused(size: int) -> web.Response:
    log.info("slack_refused", why="signature", bytes=size)
    return web.json_response({"error": "invalid signature"}, status=401)


def _is_ssl_check(body: str) -> bool:
    """Slack looks at the certificate now and then, unsigned; nothing is told or done."""
    return len(body) <= SSL_CHECK and ("ssl_check", "1") in parse_qsl(body)


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _readable(body: str, content_type: str) -> bool:
    """Say whether Bolt can read a body: it trusts that JSON is an object."""
    try:
        if content_type == JSON or body.startswith("{"):
            return isinstance(json.loads(body or "{}"), dict)
        if "payload=" not in body:
            return True
        fields = dict(parse_qsl(body))
        return "payload" not in fields or isinstance(json.loads(fields["payload"]), dict)
    except (ValueError, RecursionError):
        return False
