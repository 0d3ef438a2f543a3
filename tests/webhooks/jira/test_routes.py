"""The address that JIRA posts to: who is let in, what is answered, what has then been written."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from t5g import jira_door
from t5g.board import Board
from t5g.connection import open_redis, open_store
from t5g.inbox import Inbox
from t5g.jira_door import BODY_LIMIT
from t5g.keys import Keys
from t5g.logs import setup_logging
from t5g.settings import Settings, load_settings
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords
from tests.making import NOW, portal_seen
from tests.making_jira import (
    SECRET,
    body_of,
    comment_event,
    event,
    headers_of,
    issue_event,
)
from tests.own_redis import OwnRedis
from tests.webhooks.conftest import Client, Post, Serve

ONE = "01234567"
PATH = "/webhooks/jira"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
async def case(store: Store) -> None:
    """A case that the Portal has told of."""
    await store.write([portal_seen()], now=NOW)


def changed(settings: Settings, **facts: Any) -> Settings:
    """The settings with some others."""
    given = {name: getattr(settings, name) for name in Settings.model_fields}
    return load_settings(env={**given, **facts})


async def send(
    client: Client, path: str = PATH, body: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    """Post a body with these headers and no others."""
    body = body if body is not None else body_of(issue_event("created", 0))
    async with client.post(path, data=body, headers={**JSON, **headers}) as response:
        return response.status, await response.json()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": jira_door.sign(body, secret)}


# What is signed, and what is not


async def test_a_signed_body_under_another_identifier_is_the_same_event(
    post: Post, redis: Redis
) -> None:
    odd = event("jira:issue_updated")
    assert (await post(odd, delivery="d-1"))[1] == {"outcome": "parked"}
    again = [(await post(odd, delivery=f"made-up-{n}"))[1]["outcome"] for n in range(5)]
    assert again == ["duplicate"] * 5
    assert len(await Inbox(redis, Keys()).letters()) == 1


async def test_a_signed_body_under_the_identifier_of_another_event_takes_nothing_from_it(
    post: Post, board: Board
) -> None:
    old, fresh = issue_event("created", 0), issue_event("updated", 1, status="In Progress")
    await post(old, delivery="d-1")
    await post(old, delivery="d-2")  # somebody in between knows the identifier that comes next
    assert (await post(fresh, delivery="d-2"))[1] == {"outcome": "applied"}
    await board.refresh()
    assert board.entries[ONE].internal_status == "Eng Working"


# What is written before it is answered


async def test_a_moved_card_shows_in_another_processes_next_answer(
    post: Post, board: Board
) -> None:
    await post(issue_event("created", 0))
    await board.refresh()
    assert board.entries[ONE].internal_status == "Debugging"
    status, told = await post(issue_event("updated", 1, status="In Progress"))
    await board.refresh()
    assert (status, told) == (200, {"outcome": "applied"})
    assert board.entries[ONE].internal_status == "Eng Working"


async def test_a_comment_shows(post: Post, board: Board) -> None:
    await post(issue_event("created", 0))
    await post(comment_event("created", 1, body="Rebooted it"))
    await board.refresh()
    assert [c.body for c in board.entries[ONE].case.card_comments] == ["Rebooted it"]


async def test_an_escalation_shows(post: Post, board: Board) -> None:
    filed = issue_event("created", 0, key="ESC-1", labels=["t5g-escalation"], customfield_10979=ONE)
    await post(filed)
    await board.refresh()
    assert board.entries[ONE].escalated
    closed = issue_event(
        "updated", 1, key="ESC-1", labels=["t5g-escalation"], customfield_10979=ONE, status="Closed"
    )
    await post(closed)
    await board.refresh()
    assert not board.entries[ONE].escalated


# What is answered


@pytest.mark.parametrize(
    ("payload", "status", "outcome"),
    [
        (issue_event("created", 0), 200, "applied"),
        (issue_event("created", 0, key="OTHER-1"), 202, "not_ours"),
        (event("worklog_created"), 202, "ignored"),
        (event("brand_new_event"), 202, "ignored"),
        ({}, 202, "ignored"),
        (event("jira:issue_updated"), 202, "parked"),
        (event("comment_created", comment={"id": "1", "self": "/issue/9/"}), 202, "later"),
    ],
)
async def test_each_event_is_answered_with_what_became_of_it(
    post: Post, payload: Any, status: int, outcome: str
) -> None:
    assert await post(payload) == (status, {"outcome": outcome})


async def test_every_recorded_body_is_taken_and_none_is_parked(
    client: Client, shared_dir: Path, redis: Redis
) -> None:
    bodies = sorted((shared_dir / "fixtures" / "jira-webhooks").glob("*.json"))
    told = set()
    for path in bodies:
        body = path.read_bytes()
        status, answer = await send(client, body=body, **headers_of(body, delivery=path.stem))
        told.add((status, answer["outcome"]))
    assert len(bodies) >= 40
    assert told <= {
        (202, "not_ours"),
        (202, "ignored"),
        (202, "later"),
        (200, "applied"),
        (200, "unchanged"),
    }
    assert await Inbox(redis, Keys()).count() == 0


async def test_a_repeated_delivery_is_recognised(post: Post) -> None:
    first = issue_event("created", 0)
    assert await post(first, delivery="d-1") == (200, {"outcome": "applied"})
    assert await post(first, delivery="d-1", retry=1) == (200, {"outcome": "duplicate"})


async def test_what_could_not_be_applied_is_kept_without_its_signature(
    post: Post, redis: Redis
) -> None:
    await post(event("jira:issue_updated"), delivery="d-1")
    [letter] = await Inbox(redis, Keys()).letters()
    assert letter.headers["X-Atlassian-Webhook-Identifier"] == "d-1"
    assert "signature" not in " ".join(letter.headers).lower()


async def test_what_waits_and_what_was_missed_is_told_by_metrics_and_on_the_page(
    post: Post, client: Client, redis: Redis
) -> None:
    await post(event("jira:issue_updated"), delivery="d-1")
    record = SyncRecord(name=Sync.CARDS, missed_events=3)
    await SyncRecords(redis, Keys()).write(record)
    async with client.get("/metrics") as response:
        told = await response.text()
    assert "t5g_deadletters 1.0" in told
    assert 't5g_sync_missed_events{sync="cards"} 3.0' in told
    async with client.get("/jobs") as response:
        assert "1 event of JIRA could not be applied yet." in await response.text()


# Who is let in


@pytest.mark.parametrize("secret", [None, "wrong-not-secret"])
async def test_a_wrong_signature_gets_401_and_changes_nothing(
    post: Post, board: Board, secret: str | None
) -> None:
    status, told = await post(issue_event("created", 0), secret=secret)
    await board.refresh()
    assert (status, told["error"]) == (401, "The signature is missing or wrong.")
    assert board.entries[ONE].card is None


async def test_while_rotating_the_old_and_the_new_secret_are_accepted(
    serve: Serve, settings: Settings
) -> None:
    client = await serve(changed(settings, jira_webhook_secret="new-not-secret old-not-secret"))
    for number, secret in enumerate(("old-not-secret", "new-not-secret")):
        body = body_of(issue_event("updated", number))
        assert (await send(client, body=body, **signed(body, secret)))[0] == 200
    body = body_of(issue_event("updated", 9))
    assert (await send(client, body=body, **signed(body, SECRET)))[0] == 401


async def test_without_any_secret_jira_is_asked_to_come_again(
    serve: Serve, settings: Settings
) -> None:
    client = await serve(changed(settings, jira_webhook_secret=""))
    status, told = await send(client)
    assert (status, "T5G_JIRA_WEBHOOK_SECRET" in told["error"]) == (503, True)


URL_SECRET = "in-the-address-not-secret"


@pytest.mark.parametrize("path", [f"{PATH}/{URL_SECRET}", f"{PATH}?secret={URL_SECRET}"])
async def test_a_data_center_that_can_not_sign_proves_itself_by_the_address(
    serve: Serve, settings: Settings, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = changed(settings, jira_webhook_url_secret=f"old-one {URL_SECRET}", log_level="debug")
    lines = io.StringIO()
    setup_logging(settings, lines)
    client = await serve(settings)
    assert (await send(client, path))[0] == 200
    assert (await send(client, path.replace(URL_SECRET, "wrong-secret-x")))[0] == 401
    assert (await send(client, PATH))[0] == 401
    written = lines.getvalue() + "".join(capfd.readouterr())
    assert "/webhooks/jira" in written
    assert "event refused" in written
    assert URL_SECRET not in written
    assert "wrong-secret-x" not in written


async def test_the_secret_is_no_label_of_a_metric(serve: Serve, settings: Settings) -> None:
    client = await serve(changed(settings, jira_webhook_url_secret=URL_SECRET))
    await send(client, f"{PATH}/{URL_SECRET}")
    async with client.get("/metrics") as response:
        text = await response.text()
    assert 'route="/webhooks/jira/{secret}"' in text
    assert URL_SECRET not in text


async def test_only_allowed_networks_may_send(serve: Serve, settings: Settings) -> None:
    body = body_of(issue_event("created", 0))
    allowed = await serve(changed(settings, jira_webhook_networks="127.0.0.0/8 ::1"))
    assert (await send(allowed, body=body, **signed(body)))[0] == 200
    other = await serve(changed(settings, jira_webhook_networks="104.192.136.0/21"))
    assert (await send(other, body=body, **signed(body)))[0] == 403


async def test_behind_our_proxy_the_senders_address_counts(
    serve: Serve, settings: Settings
) -> None:
    facts = {"jira_webhook_networks": "104.192.136.0/21", "trusted_proxies": "127.0.0.1"}
    client = await serve(changed(settings, **facts))
    body = body_of(issue_event("created", 0))
    for source, status in (("104.192.136.9", 200), ("8.8.8.8", 403)):
        headers = {**signed(body), "X-Forwarded-For": source}
        assert (await send(client, body=body, **headers))[0] == status


# Bad bodies


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"<html>", b"\xff\xfe\x00"])
async def test_a_body_that_is_no_json_gets_400(client: Client, body: bytes) -> None:
    status, told = await send(client, body=body, **signed(body))
    assert (status, told["error"]) == (400, "The body is no JSON object.")


async def test_another_content_type_gets_415(client: Client) -> None:
    body = body_of(issue_event("created", 0))
    headers = {**signed(body), "Content-Type": "application/x-www-form-urlencoded"}
    assert (await send(client, body=body, **headers))[0] == 415


async def test_a_body_as_large_as_jira_sends_them_is_taken(post: Post, board: Board) -> None:
    text = "x" * (BODY_LIMIT - 10_000)
    status, _ = await post(issue_event("created", 0, description=text))
    await board.refresh()
    assert status == 200
    assert board.entries[ONE].card is not None


async def test_a_body_that_says_it_is_larger_gets_413_at_once(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"X-Hub-Signature: {signed(b'')['X-Hub-Signature']}\r\n"
    writer.write(f"{head}Content-Length: {BODY_LIMIT + 1}\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_body_that_turns_out_larger_gets_413(client: Client) -> None:
    async def parts() -> Any:
        for _ in range(BODY_LIMIT // 1_000_000 + 2):
            yield b" " * 1_000_000

    async with client.post(PATH, data=parts(), headers={**JSON, **signed(b"")}) as response:
        assert response.status == 413


async def test_other_methods_get_405(client: Client) -> None:
    async with client.get(PATH) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"


# Redis away


async def test_redis_away_gets_503_so_that_jira_comes_again_and_recovers_by_itself(
    serve: Serve, settings: Settings, own_redis: OwnRedis
) -> None:
    client = await serve(changed(settings, redis_url=own_redis.url))
    body = body_of(issue_event("created", 0))
    for _ in range(2):
        status, told = await send(client, body=body, **headers_of(body, delivery="d-1"))
        assert (status, "Redis" in told["error"]) == (503, True)
        own_redis.start()
        status, told = await send(client, body=body, **headers_of(body, delivery="d-1"))
        assert (status, told["outcome"] in ("applied", "duplicate")) == (200, True)
        own_redis.kill()


async def test_what_was_acknowledged_survives_redis(
    serve: Serve, settings: Settings, own_redis: OwnRedis
) -> None:
    own_redis.start()
    client = await serve(changed(settings, redis_url=own_redis.url))
    body = body_of(issue_event("created", 0))
    assert (await send(client, body=body, **headers_of(body)))[0] == 200
    own_redis.kill()
    own_redis.start()
    redis = open_redis(own_redis.url)
    fields = await open_store(settings, redis).read(ONE)
    await redis.aclose()
    assert fields is not None


# Many at once


async def test_a_storm_is_taken_whole_and_ends_right(
    client: Client, store: Store, board: Board
) -> None:
    """Every event of a hundred cards from fifty connections, in any order: none refused."""
    count, cards = 1000, 100
    await store.write([portal_seen(f"{n:08d}") for n in range(cards)], now=NOW)
    made = [
        body_of(
            issue_event(
                "updated", n, key=f"T5G-{n % cards + 1}", summary=f"{n % cards:08d}: x",
                status=f"S{n}",
            )
        )
        for n in range(count)
    ]  # fmt: skip
    queue = [(body, headers_of(body)) for body in sorted(made)]

    async def work(session: ClientSession) -> set[int]:
        answers = set[int]()
        while queue:
            body, headers = queue.pop()
            async with session.post(client.make_url(PATH), data=body, headers=headers) as response:
                answers.add(response.status)
        return answers

    async with ClientSession() as session:
        answers = set().union(*await asyncio.gather(*(work(session) for _ in range(50))))
    assert answers == {200}
    await board.refresh()
    for n in range(cards):
        card = board.entries[f"{n:08d}"].card
        assert card is not None
        assert card.status == f"S{count - cards + n}"
