"""Whatever a request brings, and wherever: no secret of it, and none of ours, is in the log."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from t5g.logs import setup_logging
from t5g.settings import Settings, load_settings
from tests.webhooks.conftest import Serve

PLANTED = "planted-0123456789-not-secret"
#: Not of our settings: what somebody else's secret looks like.
STRANGE = "strange-9876543210-not-secret"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def settings_with_secrets(redis_url: str) -> Settings:
    names = [n for n, i in Settings.model_fields.items() if i.annotation is SecretStr]
    planted = {name: f"{PLANTED}-{name}" for name in names if name != "sentry_dsn"}
    return load_settings(
        env={**planted, "redis_url": redis_url, "log_level": "debug", "log_format": "json"}
    )


@pytest.mark.parametrize("secret", [f"{PLANTED}-jira_token", STRANGE])
async def test_no_route_logs_what_a_request_hides(
    redis_url: str, serve: Serve, log: io.StringIO, secret: str
) -> None:
    settings = settings_with_secrets(redis_url)
    setup_logging(settings, log)
    client = await serve(settings)
    assert client.app is not None
    headers = {
        "Authorization": f"Bearer {secret}",
        "Cookie": f"t5g={secret}",
        "X-Slack-Signature": f"v0={secret}",
        "X-Hub-Signature": f"sha256={secret}",
        "User-Agent": f"agent {secret}",
        "X-Forwarded-For": secret,
        "Referer": f"https://x.test/?token={secret}",
    }
    routes = {
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource
        and route.method in ("GET", "POST")
        and "/live" not in route.resource.canonical
    }
    for method, pattern in sorted(routes):
        path = re.sub(r"\{[^}]*\}", secret, pattern)
        options = {"data": json.dumps({"token": secret}).encode()} if method == "POST" else {}
        async with client.request(
            method, path, params={"q": f"key:{secret}", "secret": secret}, headers=headers,
            allow_redirects=False, **options,
        ) as response:  # fmt: skip
            await response.read()
    said = log.getvalue()
    assert len(said.splitlines()) > len(routes) / 2
    assert secret not in said
    assert PLANTED not in said
