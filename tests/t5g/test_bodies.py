"""Bodies of unproved senders: bounded in size, time and number, and nothing stays of them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from t5g.bodies import BODIES, BodyError, Budget, body_of, form_of
from t5g.errors import T5GError
from tests.hostile.abuser import Sender

LIMIT = 1_000_000
BUDGET = 1_500_000
Client = TestClient[Any, Any]


@pytest.fixture
def parts() -> list[bytes]:
    """What was given to `each`."""
    return []


@pytest.fixture
async def client(parts: list[bytes]) -> AsyncIterator[Client]:
    """An application that reads bodies and says how long they are, or why they were not read."""

    async def read(request: web.Request) -> web.Response:
        patience = float(request.query.get("patience", "30"))
        proved = "proved" in request.query
        try:
            reading = body_of(request, LIMIT, each=parts.append, patience=patience, proved=proved)
            async with reading as body:
                return web.Response(text=f"{len(body)}")
        except BodyError as error:
            return web.Response(status=error.status, text=error.reason)

    async def read_form(request: web.Request) -> web.Response:
        try:
            return web.json_response(await form_of(request, LIMIT))
        except T5GError as error:
            return web.Response(status=error.status, text=str(error))

    app = web.Application()
    app[BODIES] = Budget(BUDGET)
    app.router.add_post("/read", read)
    app.router.add_post("/form", read_form)
    async with TestClient(TestServer(app)) as found:
        yield found


def used(client: Client) -> int:
    assert client.app is not None
    return client.app[BODIES].used


async def until(true: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)
    assert true(), what


async def in_thread(work: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(work, *args)


@pytest.mark.parametrize("size", [0, 1, 1_000, 200_000, LIMIT])
async def test_a_body_is_given_whole_and_in_parts(
    client: Client, parts: list[bytes], size: int
) -> None:
    body = bytes(n % 251 for n in range(1_000)) * (size // 1_000) + b"x" * (size % 1_000)
    async with client.post("/read", data=body) as response:
        assert (response.status, await response.text()) == (200, str(size))
    assert b"".join(parts) == body
    assert used(client) == 0


@pytest.mark.parametrize("size", [LIMIT + 1, 30 * LIMIT])
async def test_a_body_larger_than_the_limit_is_refused_by_its_head(
    client: Client, size: int
) -> None:
    sender = Sender(client.port)
    await in_thread(sender.begin, "/read", size)
    assert await in_thread(sender.status) == 413
    sender.close()


async def test_a_body_that_turns_out_larger_is_refused(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 65_536

    async with client.post("/read", data=endless()) as response:
        assert (response.status, await response.text()) == (413, "too_large")
    assert used(client) == 0


async def test_a_body_that_takes_too_long_is_given_up(client: Client) -> None:
    sender = Sender(client.port)
    await in_thread(sender.begin, "/read?patience=0.2", 1_000)
    await in_thread(sender.send, 999)
    assert await in_thread(sender.status) == 408
    sender.close()
    assert used(client) == 0


async def test_a_byte_at_a_time_buys_no_time(client: Client) -> None:
    sender = Sender(client.port)
    await in_thread(sender.begin, "/read?patience=0.3", 1_000)
    for _ in range(20):
        await in_thread(sender.send, 1)
        await asyncio.sleep(0.02)
    assert await in_thread(sender.status) == 408
    sender.close()


@pytest.mark.parametrize("end", [Sender.hang_up, Sender.close], ids=["reset", "farewell"])
async def test_of_a_body_that_ends_too_early_nothing_stays(
    client: Client, end: Callable[[Sender], None]
) -> None:
    sender = Sender(client.port)
    await in_thread(sender.begin, "/read", LIMIT)
    await in_thread(sender.send, LIMIT // 2)
    await until(lambda: used(client) > 100_000, "it is held while it comes")
    await in_thread(end, sender)
    await until(lambda: used(client) == 0, "it is held after its end")


async def test_nothing_waits_for_the_collector(client: Client) -> None:
    """What is left over after a reset must go by itself: the collector comes after hours."""

    def large() -> int:
        found = [one for one in gc.get_objects() if isinstance(one, bytes | bytearray)]
        return sum(len(one) for one in found) + sum(
            len(local)
            for one in gc.get_objects() if type(one).__name__ == "frame"
            for local in one.f_locals.values() if isinstance(local, bytes | bytearray)
        )  # fmt: skip

    gc.collect()
    gc.disable()
    try:
        before = large()
        for _ in range(10):
            sender = Sender(client.port)
            await in_thread(sender.begin, "/read", LIMIT)
            await in_thread(sender.send, LIMIT // 2)
            await in_thread(sender.hang_up)
        await until(lambda: used(client) == 0, "they are held after their end")
        assert large() - before < LIMIT
    finally:
        gc.enable()


async def test_the_largest_gives_way_to_those_who_send_little(client: Client) -> None:
    greedy = [Sender(client.port) for _ in range(3)]
    for sender in greedy:
        await in_thread(sender.begin, "/read", LIMIT)
        await in_thread(sender.send, 900_000)
    async with client.post("/read", data=b"x" * 400_000) as response:
        assert response.status == 200
    assert used(client) <= BUDGET
    answered = []
    for sender in greedy:
        await in_thread(sender.send, 100_000)
        answered.append(await in_thread(sender.status))
        sender.close()
    assert sorted(answered) in ([200, 503, 503], [200, 200, 503]), answered
    assert used(client) == 0


async def test_who_is_known_from_the_head_gives_way_to_nobody(client: Client) -> None:
    known = Sender(client.port)
    await in_thread(known.begin, "/read?proved=1", LIMIT)
    await in_thread(known.send, LIMIT - 1)
    strangers = [Sender(client.port) for _ in range(4)]
    for sender in strangers:
        await in_thread(sender.begin, "/read", LIMIT)
        await in_thread(sender.send, 900_000)
    await in_thread(known.send, 1)
    assert await in_thread(known.status) == 200
    for sender in (known, *strangers):
        sender.close()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Asked = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"a=1&b=%C3%A4+x&c=", {"a": "1", "b": "ä x", "c": ""}),
        (b"a=1&a=2", {"a": "2"}),
        (b"=&&&", {"": ""}),
    ],
)
async def test_a_form_is_read(client: Client, body: bytes, fields: dict[str, str]) -> None:
    async with client.post("/form", data=body, headers=FORM) as response:
        assert (response.status, await response.json()) == (200, fields)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff", FORM["Content-Type"]),
        (b"a=%ff", FORM["Content-Type"]),
        (b"&".join(b"a%d=1" % n for n in range(101)), FORM["Content-Type"]),
        (b"a=1", "multipart/form-data; boundary=x"),
        (b"a=1", "text/plain"),
        (b"a=1", "\x80"),
        (b"a=1", ""),
    ],
)
async def test_what_is_no_form_is_refused(client: Client, body: bytes, kind: str) -> None:
    sender = Sender(client.port)
    await in_thread(lambda: sender.begin("/form", len(body), **{"Content-Type": kind}))
    await in_thread(sender.send_raw, body)
    assert await in_thread(sender.status) == 400
    sender.close()


@pytest.mark.parametrize("charset", ["no-such", "utf-16", "\x80", "idna"])
async def test_no_charset_of_a_form_is_believed(client: Client, charset: str) -> None:
    sender = Sender(client.port)
    kind = {"Content-Type": f"{FORM['Content-Type']}; charset={charset}"}
    await in_thread(lambda: sender.begin("/form", 3, **kind))
    await in_thread(sender.send_raw, b"a=1")
    assert await in_thread(sender.status) == 200
    sender.close()
