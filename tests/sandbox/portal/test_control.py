"""Cases are opened, changed and removed by hand, from another process."""

from aiohttp.test_utils import TestClient, TestServer

from sandbox.portal.app import create_portal_app
from sandbox.portal.state import PortalState
from tests.sandbox.portal.conftest import Portal, day

CASE = "/_sandbox/cases"


async def test_a_case_is_changed_and_shown(portal: Portal) -> None:
    answer = await portal.client.post(
        f"{CASE}/01234567",
        json={
            "severity": 1,
            "relief_at": "2026-01-05T12:00:00Z",
            "bugzillas": [{"number": 7, "url": "https://bugs.example.com/7"}],
        },
    )
    assert answer.status == 200
    shown = await (await portal.client.get(f"{CASE}/01234567")).json()
    assert shown["severity"] == 1
    case = portal.state.cases["01234567"]
    assert case.relief_at == day(5)
    assert case.bugzillas[0].number == 7
    assert case.modified == portal.state.now()


async def test_a_status_closes_and_reopens(portal: Portal) -> None:
    await portal.client.post(f"{CASE}/01234567", json={"status": "closed"})
    assert portal.state.cases["01234567"].closed is not None
    await portal.client.post(f"{CASE}/01234567", json={"status": "waiting_customer"})
    assert portal.state.cases["01234567"].closed is None
    assert await portal.numbers(where={"Status": {"like": "%customer%"}}) == [
        "01234567",
        "01234568",
    ]


async def test_a_case_is_opened_commented_and_removed(portal: Portal) -> None:
    opened = await portal.client.put(f"{CASE}/09999999", json={"summary": "New"})
    assert opened.status == 201
    said = await portal.client.post(f"{CASE}/09999999/comments", json={"author": "A", "body": "b"})
    assert said.status == 201
    assert (await portal.client.delete(f"{CASE}/09999999")).status == 204
    assert (await portal.client.get(f"{CASE}/09999999")).status == 404


async def test_what_makes_no_sense_is_refused(portal: Portal) -> None:
    for body in ({"colour": "red"}, {"created": "soon"}, ["x"]):
        assert (await portal.client.post(f"{CASE}/01234567", json=body)).status == 400
    assert (await portal.client.put(f"{CASE}/09999999", json={"colour": "red"})).status == 400


async def test_life_goes_on_when_asked() -> None:
    for step, status in ((lambda: "A case opens", 200), (None, 409)):
        app = create_portal_app(PortalState(), step=step)
        async with TestClient(TestServer(app)) as client:
            answer = await client.post("/_sandbox/life/step")
            assert answer.status == status
