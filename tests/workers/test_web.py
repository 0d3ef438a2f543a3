"""The HTTP client: what it makes of answers, and that it asks for no package again and again."""

import sys
from importlib.util import find_spec

import httpx
import pytest

from workers.web import Request, _by_name, open_web


def test_headers_are_found_by_their_name_in_lower_case() -> None:
    raw = [("Content-Type", "text/html"), ("Retry-After", "3"), ("X-Of", "a"), ("x-of", "é")]
    headers = httpx.Headers([(name, value.encode("latin-1")) for name, value in raw])
    assert _by_name(headers.raw) == dict(headers)
    assert _by_name(headers.raw)["x-of"] == "a, é"


async def test_a_package_that_is_not_there_is_not_searched_for_at_each_request(
    monkeypatch: pytest.MonkeyPatch, upstreams, redis_url
) -> None:
    web = open_web(timeout=5.0, connections=1)
    if find_spec("sniffio"):
        pytest.skip("the package is there")
    searched: list[str] = []

    class Watch:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            searched.append(name)

    url = str(upstreams.settings(redis_url).jira_url)
    await web.send(Request(url=url))  # loads what is loaded once
    monkeypatch.setattr(sys, "meta_path", [Watch, *sys.meta_path])
    await web.send(Request(url=url))
    await web.aclose()
    assert searched == []
