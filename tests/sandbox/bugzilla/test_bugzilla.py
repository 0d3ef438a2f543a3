"""The stand-in Bugzilla, asked by the real python-bugzilla over REST and XML-RPC."""

import asyncio
import xmlrpc.client
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bugzilla
import pytest
import requests
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from bugzilla import BugzillaError

from sandbox.bugzilla.app import SERVER_LIMITS, bugzilla_faults, create_bugzilla_app
from sandbox.bugzilla.state import ACCOUNT, API_KEY, BugzillaState
from sandbox.faults import Faults

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIELDS = ("id", "summary", "status", "target_release", "last_change_time", "whiteboard")


@dataclass
class Zoo:
    """The server, its bugs, and clients of it."""

    url: str
    state: BugzillaState
    faults: Faults
    http: TestClient[web.Request, web.Application]

    async def connect(self, *, rest: bool, key: str | None = API_KEY) -> Any:
        return await self.run(
            lambda: bugzilla.Bugzilla(
                self.url if rest else f"{self.url}/xmlrpc.cgi",
                api_key=key,
                force_rest=rest,
                use_creds=False,
            )
        )

    async def run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(call)

    async def bugs(self, server: Any, ids: list[int | str]) -> list[int]:
        """Ids of the bugs that come back, permissively."""
        return [bug.id for bug in await self.get(server, ids)]

    async def get(self, server: Any, ids: list[int | str]) -> list[Any]:
        return await self.run(
            lambda: server.getbugs(ids, permissive=True, include_fields=list(FIELDS))
        )


@pytest.fixture
async def zoo() -> AsyncIterator[Zoo]:
    state, faults = BugzillaState(clock=lambda: NOW), bugzilla_faults()
    state.add_bug(1, summary="visible", changed=THEN, target_release=["4.16.z"], alias=["CVE-1"])
    state.add_bug(2, summary="restricted", restricted=True)
    state.add_bug(3, summary="Ünïcode <b>", status="ASSIGNED", assigned_to="ann@example.com")
    server = TestServer(create_bugzilla_app(state, faults=faults))
    await server.start_server(**SERVER_LIMITS)
    async with TestClient(server) as client:
        yield Zoo(f"http://{server.host}:{server.port}", state, faults, client)


@pytest.mark.parametrize("rest", [True, False])
async def test_bugs_come_with_the_fields_asked_for(zoo: Zoo, rest: bool) -> None:
    server = await zoo.connect(rest=rest)
    first, third = await zoo.get(server, [1, 3])
    assert first.target_release == ["4.16.z"]
    assert third.summary == "Ünïcode <b>"
    assert "2026" in str(first.last_change_time)
    with pytest.raises(AttributeError):
        _ = first.severity


async def test_times_are_texts_over_rest_and_their_own_type_over_xmlrpc(zoo: Zoo) -> None:
    (over_rest,) = await zoo.get(await zoo.connect(rest=True), [1])
    (over_xmlrpc,) = await zoo.get(await zoo.connect(rest=False), [1])
    assert over_rest.last_change_time == "2026-01-02T03:04:05Z"
    assert isinstance(over_xmlrpc.last_change_time, xmlrpc.client.DateTime)
    assert str(over_xmlrpc.last_change_time) == "20260102T03:04:05"


@pytest.mark.parametrize("rest", [True, False])
async def test_missing_and_restricted_bugs_are_left_out(zoo: Zoo, rest: bool) -> None:
    server = await zoo.connect(rest=rest)
    assert await zoo.bugs(server, [1, 2, 99]) == [1]


async def test_a_lone_bug_raises_over_rest_and_is_left_out_over_xmlrpc(zoo: Zoo) -> None:
    rest, xml = await zoo.connect(rest=True), await zoo.connect(rest=False)
    for bug_id, code in ((2, 102), (99, 101)):
        with pytest.raises(BugzillaError) as raised:
            await zoo.get(rest, [bug_id])
        assert raised.value.code == code
        assert await zoo.get(xml, [bug_id]) == []


