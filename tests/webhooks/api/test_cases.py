"""`/api/v1/cases`: the same answers as everywhere, in pages that neither repeat nor skip."""

import json
from datetime import timedelta

import pytest
from msgspec import UNSET

from t5g.model import Bug, CaseComment, Comment, Issue, Source
from t5g.state import CommentsSeen
from t5g.store import Store
from tests import wall_clock
from tests.making import card_seen, details_seen, listing, portal_seen
from tests.webhooks.api.conftest import Ask
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Fill

PATH = "/api/v1/cases"


async def walk(ask: Ask, query: str, limit: int = 7) -> list[str]:
    """Follow `next` to the end; give all numbers in order."""
    status, page = await ask(PATH, q=query, limit=str(limit))
    assert status == 200, page
    numbers = [item["number"] for item in page["items"]]
    while page["next"]:
        status, page = await ask(page["next"])
        assert status == 200, page
        numbers += [item["number"] for item in page["items"]]
    return numbers


@pytest.mark.parametrize(
    "query",
    ["", "status:any", "status:any sort:-age", "sort:account,-updated", "status:any sort:assignee",
     "severity:urgent,high sort:-sla", "status:any sort:comment,internal"],
)  # fmt: skip
async def test_pages_have_every_case_once_and_in_order(ask: Ask, fill: Fill, query: str) -> None:
    await fill(60)
    _, whole = await ask(PATH, q=query, limit="500")
    expected = [item["number"] for item in whole["items"]]
    assert whole["total"] == len(expected) > 7
    assert await walk(ask, query) == expected


async def test_walk_goes_on_where_it_was_although_cases_come_and_go(
    ask: Ask, fill: Fill, store: Store
) -> None:
    await fill(40, hostile=False)
    _, whole = await ask(PATH, q="status:any sort:number", limit="500")
    expected = [item["number"] for item in whole["items"]]
    _, page = await ask(PATH, q="status:any sort:number", limit="10")
    now = wall_clock.now()
    await store.remove(expected[3], now=now)
    await store.write([portal_seen("00000001", seen=now)], now=now)
    seen = [item["number"] for item in page["items"]]
    while page["next"]:
        _, page = await ask(page["next"])
        seen += [item["number"] for item in page["items"]]
    assert seen == expected


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!", "WyJhIl0", "[]", "ä", "WzEsMiwzLDRd", "A" * 8_001]
)
async def test_foreign_cursor_is_refused(ask: Ask, fill: Fill, cursor: str) -> None:
    await fill(5)
    status, told = await ask(PATH, cursor=cursor)
    assert status == 400
    assert "begin without one" in told["detail"]


async def test_cursor_of_another_query_is_refused(ask: Ask, fill: Fill) -> None:
    await fill(30)
    _, page = await ask(PATH, q="status:any", limit="5")
    cursor = page["next"].split("cursor=")[1]
    status, told = await ask(PATH, q="severity:high", cursor=cursor)
    assert status == 400
    assert "another query" in told["detail"]


async def test_mistake_is_a_problem_with_what_was_meant(client: Client) -> None:
    async with client.get(PATH, params={"q": "sevrity:urgent"}) as response:
        assert response.status == 400
        assert response.content_type == "application/problem+json"
        told = json.loads(await response.text())
    assert told["title"] == "Bad Request"
    assert told["status"] == 400
    assert told["text"] == "sevrity:urgent"
    assert told["suggestion"] == "severity:urgent"


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "", "1e3", "٣"])
async def test_impossible_limit_is_refused(ask: Ask, limit: str) -> None:
    status, told = await ask(PATH, limit=limit)
    assert status == 400
    assert "from 1 to 500" in told["detail"]


async def test_unknown_parameter_is_refused(ask: Ask) -> None:
    status, told = await ask(PATH, query="severity:urgent")
    assert status == 400
    assert "“query”" in told["detail"]


