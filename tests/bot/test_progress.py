"""`/t5g refresh` shows how far the sync is in the message that asked for it, and how it ended."""

import asyncio

import pytest
from msgspec.structs import replace

from bot import progress
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import NOW, world


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told at once, and looked at often."""
    monkeypatch.setattr(progress, "STEPS", (0.0,) * 4)
    monkeypatch.setattr(progress, "LOOK_EVERY", 0.02)


async def until_shown(channel: Channel, text: str) -> str:
    """Wait until the newest message says something."""
    async with asyncio.timeout(10):
        while True:
            found = await channel.messages()
            if found and text in texts(found[-1]):
                return texts(found[-1])
            await asyncio.sleep(0.02)


async def test_the_message_follows_the_sync_to_its_end(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    records = SyncRecords(channel.context.redis, channel.context.keys)
    now = channel.context.clock()
    running = SyncRecord(
        name=Sync.CASES, state=SyncState.RUNNING, started=now, current=10, total=40, what="cases"
    )
    assert "Syncing cases" in await channel.said("refresh cases")
    await records.write(running)
    assert "10 of 40" in await until_shown(channel, "10 of 40")
    await records.write(
        SyncRecord(
            name=Sync.CASES, state=SyncState.PARTIAL, started=now, ended=now + 60, seen=40,
            served=1, failed=1, error="00000007: an object where a text is expected",
        )
    )  # fmt: skip
    end = await until_shown(channel, "is over")
    assert "40 seen, 0 changed, 1 failed" in end
    assert "00000007: an object" in end


async def test_whoever_asks_meanwhile_is_told_of_the_run_after(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    records = SyncRecords(channel.context.redis, channel.context.keys)
    now = channel.context.clock()
    await channel.said("refresh cases")
    run = SyncRecord(name=Sync.CASES, state=SyncState.RUNNING, started=now, served=1)
    await records.write(run)
    assert "runs once more after that" in await channel.said("refresh cases")
    assert len(channel.jobs()) == 1
    ended = replace(run, state=SyncState.OK, ended=now + 60)
    await records.write(ended)
    await records.write(replace(ended, served=2))
    await until_shown(channel, "is over")
