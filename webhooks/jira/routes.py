"""The address that JIRA posts to. It moves bytes; what they mean is decided in the core."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from aiohttp import StreamReader, web

from t5g import jira_door, metrics
from t5g.jira_decisions import Outcome
from t5g.jira_door import BODY_LIMIT, Door, Refusal, networks_of
from t5g.jira_events import SIGNATURE, Event, EventReader, Kind
from t5g.jira_intake import Delivery
from t5g.jira_payloads import fields_read
from t5g.logs import logger
from t5g.settings import Settings
from webhooks.errors import Failure, json_answer
from webhooks.jira.commit import GroupCommit

PATIENCE = 30.0
STATUS = {Outcome.APPLIED: 200, Outcome.DUPLICATE: 200}
ANSWERS = {outcome: f'{{"outcome":"{outcome.value}"}}'.encode() for outcome in Outcome}


class Doorkeeper:
    """Holds what opens the door now: secrets may be rotated while the process runs."""

    def __init__(self, settings: Settings) -> None:
        self.renew(settings)

    def renew(self, settings: Settings) -> None:
        """Take the secrets of these settings from now on."""
        self.door = door_of(settings)


DOOR: Final = web.AppKey("DOOR", Doorkeeper)
READER: Final = web.AppKey("READER", EventReader)
COMMIT: Final = web.AppKey("COMMIT", GroupCommit)

log = logger(__name__)


def add_routes(app: web.Application, settings: Settings, commit: GroupCommit) -> None:
    """Mount the address; with a secret in it for Data Centers that can not sign."""
    app[DOOR] = Doorkeeper(settings)
    app[READER] = EventReader(fields_read(settings))
    app[COMMIT] = commit
    app.router.add_post("/webhooks/jira", receive)
    app.router.add_post("/webhooks/jira/{secret}", receive)


def door_of(settings: Settings) -> Door:
    """Read from the settings what opens the door."""
    return Door(
        signing=tuple(secret.encode() for secret in settings.webhook_secrets),
        address=tuple(
            secret.encode()
            for secret in settings.jira_webhook_url_secret.get_secret_value().split()
        ),
        networks=networks_of(settings.jira_webhook_networks),
        proxies=networks_of(settings.trusted_proxies),
    )


async def receive(request: web.Request) -> web.Response:
    """Take one delivery; the state is written before it is answered with a 2xx."""
    body = await _admitted(request)
    if isinstance(body, Refusal):
        return _refuse(request, body)
    event = request.app[READER].read(body, request.headers, received=datetime.now(UTC))
    if isinstance(event, Refusal):
        return _refuse(request, event)
    if isinstance(event, Event) and event.kind is Kind.OTHER:
        outcome = Outcome.IGNORED
    else:
        delivery = Delivery(event, body, request.headers)
        outcome = await request.app[COMMIT].apply(delivery)
    metrics.jira_events(event.family, outcome.value).inc()
    if outcome is Outcome.APPLIED and isinstance(event, Event):
        lag = (datetime.now(UTC) - event.at).total_seconds()
        metrics.JIRA_LAG.observe(max(0.0, lag))
    return web.Response(
        status=STATUS.get(outcome, 202), body=ANSWERS[outcome], content_type="application/json"
    )


async def _admitted(request: web.Request) -> bytes | Refusal:
    """Return the body if its sender may hand in events."""
    door, headers = request.app[DOOR].door, request.headers
    refusal = jira_door.check_sender(
        door, peer=request.remote, forwarded=headers.get("X-Forwarded-For", "")
    ) or jira_door.check_type(headers.get("Content-Type", ""))
    if refusal is not None:
        return refusal
    body = await _read(request)
    if isinstance(body, Refusal):
        return body
    given = request.match_info.get("secret") or request.query.get("secret")
    return jira_door.check_proof(door, body, signature=headers.get(SIGNATURE), given=given) or body


async def _read(request: web.Request) -> bytes | Refusal:
    """Read the body; JIRA's may be far larger than what other addresses take."""
    if (request.content_length or 0) > BODY_LIMIT:
        return jira_door.TOO_LARGE
    if request.content.is_eof():  # all of it is here already: there is nothing to wait for
        return request.content.read_nowait()
    try:
        async with asyncio.timeout(PATIENCE):
            return await _read_slowly(request.content)
    except TimeoutError:
        return jira_door.TOO_SLOW
    except web.RequestPayloadError:
        return jira_door.CUT_SHORT


async def _read_slowly(content: StreamReader) -> bytes | Refusal:
    chunks, size = list[bytes](), 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > BODY_LIMIT:
            return jira_door.TOO_LARGE
        chunks.append(chunk)
    return b"".join(chunks)


def _refuse(request: web.Request, refusal: Refusal) -> web.Response:
    metrics.JIRA_REFUSALS.labels(refusal.reason).inc()
    log.warning("event refused", reason=refusal.reason, status=refusal.status, peer=request.remote)
    response = json_answer(Failure(status=refusal.status, message=refusal.message))
    response.set_status(refusal.status)
    return response