async def test_what_did_not_change_is_not_sent_again(client: Client, store: Store) -> None:
    now = wall_clock.now()
    await store.write([portal_seen(seen=now)], now=now)
    async with client.get(PATH) as response:
        etag = response.headers["ETag"]
    async with client.get(PATH, headers={"If-None-Match": etag}) as response:
        assert response.status == 304
        assert await response.read() == b""
    later = now + timedelta(seconds=1)
    await store.write([portal_seen(seen=later, updated=later, summary="new")], now=later)
    async with client.get(PATH, headers={"If-None-Match": etag}) as response:
        assert response.status == 200


async def test_one_case_has_everything_but_what_is_restricted(ask: Ask, store: Store) -> None:
    now = wall_clock.now()
    secret = "only-for-some"
    await store.write(
        [
            portal_seen(),
            card_seen(status="Open"),
            CommentsSeen(
                number="01234567",
                card="T5G-1",
                comments=(
                    Comment(id="1", body="for all", created=now - timedelta(hours=2)),
                    Comment(id="2", body=secret, created=now, restricted=True),
                ),
                seen=now,
            ),
            listing("01234567", Source.ISSUES, Issue(key="B-1", title=secret, restricted=True)),
            listing("01234567", Source.BUGS, Bug(id=7, summary=secret, restricted=True)),
        ],
        now=now,
    )
    status, told = await ask(PATH + "/01234567")
    assert status == 200
    assert secret not in json.dumps(told)
    assert [comment["body"] for comment in told["card_comments"]] == ["for all", None]
    assert told["issues"][0]["key"] == "B-1"
    assert told["bugs"][0] == {**dict.fromkeys(told["bugs"][0]), "id": 7, "restricted": True}
    assert told["internal_status"] == "Debugging"
    assert told["crit_sit"] is None
    assert told["comments"] is None


async def test_unknown_tags_and_whose_a_comment_is_are_said_to_be_unknown(
    client: Client, store: Store, ask: Ask
) -> None:
    said = [CaseComment(id=f"{x}", body=f"{x}", public=True, by_customer=x)
            for x in (True, False, UNSET)]  # fmt: skip
    inside = CaseComment(id="in", body="in")
    await store.write([portal_seen(), details_seen(comments=(*said, inside))], now=wall_clock.now())
    _, told = await ask(PATH + "/01234567")
    assert told["tags"] is None
    whose = {row["id"]: (row["by_customer"], row["public"]) for row in told["comments"]}
    assert whose == {
        "True": (True, True), "False": (False, True), "UNSET": (None, True), "in": (None, False),
    }  # fmt: skip
    page = await (await client.get("/cases/01234567")).text()
    assert page.count("customer or us: unknown") == 1
    assert '<dt>Tags</dt><dd dir="auto"><span class="none">unknown</span>' in page
    await store.write([portal_seen(tags=("edge",), updated=wall_clock.now())], now=wall_clock.now())
    assert (await ask(PATH + "/01234567"))[1]["tags"] == ["edge"]


async def test_restricted_things_are_not_shown_on_the_page_either(
    client: Client, store: Store
) -> None:
    now, secret = wall_clock.now(), "only-for-some"
    comment = Comment(id="2", body=secret, created=now, restricted=True)
    await store.write(
        [
            portal_seen(),
            card_seen(),
            CommentsSeen(number="01234567", card="T5G-1", comments=(comment,), seen=now),
            listing("01234567", Source.ISSUES, Issue(key="B-1", title=secret, restricted=True)),
            listing("01234567", Source.BUGS, Bug(id=7, summary=secret, restricted=True)),
        ],
        now=now,
    )
    for path in ("/cases", "/cases/01234567"):
        async with client.get(path) as response:
            text = await response.text()
        assert secret not in text, path
        assert "estricted" in text, path


async def test_unknown_case_is_a_problem(ask: Ask) -> None:
    status, told = await ask(PATH + "/99999999")
    assert status == 404
    assert told["detail"] == "There is no case 99999999 here."
    assert told["instance"] == PATH + "/99999999"


async def test_late_sources_are_named(ask: Ask) -> None:
    _, told = await ask(PATH)
    assert {"source": "cases", "why": "has never run to the end"} in told["late"]
