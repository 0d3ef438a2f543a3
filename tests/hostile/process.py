"""`t5g web` as a process of its own, with a login, as attacks find it: its memory, its lines."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from t5g.lifeline import tied
from tests.making_jira import SECRET
from tests.webhooks.saml.identity import IdentityProvider

ROOT = Path(__file__).resolve().parents[2]
TEAM = "[roles.admin]\npeople = ['boss@example.com']\n"
SLACK_SECRET = "test-signing-not-secret"
#: Of the environment: where programs are, and what moves the clock (docs/proof.md).
PASSED_ON = ("PATH", "LD_PRELOAD", "LATER_FILE")


class Web:
    """One process on a port; `settings` are those of the installation, without `T5G_`."""

    def __init__(self, redis_url: str, port: int, **settings: str) -> None:
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self._folder = tempfile.TemporaryDirectory(prefix="t5g-attacked-")
        folder = Path(self._folder.name)
        (folder / "team.toml").write_text(TEAM)
        (folder / "metadata.xml").write_text(IdentityProvider().metadata())
        self._lines = (folder / "lines").open("w+")
        given = {
            "redis_url": redis_url, "http_port": str(port), "auth": "saml", "public_url": self.base,
            "team_file": str(folder / "team.toml"), "log_format": "json",
            "saml_idp_metadata_file": str(folder / "metadata.xml"),
            "jira_webhook_secret": SECRET, "slack_signing_secret": SLACK_SECRET,
            "slack_bot_token": "xoxb-test-not-secret", "slack_api_url": "http://127.0.0.1:9/api/",
            "page_rate": "1000000", **settings,
        }  # fmt: skip
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(
            tied([sys.executable, "-m", "t5g", "web"]),
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT),
                 **{f"T5G_{name.upper()}": value for name, value in given.items()}},
            stdout=self._lines,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 30
        while not self.alive():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def alive(self) -> bool:
        """Say whether it answers others, and soon."""
        try:
            answer = httpx.get(f"{self.base}/healthz", trust_env=False, timeout=5)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def memory(self) -> int:
        """Return the bytes of memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def said(self) -> str:
        """Return all lines that it wrote."""
        self._lines.flush()
        return Path(self._lines.name).read_text()

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._lines.close()
        self._folder.cleanup()
