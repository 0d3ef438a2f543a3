"""`/audit` shows administrators who did what, and nobody else; markup stays text in it."""

import csv
import io

import pytest
from redis.asyncio import Redis

from t5g.audit import Audit, AuditEntry, Filter, Outcome
from t5g.keys import Keys
from t5g.team import Role
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Get
from webhooks.access.tokens import Tokens

KEYS = Keys()


@pytest.fixture
def audit(redis: Redis) -> Audit:
    return Audit(redis, KEYS)


def entry(action: str = "claim", **facts: object) -> AuditEntry:
    given = {"who": "U1", "name": "Ann", "origin": "slack", "outcome": Outcome.DONE, **facts}
    return AuditEntry(action=action, **given)  # type: ignore[arg-type]


async def test_it_shows_who_did_what_the_newest_first(get: Get, audit: Audit) -> None:
    await audit.record(entry(case="01234567"), entry("assign", name="<b>Ben</b>", detail="a & b"))
    status, text = await get("/audit")
    assert status == 200
    assert text.index("assign") < text.index(">claim<")
    assert "&lt;b&gt;Ben&lt;/b&gt;" in text
    assert "a &amp; b" in text
    assert 'href="/cases/01234567"' in text


async def test_it_is_narrowed_by_a_form_that_keeps_what_was_typed(get: Get, audit: Audit) -> None:
    await audit.record(entry(), entry("assign", who="U2", name="Ben", outcome=Outcome.REFUSED))
    _, text = await get("/audit?who=ann&since=7d")
    assert ">claim<" in text
    assert ">assign<" not in text
    assert 'name="who" value="ann"' in text
    assert 'href="/audit.csv?who=ann&amp;since=7d"' in text
    _, text = await get("/audit?outcome=refused")
    assert ">assign<" in text
    assert "<option selected>refused</option>" in text
    _, text = await get("/audit?who=nobody")
    assert "Nothing in the log is like that." in text


async def test_before_anything_was_done_it_says_so(get: Get) -> None:
    _, text = await get("/audit")
    assert "Nothing was done yet." in text


async def test_a_moment_that_is_none_is_told(get: Get) -> None:
    status, text = await get("/audit?since=yesterday")
    assert status == 400
    assert "“yesterday” is no moment" in text


@pytest.mark.parametrize("rows", ["", "0", "51", "-1", "9999999999999"])
async def test_rows_are_one_of_a_few(get: Get, audit: Audit, rows: str) -> None:
    await audit.record(*(entry() for _ in range(60)))
    status, text = await get(f"/audit?rows={rows}")
    assert status == 200
    assert text.count(">claim<") == 50
    assert "There are older ones." in text


async def test_the_file_is_the_whole_log_and_stands_in_it(client: Client, audit: Audit) -> None:
    await audit.record(*(entry(detail="=cmd") for _ in range(120)), entry("assign"))
    async with client.get("/audit.csv?action=claim") as response:
        assert response.status == 200
        assert response.headers["Content-Disposition"].startswith('attachment; filename="audit-')
        text = (await response.read()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 121
    assert {row[-1] for row in rows[1:]} == {"'=cmd"}
    (exported,) = await audit.read(Filter(action="audit export"))
    assert exported.detail == "120 lines as CSV"


@pytest.mark.parametrize("path", ["/audit", "/audit.csv"])
async def test_only_administrators_see_it(client: Client, redis: Redis, path: str) -> None:
    tokens = Tokens(redis, KEYS)
    for role, status in ((Role.VIEWER, 403), (Role.ENGINEER, 403), (Role.ADMIN, 200)):
        _, secret = await tokens.create(role.value, role)
        async with client.get(path, headers={"Authorization": f"Bearer {secret}"}) as response:
            assert response.status == status


async def test_the_link_is_there_for_administrators_only(client: Client, redis: Redis) -> None:
    tokens = Tokens(redis, KEYS)
    for role, there in ((Role.ENGINEER, False), (Role.ADMIN, True)):
        _, secret = await tokens.create(role.value, role)
        async with client.get("/", headers={"Authorization": f"Bearer {secret}"}) as response:
            assert ('href="/audit"' in await response.text()) is there
