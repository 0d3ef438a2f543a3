"""The id of a request goes with the work that it asks for."""

import pytest

from t5g.work import load_rq
from tests.bot.conftest import Channel


@pytest.mark.parametrize("text", ["refresh cases", "refresh all"])
async def test_a_job_asked_for_in_slack_carries_the_id_of_its_request(
    channel: Channel, text: str
) -> None:
    await channel.said(text)
    load_rq(channel.context.keys.prefix)
    from rq import Queue

    queue = channel.context.queue
    (job,) = [j for name in ("high", "default") for j in Queue(name, connection=queue).jobs]
    assert len(job.meta["request"]) == 8
    for task in list(channel.context.tasks._running):
        task.cancel()  # no worker is there: the progress it follows would never come
