"""Errors as answers: one sentence and a status, as JSON for machines and as a page for people.

It never tells more than the error says of itself: no tracebacks, no addresses, no secrets.
"""

import re
from html import escape
from http import HTTPStatus
from typing import Protocol

import msgspec
from aiohttp import web
from msgspec import Struct
from redis.exceptions import RedisError

from t5g.errors import QueryError, StoreError, T5GError

#: Paths below which everybody is a machine.
MACHINES = re.compile(r"/(api|webhooks|slack|healthz|readyz|metrics)(/|$)")
RETRY_SECONDS = 5
NO_REDIS = "Redis does not answer; try again in a moment."
UNREADABLE = "The body can not be read."
UNKNOWN = "Something went wrong here. It is in the log under the id {id}."


class Failure(Struct, frozen=True, kw_only=True):
    """What went wrong with a request, in words for whoever asked.

    `id` names the log line when the cause is not theirs; `details` are fields for machines.
    """

    status: int
    message: str
    id: str = ""
    details: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "Error"


class ErrorPage(Protocol):
    """Renders a failure for people. It must work while Redis is away."""

    def __call__(self, request: web.Request, failure: Failure, /) -> web.Response:
        """Return the page; its status is set by the caller."""
        ...


def failure_of(error: Exception, request_id: str) -> Failure:
    """Turn an exception into what the asker may know of it."""
    if isinstance(error, QueryError):
        details = {"text": error.text, "suggestion": error.suggestion, "example": error.example}
        return Failure(status=error.status, message=str(error), details=details)
    if isinstance(error, T5GError):
        theirs = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return Failure(status=error.status, message=str(error), id="" if theirs else request_id)
    if isinstance(error, web.HTTPException):
        return Failure(status=error.status, message=_sentence(error))
    if isinstance(error, web.RequestPayloadError):  # cut off, or packed as it does not say
        return Failure(status=HTTPStatus.BAD_REQUEST, message=UNREADABLE)
    if isinstance(error, RedisError):
        return Failure(status=StoreError.status, message=NO_REDIS, id=request_id)
    message = UNKNOWN.format(id=request_id)
    return Failure(status=HTTPStatus.INTERNAL_SERVER_ERROR, message=message, id=request_id)


def answer(request: web.Request, failure: Failure, page: ErrorPage) -> web.Response:
    """Return the failure in the form that the asker can read."""
    if request.path.startswith("/api/"):
        response = problem_answer(failure, request.path)
    else:
        response = json_answer(failure) if wants_json(request) else page(request, failure)
    response.set_status(failure.status)
    if failure.status == StoreError.status:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def json_answer(failure: Failure) -> web.Response:
    """Return the failure as JSON: `error`, `status`, `id` and what else the error knows."""
    told = {"error": failure.message, "status": failure.status}
    extra = {"id": failure.id, **failure.details}
    told |= {name: value for name, value in extra.items() if value}
    return web.Response(body=msgspec.json.encode(told), content_type="application/json")


def problem_answer(failure: Failure, path: str) -> web.Response:
    """Return the failure as the API tells it (RFC 9457), with what else the error knows."""
    told = {
        "type": "about:blank",
        "title": failure.title,
        "status": failure.status,
        "detail": failure.message,
        "instance": path,
    }
    extra = {"id": failure.id, **failure.details}
    told |= {name: value for name, value in extra.items() if value}
    return web.Response(body=msgspec.json.encode(told), content_type="application/problem+json")


def plain_error_page(request: web.Request, failure: Failure) -> web.Response:
    """Render a failure without templates; the pages have a nicer one."""
    trace = f"<p>Id: <code>{escape(failure.id)}</code></p>" if failure.id else ""
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(failure.title)}'
        f"</title><h1>{escape(failure.title)}</h1><p>{escape(failure.message)}</p>{trace}"
        '<p><a href="/">Overview</a></p></html>'
    )
    return web.Response(text=text, content_type="text/html")


def wants_json(request: web.Request) -> bool:
    """Say whether the asker is a machine, by the path or by what it accepts."""
    if MACHINES.match(request.path):
        return True
    accept = request.headers.get("Accept", "")
    return "application/json" in accept and "text/html" not in accept


def _sentence(error: web.HTTPException) -> str:
    match error.status:
        case HTTPStatus.NOT_FOUND:
            return "There is no such page."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = error.headers.get("Allow", "")
            return f"This method is not allowed here; allowed: {allowed}."
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return "The body is too large."
        case _:
            return error.text or error.reason
