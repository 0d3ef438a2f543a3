"""The OpenAPI document, made from the table of addresses and the shapes they answer with."""

from functools import cache
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from webhooks.api.endpoints import ENDPOINTS, Endpoint, Parameter

PATH = "/api/v1/openapi.json"
VERSION = "1"


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457). `text`, `suggestion`, `example`: of a query not understood."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    id: str = ""
    text: str = ""
    suggestion: str = ""
    example: str = ""


FAILURES = {
    400: "A parameter or the query is not understood; the detail says which word and what is near",
    401: "Nobody is logged in and no token is given",
    403: "The role of who asks is not enough",
    429: "Too many requests; `Retry-After` says when to come back",
    503: "The store does not answer; `Retry-After` says when to come back",
}
NOT_FOUND = "There is no such thing"


@cache
def document() -> bytes:
    """Return the document as JSON."""
    shapes = [*dict.fromkeys(endpoint.shape for endpoint in ENDPOINTS), Problem]
    _, schemas = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "T5G field support: cases",
                "version": VERSION,
                "description": "The same questions and answers as in Slack and on the pages.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": {endpoint.path: {"get": _operation(endpoint)} for endpoint in ENDPOINTS},
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer"},
                    "session": {"type": "apiKey", "in": "cookie", "name": "t5g"},
                },
            },
            "security": [{"token": []}, {"session": []}, {}],
        }
    )


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    failures = {**FAILURES, 404: NOT_FOUND} if endpoint.not_found else FAILURES
    answers: dict[str, Any] = {
        "200": {
            "description": endpoint.meaning,
            "headers": {"ETag": {"schema": {"type": "string"}, "description": "For 304"}},
            "content": {"application/json": {"schema": _ref(endpoint.shape)}},
        },
        "304": {"description": "Nothing changed since the answer that `If-None-Match` names"},
    }
    problem = {"application/problem+json": {"schema": _ref(Problem)}}
    for status, meaning in sorted(failures.items()):
        answers[str(status)] = {"description": meaning, "content": problem}
    return {
        "operationId": endpoint.name,
        "summary": endpoint.meaning,
        "parameters": [_parameter(endpoint, one) for one in endpoint.parameters],
        "responses": answers,
    }


def _parameter(endpoint: Endpoint, one: Parameter) -> dict[str, Any]:
    in_path = "{" + one.name + "}" in endpoint.path
    told: dict[str, Any] = {
        "name": one.name,
        "in": "path" if in_path else "query",
        "required": in_path,
        "description": one.meaning,
        "schema": _schema(one),
    }
    return told | ({"example": one.example} if one.example else {})


def _schema(one: Parameter) -> dict[str, Any]:
    if one.kind != "number":
        told: dict[str, Any] = {"type": "string"}
        if one.pattern:
            told |= {"pattern": one.pattern, "maxLength": one.most}
        return told
    return {"type": "integer", "minimum": 1, "maximum": one.most, "default": one.default}


def _ref(shape: type[Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


async def send_document(_: web.Request) -> web.Response:
    """`/api/v1/openapi.json`."""
    return web.Response(
        body=document(),
        content_type="application/json",
        headers={"Cache-Control": "public, max-age=300"},
    )
