"""`t5g bot` as operators start it: it answers, gives signs of life, and writes no secret."""

import asyncio
import json
import os
import signal
import sys

from pydantic import SecretStr

from sandbox.slack.app import APP_TOKEN
from t5g.heartbeat import alive
from t5g.keys import Keys
from t5g.settings import PREFIX, Settings
from tests import wall_clock
from tests.bot.conftest import Channel
from tests.bot.test_socket import until_connected
from tests.bot.worlds import NOW, world
from tests.hostile.process import PASSED_ON

PLANTED = "planted-0123456789-not-secret"


def environment(settings: Settings) -> dict[str, str]:
    """The settings of the channel as variables, all other secrets planted, all lines wanted."""
    names = [n for n, i in Settings.model_fields.items() if i.annotation is SecretStr]
    given = {n: f"{PLANTED}-{n}" for n in names if n not in ("sentry_dsn", "secrets_key")}
    given |= {
        "redis_url": settings.redis_url,
        "slack_api_url": str(settings.slack_api_url),
        "slack_bot_token": settings.slack_bot_token.get_secret_value(),
        "slack_signing_secret": settings.slack_signing_secret.get_secret_value(),
        "slack_app_token": APP_TOKEN,
        "log_level": "debug",
        "log_format": "json",
        "log_levels": "slack_sdk=debug slack_bolt=debug",
    }
    names = ("PYTHONPATH", *PASSED_ON)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return kept | {f"{PREFIX}{name.upper()}": value for name, value in given.items()}


async def test_it_answers_gives_signs_of_life_and_writes_no_secret(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    channel.server.dispatcher.request_url = ""
    given = environment(channel.settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "t5g", "bot", env=given, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(40):
            while not channel.server.hub.connected:
                assert process.returncode is None
                await asyncio.sleep(0.02)
            await until_connected(channel)
            assert "3 cases" in await channel.said("cases")
            redis = channel.context.redis
            while not await alive(redis, Keys(), "bot", wall_clock.seconds()):
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            _, written = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    said = written.decode()
    assert len(said.splitlines()) > 5, said
    secrets = [value for name, value in given.items() if name.endswith(("_TOKEN", "_SECRET"))]
    assert [secret for secret in (*secrets, PLANTED) if secret in said] == []
    assert [line for line in said.splitlines() if json.loads(line)["level"] == "warning"] == []
    assert "ticket=[secret]" in said  # the address of the web socket lets in whoever has it
    assert not await alive(redis, Keys(), "bot", wall_clock.seconds())
