"""Jobs for tests of the workers: short, long, failing, and one that calls an upstream."""

import asyncio
import os
import signal
import time
from contextlib import closing

from t5g import metrics
from t5g.connection import open_queue_redis
from t5g.current import current_settings
from t5g.logs import logger
from workers.calls import Caller
from workers.web import Request, open_web

log = logger(__name__)


def short(calls: int | str = 1) -> str:
    """Count some calls and end."""
    metrics.UPSTREAM_CALLS.labels("portal", "ok").inc(int(calls))
    return f"made {calls} calls"


def long(seconds: float = 60.0) -> None:
    """Take so long that somebody can kill it."""
    time.sleep(seconds)


def fail(secret: str) -> None:
    """Fail with something in the error that nobody may see."""
    raise ValueError(f"can not open https://x.test/?api_key={secret} with {secret}")


def token_length() -> str:
    """Say how long the secret is that this job has."""
    return f"{len(current_settings().jira_token.get_secret_value())} letters"


def dying() -> None:
    """End without a word, as out of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def removed() -> str:
    """Be gone from Redis before the end, as when the word of the end came through unanswered."""
    with closing(open_queue_redis(current_settings().redis_url)) as redis:
        redis.delete("t5g:rq:job:removed")
    return "all done"


def ask(url: str) -> int:
    """Ask an upstream and say something about it."""

    async def asking() -> int:
        web = open_web(timeout=current_settings().upstream_timeout, connections=1)
        try:
            answer = await Caller("portal", limit=1).insist(lambda: web.send(Request(url=url)))
        finally:
            await web.aclose()
        log.info("asked", status=answer.status)
        return answer.status

    return asyncio.run(asking())
