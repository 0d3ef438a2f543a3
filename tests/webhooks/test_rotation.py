"""Secrets that are rotated while the web process runs."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from t5g.errors import SettingsError
from t5g.settings import Settings
from tests.making_jira import body_of, issue_event
from tests.webhooks.jira.test_routes import changed, signed
from webhooks import app as web_app
from webhooks.app import create_app


async def test_a_new_webhook_secret_is_accepted_soon_and_a_broken_vault_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_app, "LOOK_AT_SECRETS", 0.01)
    now: list[Settings | SettingsError] = [settings]
    looks = 0

    def reload() -> Settings:
        nonlocal looks
        looks += 1
        if isinstance(now[0], SettingsError):
            raise now[0]
        return now[0]

    async def looked() -> None:
        before = looks
        async with asyncio.timeout(5):
            while looks < before + 2:
                await asyncio.sleep(0.005)

    body = body_of(issue_event("created", 0))
    async with TestClient(TestServer(create_app(settings, reload=reload))) as client:

        async def send(secret: str) -> int:
            headers = {"Content-Type": "application/json", **signed(body, secret)}
            async with client.post("/webhooks/jira", data=body, headers=headers) as response:
                return response.status

        assert await send("newer-not-secret") == 401
        now[0] = changed(settings, jira_webhook_secret="newer-not-secret")
        await looked()
        assert await send("newer-not-secret") < 300
        now[0] = SettingsError(["T5G_SECRETS_KEY does not open it"])
        await looked()
        assert await send("newer-not-secret") < 300
