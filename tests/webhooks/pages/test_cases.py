"""The list of cases and the page of one case, asked over HTTP."""

from datetime import timedelta

import pytest

from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords, SyncState
from tests import wall_clock
from tests.making import card_seen, portal_seen
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Fill, Get
from tests.webhooks.pages.worlds import HOSTILE, MARKUP


async def test_list_shows_the_open_cases(get: Get, fill: Fill) -> None:
    await fill(30)
    status, text = await get("/cases")
    assert status == 200
    shown = text.count("<tr data-number=")
    assert 0 < shown < 30, "closed cases are not listed without a status: word"
    assert f"{shown} cases</h1>" in text


async def test_change_shows_in_the_next_answer(get: Get, store: Store) -> None:
    first = wall_clock.now()
    facts = {"created": first - timedelta(days=2), "updated": first}
    await store.write([portal_seen(summary="before", seen=first, **facts)], now=first)
    assert "before" in (await get("/cases"))[1]
    later = wall_clock.now()
    changed = portal_seen(summary="after", seen=later, **{**facts, "updated": later})
    await store.write([changed], now=later)
    for path in ("/", "/cases", "/cases?q=after", "/cases/01234567"):
        assert "after" in (await get(path))[1], path


async def test_moved_card_shows_its_internal_status(get: Get, store: Store) -> None:
    now = wall_clock.now()
    await store.write([portal_seen(), card_seen(status="Code Review", updated=now)], now=now)
    assert "Backport" in (await get("/cases"))[1]
    assert "Backport" in (await get("/cases/01234567"))[1]


async def test_number_leads_straight_to_its_case(client: Client, fill: Fill) -> None:
    await fill(1)
    async with client.get("/cases?q=04000000", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/cases/04000000")


async def test_unknown_case_is_a_page_that_says_so(get: Get) -> None:
    status, text = await get("/cases/00000001")
    assert status == 404
    assert "There is no case 00000001 here." in text


async def test_mistake_names_the_nearest_word_and_lists_nothing(get: Get, fill: Fill) -> None:
    await fill(5)
    status, text = await get("/cases?q=sevrity:urgent sort:age")
    assert status == 400
    assert 'href="/cases?q=severity%3Aurgent+sort%3Aage"' in text
    assert "data-number" not in text


@pytest.mark.parametrize(
    "path",
    ["/cases?page=0", "/cases?page=99999999999", "/cases?page=x", "/cases?rows=7", "/cases?q="],
)
async def test_odd_addresses_fall_back_to_what_is_usual(get: Get, fill: Fill, path: str) -> None:
    await fill(5, hostile=False)
    status, text = await get(path)
    assert status == 200
    assert "data-number" in text


async def test_pages_together_show_every_case_once(get: Get, fill: Fill) -> None:
    await fill(120)
    seen: list[str] = []
    path = "/cases?q=status:any&rows=25"
    for _ in range(10):
        _, text = await get(path)
        seen += [part[:8] for part in text.split('<tr data-number="')[1:]]
        if 'rel="next" href="' not in text:
            break
        path = text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 120


async def test_empty_board_says_what_to_expect(get: Get) -> None:
    assert "Cases appear here after the first sync." in (await get("/cases"))[1]
    assert (await get("/"))[0] == 200


async def test_markup_in_every_field_stays_text(get: Get, fill: Fill) -> None:
    await fill(len(HOSTILE))
    paths = ["/", "/cases?q=status:any"]
    paths += [f"/cases/{4_000_000 + n:08}" for n in range(len(HOSTILE))]
    for path in paths:
        status, text = await get(path)
        assert status == 200, path
        assert MARKUP not in text, path
        assert "<script>" not in text, path
        assert "<svg/onload" not in text, path
        assert 'href="javascript:' not in text, path
        assert "{{ 7 * 7 }}" in text or "49" not in text.split("svg/onload")[-1][:20], path


async def test_late_sources_are_named_at_the_foot(
    get: Get, fill: Fill, records: SyncRecords
) -> None:
    await fill(1)
    await records.write(
        SyncRecord(name=Sync.BUGS, state=SyncState.FAILED, error="Bugzilla: no answer <b>")
    )
    _, text = await get("/cases")
    assert "Bugs may be out of date." in text
    assert "Bugzilla: no answer &lt;b&gt;" in text


async def test_running_sync_shows_how_far_it_is(get: Get, records: SyncRecords) -> None:
    await records.write(SyncRecord(name=Sync.CARDS, state=SyncState.RUNNING, current=30, total=120))
    _, text = await get("/")
    assert '<progress max="100" value="25"' in text