async def test_permissive_faults_name_each_bug(zoo: Zoo) -> None:
    server = await zoo.connect(rest=False)
    answer = await zoo.run(lambda: server._proxy.Bug.get({"ids": [1, 2, 99], "permissive": 1}))
    assert [(fault["id"], fault["faultCode"]) for fault in answer["faults"]] == [
        (2, 102),
        (99, 101),
    ]
    with pytest.raises(xmlrpc.client.Fault) as raised:
        await zoo.run(lambda: server._proxy.Bug.get({"ids": [1, 2]}))
    assert raised.value.faultCode == 102


async def test_http_statuses_of_errors(zoo: Zoo) -> None:
    for path, status, code in (
        ("/rest/bug/2", 401, 102),
        ("/rest/bug/99", 404, 101),
        ("/rest/bug", 400, 1000),
        ("/rest/bug/1?api_key=bad", 400, 306),
        ("/rest/whoami", 401, 410),
    ):
        answer = await zoo.http.get(path)
        assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_a_bad_key_is_noticed_only_when_something_is_asked(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True, key="bad")
    with pytest.raises(BugzillaError) as raised:
        await zoo.get(server, [1, 3])
    assert raised.value.code == 306
    assert "bad" not in str(raised.value)
    xml = await zoo.connect(rest=False, key="bad")
    with pytest.raises(xmlrpc.client.Fault) as fault:
        await zoo.get(xml, [1, 3])
    assert fault.value.faultCode == 306


async def test_a_bearer_token_is_a_key(zoo: Zoo) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = await zoo.http.get("/rest/whoami", headers=headers)
    assert (await answer.json())["name"] == ACCOUNT


async def test_who_is_not_logged_in_sees_no_domains(zoo: Zoo) -> None:
    for key, name in (("", "ann"), (f"&api_key={API_KEY}", "ann@example.com")):
        answer = await zoo.http.get(f"/rest/bug?id=3,1&include_fields=assigned_to{key}")
        assert (await answer.json())["bugs"][1] == {"assigned_to": name}


async def test_fields_are_named_by_groups_and_excluded(zoo: Zoo) -> None:
    answer = await zoo.http.get("/rest/bug/1")
    bug = (await answer.json())["bugs"][0]
    assert "summary" in bug
    assert "comments" not in bug
    answer = await zoo.http.get("/rest/bug/1?include_fields=_all&exclude_fields=summary")
    bug = (await answer.json())["bugs"][0]
    assert "summary" not in bug
    assert "comments" in bug


async def test_one_bad_alias_loses_the_whole_list(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True)
    assert set(await zoo.bugs(server, [1, "CVE-1"])) == {1}
    assert await zoo.bugs(server, [1, "CVE-2"]) == []


@pytest.mark.parametrize(("count", "refused"), [(700, False), (2_000, True)])
async def test_too_long_an_address_is_refused(zoo: Zoo, count: int, refused: bool) -> None:
    server = await zoo.connect(rest=True)
    ids: list[int | str] = list(range(1_000_001, 1_000_001 + count))
    if not refused:
        assert await zoo.bugs(server, [1, *ids]) == [1]
        return
    with pytest.raises(requests.HTTPError) as raised:
        await zoo.get(server, ids)
    assert raised.value.response.status_code == 414
    assert await zoo.bugs(await zoo.connect(rest=False), [1, *ids]) == [1]


@pytest.mark.parametrize("rest", [True, False])
async def test_a_whiteboard_is_written(zoo: Zoo, rest: bool) -> None:
    server = await zoo.connect(rest=rest)
    update = server.build_update(whiteboard="t5g", minor_update=True)
    done = await zoo.run(lambda: server.update_bugs([1], update))
    assert done["bugs"][0]["changes"] == {"whiteboard": {"removed": "", "added": "t5g"}}
    assert zoo.state.bugs[1].changed == NOW
    again = await zoo.run(lambda: server.update_bugs([1], update))
    assert again["bugs"][0]["changes"] == {}


