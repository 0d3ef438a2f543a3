"""The address that JIRA posts to. It moves bytes; what they mean is decided in the core."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from aiohttp import web

from t5g import jira_door, metrics
from t5g.bodies import BodyError, body_of
from t5g.jira_decisions import Outcome
from t5g.jira_door import BODY_LIMIT, Door, Refusal, networks_of
from t5g.jira_events import SIGNATURE, Event, EventReader, Kind
from t5g.jira_intake import Delivery
from t5g.jira_payloads import fields_read
from t5g.logs import logger
from t5g.settings import Settings
from webhooks.errors import RETRY_SECONDS, Failure, json_answer
from webhooks.jira.commit import GroupCommit

STATUS = {Outcome.APPLIED: 200, Outcome.UNCHANGED: 200, Outcome.DUPLICATE: 200}
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
    given = request.match_info.get("secret") or request.query.get("secret")
    proof = jira_door.claimed_proof(door, signature=headers.get(SIGNATURE), given=given)
    if isinstance(proof, Refusal):
        return proof
    try:
        async with body_of(
            request, BODY_LIMIT, each=proof.feed, proved=proof.of_the_address
        ) as body:
            return proof.check() or body
    except BodyError as error:
        return Refusal(status=error.status, reason=error.reason, message=str(error))


def _refuse(request: web.Request, refusal: Refusal) -> web.Response:
    metrics.JIRA_REFUSALS.labels(refusal.reason).inc()
    log.warning("event refused", reason=refusal.reason, status=refusal.status, peer=request.remote)
    response = json_answer(Failure(status=refusal.status, message=refusal.message))
    response.set_status(refusal.status)
    if refusal.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
