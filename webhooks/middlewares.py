"""What happens around every request: an id, errors as answers, security headers, log and metrics.

The order is from the outside in: `observe` sees every answer, `speak` turns exceptions into one.
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
#: Routes that machines call all day: told at debug level unless they fail.
QUIET = ("/healthz", "/readyz", "/metrics", "/webhooks/", "/slack/", "/static/")
#: What is read quickly is counted, not told; slower than so many seconds it is told.
READS = ("GET", "HEAD")
SLOW = 0.25

log = logger(__name__)
_STDLIB = logging.getLogger(__name__)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id; count, time and log its answer.

    Neither the path nor the query is logged, only the route: a webhook's may hold a secret.
    """
    begun = time.perf_counter()
    request_id = request[REQUEST_ID] = secrets.token_hex(4)
    structlog.contextvars.bind_contextvars(request=request_id)
    try:
        response = await handler(request)
    except web.HTTPException as redirect:
        _finish(request, redirect, begun, request_id)
        raise
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


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn exceptions into answers; an unknown one is logged with the id that the asker sees."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        response = answer(request, failure_of(error, ""), request.app[ERROR_PAGE])
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        failure = failure_of(error, request[REQUEST_ID])
        if failure.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request failed", route=route_of(request))
        elif failure.status > HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("request not answered", route=route_of(request), error=str(error))
        return answer(request, failure, request.app[ERROR_PAGE])


MIDDLEWARES: tuple[Middleware, ...] = (observe, speak)


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