async def test_one_forbidden_bug_changes_none(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True)
    update = server.build_update(whiteboard="t5g")
    with pytest.raises(BugzillaError) as raised:
        await zoo.run(lambda: server.update_bugs([1, 2], update))
    assert raised.value.code == 102
    assert zoo.state.bugs[1].whiteboard == ""


async def test_changes_need_a_key(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True, key=None)
    with pytest.raises(BugzillaError) as raised:
        await zoo.run(lambda: server.update_bugs([1], {"whiteboard": "x"}))
    assert raised.value.code == 410


async def test_searches_by_term_and_limit(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True)
    found = await zoo.run(lambda: server.query({"status": ["ASSIGNED"]}))
    assert [bug.id for bug in found] == [3]
    since = await zoo.run(lambda: server.query({"last_change_time": "2026-11-01T00:00:00Z"}))
    assert [bug.id for bug in since] == [3]
    zoo.state.default_limit = 1
    assert await zoo.bugs(server, [1, 3]) == [1]


async def test_who_am_i(zoo: Zoo) -> None:
    server = await zoo.connect(rest=False)
    proxy = server._proxy
    assert (await zoo.run(lambda: proxy.User.whoami({})))["name"] == ACCOUNT
    assert (await zoo.run(lambda: proxy.User.valid_login({"login": ACCOUNT})))["result"] is True
    with pytest.raises(xmlrpc.client.Fault):
        await zoo.run(lambda: proxy.Bug.unheard_of({}))


async def test_maintenance_and_refused_keys(zoo: Zoo) -> None:
    server = await zoo.connect(rest=True)
    zoo.faults.add("down", times=1)
    with pytest.raises(requests.HTTPError):
        await zoo.get(server, [1, 3])
    zoo.faults.add("refuse_token", times=1)
    with pytest.raises(BugzillaError) as raised:
        await zoo.get(server, [1, 3])
    assert raised.value.code == 306


async def test_a_bug_is_changed_by_hand_and_has_a_page(zoo: Zoo) -> None:
    changed = await zoo.http.post("/_sandbox/bugs/1", json={"status": "POST"})
    assert changed.status == 204
    assert zoo.state.bugs[1].status == "POST"
    assert (await zoo.http.post("/_sandbox/bugs/1", json={"colour": 1})).status == 400
    page = await zoo.http.get("/show_bug.cgi?id=3")
    assert "Ünïcode &lt;b&gt;" in await page.text()
    assert (await zoo.http.get("/show_bug.cgi?id=2")).status == 401


@pytest.mark.parametrize("rest", [True, False])
async def test_the_internal_whiteboard_has_one_name_only(zoo: Zoo, rest: bool) -> None:
    """Other names are ignored, in reads and in updates, as is the field where there is none."""
    server = await zoo.connect(rest=rest)
    zoo.state.bugs[1].internal_whiteboard = "telco"
    both = ["id", "internal_whiteboard", "cf_internal_whiteboard"]
    ask = {"id": [1], "include_fields": both}
    (bug,) = await zoo.run(lambda: server.query(dict(ask)))
    assert bug.get_raw_data() == {"id": 1, "cf_internal_whiteboard": "telco"}
    await zoo.run(lambda: server.update_bugs([1], {"internal_whiteboard": "gone"}))
    assert zoo.state.bugs[1].internal_whiteboard == "telco"
    told = await zoo.run(lambda: server.update_bugs([1], {"cf_internal_whiteboard": "more"}))
    assert told["bugs"][0]["changes"] == {
        "cf_internal_whiteboard": {"removed": "telco", "added": "more"}
    }
    zoo.state.lacks.add("cf_internal_whiteboard")
    (bug,) = await zoo.run(lambda: server.query(dict(ask)))
    assert bug.get_raw_data() == {"id": 1}
    await zoo.run(lambda: server.update_bugs([1], {"cf_internal_whiteboard": "lost"}))
    assert zoo.state.bugs[1].internal_whiteboard == "more"
