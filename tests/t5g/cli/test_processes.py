"""How the processes begin: with data of a newer release none does, and each says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from t5g.cli.processes import ready
from t5g.embedded_redis import EmbeddedRedis
from t5g.heartbeat import KINDS
from t5g.schema import VERSION

SECRETS = (
    "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "JIRA_WEBHOOK_SECRET",
    "JIRA_TOKEN", "PORTAL_OFFLINE_TOKEN", "BUGZILLA_API_KEY",
)  # fmt: skip


def test_a_command_finds_the_redis_of_the_demo_that_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T5G_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("T5G_REDIS_URL", raising=False)
    assert ready().redis_url == ""
    with EmbeddedRedis(tmp_path / "demo") as redis:
        assert ready().redis_url == redis.url
        with EmbeddedRedis(tmp_path) as own:
            assert ready().redis_url == own.url
        monkeypatch.setenv("T5G_REDIS_URL", "redis://elsewhere.example")
        assert ready().redis_url == "redis://elsewhere.example"
    monkeypatch.delenv("T5G_REDIS_URL")
    assert ready().redis_url == ""


def test_no_process_begins_with_data_of_a_newer_release(redis_url: str) -> None:
    with Redis.from_url(redis_url) as raw:
        raw.set("t5g:schema", VERSION + 1)
        before = raw.dbsize()
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        env = {f"T5G_{name}": "planted-not-secret" for name in SECRETS}
        started = {
            kind: subprocess.Popen(
                [sys.executable, "-m", "t5g", kind],
                env={**kept, **env, "T5G_REDIS_URL": redis_url, "T5G_HTTP_PORT": "0"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for kind in ("web", *KINDS)
        }
        for kind, process in started.items():
            said, _ = process.communicate(timeout=60)
            assert process.returncode != 0, kind
            assert f"of version {VERSION + 1}, this program speaks {VERSION}" in said, kind
            assert "Start that one, or restore a backup" in said, kind
            assert "Traceback" not in said, kind
        assert raw.dbsize() == before
