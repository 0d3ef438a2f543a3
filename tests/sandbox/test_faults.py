"""Faults strike the requests they concern, as often as said, and every request is counted."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.faults import Faults, Kind


@dataclass
class Door:
    """A little server with faults, and the client that knocks."""

    client: TestClient[web.Request, web.Application]
    faults: Faults
    made: list[str] = field(default_factory=list)

    async def statuses(self, count: int, path: str = "/things/1") -> list[int]:
        return [(await self.client.get(path)).status for _ in range(count)]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    faults = Faults()
    app = web.Application()
    made: list[str] = []

    async def get(request: web.Request) -> web.Response:
        return web.json_response({"thing": request.match_info["id"], "page": request.query_string})

    async def make(request: web.Request) -> web.Response:
        made.append(request.match_info["id"])
        return web.json_response({}, status=201)

    app.router.add_get("/things/{id}", get)
    app.router.add_post("/things/{id}", make)
    faults.mount(app)
    async with TestClient(TestServer(app)) as client:
        yield Door(client, faults, made)


async def test_without_faults_everything_works_and_is_counted(door: Door) -> None:
    assert await door.statuses(3) == [200, 200, 200]
    await door.client.get("/nowhere")
    assert door.faults.requests == {"GET /things/{id}": 3, "GET /nowhere": 1}
    assert door.faults.total == 4
    assert door.faults.recent[0].path == "/things/1"


async def test_every_third_request_fails(door: Door) -> None:
    door.faults.add(Kind.STATUS, status=500, every=3)
    assert await door.statuses(7) == [200, 200, 500, 200, 200, 500, 200]


async def test_a_fault_waits_strikes_and_ends(door: Door) -> None:
    door.faults.add("throttle", after=1, times=2, retry_after="7")
    assert await door.statuses(5) == [200, 429, 429, 200, 200]


async def test_a_throttled_answer_says_when_to_come_again(door: Door) -> None:
    door.faults.add("throttle", retry_after="7")
    assert (await door.client.get("/things/1")).headers["Retry-After"] == "7"


async def test_only_the_path_and_method_that_it_names_fail(door: Door) -> None:
    door.faults.add("down", path="/things/2", method="get")
    assert await door.statuses(1, "/things/1") == [200]
    assert await door.statuses(1, "/things/2") == [503]
    assert (await door.client.post("/things/2")).status == 201


async def test_only_requests_that_name_the_item_fail(door: Door) -> None:
    door.faults.add(Kind.STATUS, status=502, item="7")
    assert await door.statuses(2, "/things/7") == [502, 502]
    assert await door.statuses(1, "/things/77") == [200]
    assert await door.statuses(1, "/things/1?id=6&id=7") == [502]
    assert (await door.client.post("/things/1", json={"query": "id in (5, 7)"})).status == 502
    assert (await door.client.post("/things/1", json={"query": "id in (5, 17)"})).status == 201


async def test_the_firewall_answers_with_a_page(door: Door) -> None:
    door.faults.add("deny")
    answer = await door.client.get("/things/1")
    assert answer.status == 403
    assert answer.content_type == "text/html"
    assert "Access Denied" in await answer.text()


async def test_a_lost_answer_leaves_the_work_done(door: Door) -> None:
    door.faults.add("lose_answer", method="POST", times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await door.client.post("/things/9")
    assert door.made == ["9"]


async def test_a_dropped_connection_leaves_nothing_done(door: Door) -> None:
    door.faults.add("drop")
    with pytest.raises(aiohttp.ClientConnectionError):
        await door.client.post("/things/9")
    assert door.made == []


async def test_a_cut_answer_is_seen_as_cut(door: Door) -> None:
    door.faults.add("truncate")
    with pytest.raises(aiohttp.ClientPayloadError):
        await (await door.client.get("/things/1")).read()


async def test_a_hanging_answer_never_comes(door: Door) -> None:
    door.faults.add("hang")
    with pytest.raises(asyncio.TimeoutError):
        await door.client.get("/things/1", timeout=aiohttp.ClientTimeout(total=0.1))


async def test_a_page_repeats(door: Door) -> None:
    door.faults.add("repeat", after=1, times=1)
    pages = [(await (await door.client.get(f"/things/1?{n}")).json())["page"] for n in range(3)]
    assert pages == ["0", "0", "2"]


async def test_latency_delays_and_lets_pass(door: Door) -> None:
    door.faults.latency = 0.05
    door.faults.add("latency", seconds=0.05)
    begun = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*[door.client.get("/things/1") for _ in range(5)])
    assert [one.status for one in answers] == [200] * 5
    assert 0.1 <= asyncio.get_running_loop().time() - begun < 0.4
    assert door.faults.peak == 5


async def test_the_upstream_s_own_refusal_is_used() -> None:
    app = web.Application()
    faults = Faults(refusal=lambda request: web.Response(status=400, text="invalid_grant"))
    faults.mount(app)
    faults.add("refuse_token")
    async with TestClient(TestServer(app)) as client:
        assert await (await client.post("/token")).text() == "invalid_grant"


async def test_faults_are_set_and_counts_read_over_http(door: Door) -> None:
    added = await door.client.post("/_sandbox/faults", json={"kind": "status", "status": 502})
    assert added.status == 201
    assert await door.statuses(1) == [502]
    listed = await (await door.client.get("/_sandbox/faults")).json()
    assert [(one["kind"], one["done"]) for one in listed["faults"]] == [("status", 1)]
    assert (await door.client.delete("/_sandbox/faults")).status == 204
    assert await door.statuses(1) == [200]
    counts = await (await door.client.get("/_sandbox/requests")).json()
    requests = {"GET /things/{id}": 2}
    assert counts == {"total": 2, "peak": 1, "requests": requests, "traces": []}
    await door.client.delete("/_sandbox/requests")
    assert door.faults.total == 0


async def test_a_delay_of_every_answer_is_set_over_http(door: Door) -> None:
    set_to = await door.client.post("/_sandbox/faults", json={"latency": 0.03})
    assert (await set_to.json())["latency"] == door.faults.latency == 0.03
    await door.client.delete("/_sandbox/faults")
    assert door.faults.latency == 0


@pytest.mark.parametrize(
    "body", [{}, {"kind": "sleepy"}, {"kind": "down", "often": 3}, [], {"kind": "down", "every": 0}]
)
async def test_a_fault_that_makes_no_sense_is_refused_with_the_reason(
    door: Door, body: Any
) -> None:
    answer = await door.client.post("/_sandbox/faults", data=json.dumps(body))
    assert answer.status == 400
    assert (await answer.json())["error"]
    assert door.faults.active == ()
