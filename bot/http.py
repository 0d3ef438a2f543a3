"""Slack's HTTP requests on the web process: verified on the raw bytes, then given to Bolt."""

import json
import time

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from t5g.logs import logger
from t5g.settings import Settings

log = logger(__name__)
PATH = "/slack/events"
MOST_SKEW = 300


def add_slack_routes(app: web.Application, bolt: AsyncApp, settings: Settings) -> None:
    """Mount `POST /slack/events`: commands, interactivity and events alike."""
    secret = settings.slack_signing_secret.get_secret_value()
    door = _Door(bolt, SignatureVerifier(secret) if secret else None)
    app.router.add_post(PATH, door.take)


class _Door:
    """Lets in what Slack signed. Strangers get 401 and leave one short line in the log."""

    def __init__(self, bolt: AsyncApp, verifier: SignatureVerifier | None) -> None:
        self._bolt = bolt
        self._verifier = verifier

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        raw = await request.read()
        if not self._signed(request, raw):
            log.info("slack.refused", why="signature")
            return web.json_response({"error": "invalid signature"}, status=401)
        bolt_request = await _readable(request)
        if bolt_request is None:
            return web.json_response({"error": "the body can not be read"}, status=400)
        answered = await self._bolt.async_dispatch(bolt_request)
        return await to_aiohttp_response(answered)

    def _signed(self, request: web.Request, raw: bytes) -> bool:
        """Check the signature without trusting anything that a stranger may send."""
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if self._verifier is None or not (stamp.isascii() and stamp.isdigit()):
            return False
        if not signature.isascii() or abs(time.time() - int(stamp[:12])) > MOST_SKEW:
            return False
        try:
            body = raw.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return self._verifier.is_valid(body=body, timestamp=stamp, signature=signature)


async def _readable(request: web.Request) -> AsyncBoltRequest | None:
    """Give the request to Bolt's reader, which trusts that JSON is an object; None if it is not."""
    try:
        if request.content_type == "application/json":
            body = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                return None
        return await to_bolt_request(request)
    except ValueError:
        return None
