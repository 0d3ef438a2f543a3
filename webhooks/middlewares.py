"""What happens around every request: an id, errors as answers, security headers, log and metrics.

All in one layer: each further one costs every request as much as finding its route.
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from t5g import metrics
from t5g.logs import logger
from webhooks.errors import answer, failure_of
from webhooks.keys import ERROR_PAGE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = web.RequestKey("REQUEST_ID", str)
UNMATCHED = "unmatched"
#: Headers of a refusal that its answer keeps.
KEPT = ("Allow", "Retry-After")
#: Routes that machines call all day: told at debug level unless they fail.
QUIET = ("/healthz", "/readyz", "/metrics", "/webhooks/", "/slack/", "/static/")
#: What is read quickly is counted, not told; slower than so many seconds it is told.
READS = ("GET", "HEAD")
SLOW = 0.25

log = logger(__name__)
_STDLIB = logging.getLogger(__name__)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id; turn exceptions into answers; count, time and log each answer.

    Neither the path nor the query is logged, only the route: a webhook's may hold a secret.
    """
    begun = time.perf_counter()
    request_id = request[REQUEST_ID] = secrets.token_hex(4)
    structlog.contextvars.bind_contextvars(request=request_id)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            _finish(request, error, begun, request_id)
            raise
        response = _refused(request, error)
    except Exception as error:
        response = _failed(request, error)
    _finish(request, response, begun, request_id)
    return response


def _finish(
    request: web.Request, response: web.StreamResponse, begun: float, request_id: str
) -> None:
    seconds = time.perf_counter() - begun
    route = route_of(request)
    size = response.content_length if isinstance(response, web.Response) else None
    metrics.observe_request(route, request.method, response.status, seconds, size)
    _write_line(request, route, response.status, seconds)
    if not response.prepared:
        _add_headers(response, request_id)


def _refused(request: web.Request, error: web.HTTPException) -> web.Response:
    response = answer(request, failure_of(error, ""), request.app[ERROR_PAGE])
    for name in KEPT:
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response


def _failed(request: web.Request, error: Exception) -> web.Response:
    """Answer with what the asker may know; an unknown error is logged with the id that they see."""
    failure = failure_of(error, request[REQUEST_ID])
    if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.exception("request failed", route=route_of(request))
    elif failure.status > HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request not answered", route=route_of(request), error=str(error))
    return answer(request, failure, request.app[ERROR_PAGE])


MIDDLEWARES: tuple[Middleware, ...] = (observe,)


def route_of(request: web.Request) -> str:
    """The route's pattern (`/cases/{number}`): bounded, and free of secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNMATCHED


def _write_line(request: web.Request, route: str, status: int, seconds: float) -> None:
    quick = request.method in READS and seconds < SLOW
    quiet = status < HTTPStatus.BAD_REQUEST and (quick or route.startswith(QUIET))
    level = logging.DEBUG if quiet else logging.INFO
    if _STDLIB.isEnabledFor(level):  # a line costs more than the rest of a middleware
        millis = round(seconds * 1000, 1)
        log.log(level, "request", route=route, method=request.method, status=status, ms=millis)


def _add_headers(response: web.StreamResponse, request_id: str) -> None:
    headers = response.headers
    headers["X-Request-Id"] = request_id
    headers["X-Content-Type-Options"] = "nosniff"
