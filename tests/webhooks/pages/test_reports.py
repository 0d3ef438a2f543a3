"""Accounts, engineers, statistics, trends, updates, the weekly report and the CSV file."""

import csv
import io
import re
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import quote

import pytest
from lxml import html
from redis.asyncio import Redis
from yarl import URL

from t5g.audit import Audit
from t5g.board import Board
from t5g.census import figures
from t5g.keys import Keys
from t5g.model import Comment, Details, Person
from t5g.settings import Settings
from t5g.state import CommentsSeen, DetailsSeen
from t5g.statistics import DayRow, History, day_of
from t5g.store import Store
from t5g.syncs import Sync, SyncRecord, SyncRecords
from tests import wall_clock
from tests.making import card_seen, portal_seen
from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import Fill, Get
from tests.webhooks.pages.worlds import HOSTILE, MARKUP

PAGES = ["/", "/cases", "/stats", "/trends", "/updates?days=7", "/weekly"]
ANN = Person(account="a1", name="Ann / Lee", email="ann@example.com")


async def one(store: Store, number: str = "01234567", **facts: object) -> datetime:
    """Write a case of two days ago with a card of Ann's."""
    now = wall_clock.now()
    since = now - timedelta(days=2)
    created = {"created": since, "updated": now, "seen": now}
    card = card_seen(number, f"T5G-{number}", seen=now, assignee=ANN, updated=now)
    await store.write([portal_seen(number, **{**created, **facts}), card], now=now)
    return now


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("count", [0, 1, 40])
async def test_page_works_with_any_number_of_cases(
    get: Get, fill: Fill, path: str, count: int
) -> None:
    await fill(count)
    status, text = await get(path)
    assert status == 200
    assert text.count("<h1") == 1
    assert 'aria-current="page"' in text


@pytest.mark.parametrize("path", PAGES)
async def test_markup_stays_text(get: Get, fill: Fill, path: str) -> None:
    await fill(len(HOSTILE))
    _, text = await get(path)
    assert MARKUP not in text
    assert "<script>" not in text
    assert 'href="javascript:' not in text


@pytest.mark.parametrize(
    "name", ["Orange/Business", "AT&T <M>", "Ünïcode 株", 'Say "hi"', "50% off"]
)
async def test_account_of_any_name_has_a_page(get: Get, store: Store, name: str) -> None:
    await one(store, account=name)
    await one(store, "00000002", account="Another")
    status, text = await get(URL(f"/accounts/{quote(name, safe='')}", encoded=True))
    assert status == 200
    assert text.count('<tr data-number="') == 1
    assert 'data-number="01234567"' in text
    links = re.findall(r'href="(/accounts/[^"]+)"', text)
    assert links
    for link in links:
        asked = URL(quote(unescape(link), safe="/%"), encoded=True)  # as browsers do
        assert (await get(asked))[0] == 200, link


async def test_unknown_account_and_engineer_are_said_so(get: Get) -> None:
    assert (await get("/accounts/Nobody"))[0] == 404
    assert "assigned to “Nobody”" in (await get("/engineers/Nobody"))[1]


async def test_engineer_sees_own_cases_and_contributions(get: Get, store: Store) -> None:
    now = await one(store)
    helped = card_seen(
        "00000002", "T5G-2", seen=now, updated=now,
        assignee=Person(account="b", name="Bo"), contributors=(ANN,),
    )  # fmt: skip
    await store.write([portal_seen("00000002", seen=now), helped], now=now)
    status, text = await get("/engineers/Ann%20%2F%20Lee")
    assert status == 200
    own, helps = text.split("Contributes to")
    assert 'data-number="01234567"' in own
    assert 'data-number="00000002"' in helps


async def test_numbers_on_the_overview_are_those_of_the_core(
    get: Get, fill: Fill, board: Board
) -> None:
    await fill(80)
    await board.refresh()
    numbers = figures(board.entries.values(), wall_clock.now().timestamp())
    _, text = await get("/")
    shown = dict(
        re.findall(r'<li class="tile (\w+)[^>]*><a[^>]*>.*?<span class="value">([\d,]+)<', text)
    )
    assert len(shown) == 8
    assert {name: int(value) for name, value in shown.items()} == {
        name: numbers[name] for name in shown
    }


def numbers_with_lists(text: str) -> dict[str, int]:
    """Every number of the overview that leads to a list, by its address."""
    found = {}
    for link in html.document_fromstring(text).xpath("//main//a[starts-with(@href, '/cases?')]"):
        beside = (
            "./b", ".//*[@class='value']", "ancestor::li[1]/span[@class='n']",
            "ancestor::h2[1]/span[@class='n']",
        )  # fmt: skip
        numbers = [n for place in beside for n in link.xpath(place)]
        if numbers:
            found[link.get("href")] = int(numbers[0].text_content().replace(",", ""))
    return found


async def test_every_number_of_the_overview_leads_to_a_list_of_so_many_cases(
    get: Get, fill: Fill
) -> None:
    await fill(150)
    told = numbers_with_lists((await get("/"))[1])
    assert len(told) > 25
    wrong = []
    for path, number in told.items():
        _, text = await get(URL(path, encoded=True))
        (title,) = html.document_fromstring(text).xpath("//main//h1/text()")
        words = title.split()
        shown = 0 if words[0] == "No" else int(words[-2].replace(",", ""))
        if shown != number:
            wrong.append(f"{path}: {number}, but the list says “{title}”")
    assert wrong == []


async def test_change_against_yesterday_and_last_week(
    get: Get, store: Store, redis: Redis, settings: Settings
) -> None:
    now = await one(store)
    history = History(redis, Keys(settings.redis_prefix))
    for days, value in ((1, 3), (7, 1)):
        at = now.timestamp() - days * 86_400
        row = DayRow(day=day_of(at, settings.zone), at=at, headlines={"open": value})
        await history.write(row)
    _, text = await get("/")
    tile = text.split('<li class="tile open')[1].split("</li>")[0]
    assert "\N{MINUS SIGN}2" in tile
    assert "±0" in tile


async def test_a_changed_case_is_in_the_very_next_statistics(
    get: Get, store: Store, redis: Redis
) -> None:
    known = wall_clock.seconds() - 90 * 86_400
    await SyncRecords(redis, store.keys).write(SyncRecord(name=Sync.CASES, known_since=known))
    now = await one(store)
    await one(store, "00000002")
    first = (await get("/stats"))[1]
    assert bar(first, "status", "Waiting on Red Hat") == "2"
    later = now + timedelta(seconds=5)
    closed = {"status": "Closed", "closed": later, "updated": later, "seen": later}
    since = now - timedelta(days=2)
    await store.write([portal_seen("00000002", created=since, **closed)], now=later)
    relief = Details(relief_at=since + timedelta(hours=30))
    found = DetailsSeen(number="00000002", seen=later, updated=later, facts=relief)
    await store.write([found], now=later)
    second = (await get("/stats"))[1]
    assert bar(second, "status", "Waiting on Red Hat") == "1"
    assert week(first)[1:] == ["2", "0", "+2"]
    assert week(second)[1:] == ["2", "1", "+1"]
    assert "Time to relief: Normal" not in first
    assert "Time to relief: Normal" in second


def bar(text: str, panel: str, name: str) -> str:
    """The number beside a name in a panel of bars."""
    (item,) = html.document_fromstring(text).xpath(f"//section[@id='{panel}']//li")
    assert name in item.text_content()
    return str(item.xpath(".//*[@class='n']")[0].text_content())


def week(text: str) -> list[str]:
    """Opened, closed and their difference, of the two newest weeks together."""
    rows = html.document_fromstring(text).xpath("//section[@aria-labelledby='h-flow']//tbody/tr")
    cells = [[cell.text_content() for cell in row] for row in rows[:2]]
    opened, done = (sum(int(row[n]) for row in cells) for n in (1, 2))
    return [cells[0][0], f"{opened}", f"{done}", f"{opened - done:+d}"]


async def test_statistics_have_the_numbers_of_each_chart_in_a_table(
    get: Get, store: Store, redis: Redis, settings: Settings
) -> None:
    now = await one(store)
    history = History(redis, Keys(settings.redis_prefix))
    for days in range(1, 30):
        at = now.timestamp() - days * 86_400
        await history.write(
            DayRow(
                day=day_of(at, settings.zone),
                at=at,
                headlines={"open": 100 + days, "escalated": days},
                by_severity={"Urgent": days},
            )
        )
    status, text = await get("/stats")
    assert status == 200
    assert text.count("<figure") >= 7
    assert "<td>129</td>" in text
    assert 'aria-label="Open, ' in text
    assert "style=" not in text, "the policy of the page forbids inline style"


async def test_long_history_stays_a_small_page(
    get: Get, fill: Fill, redis: Redis, settings: Settings
) -> None:
    await fill(50)
    history, now = History(redis, Keys(settings.redis_prefix)), wall_clock.now().timestamp()
    for days in range(1, 1500):
        at = now - days * 86_400
        names = {f"Account {n}": days for n in range(8)}
        await history.write(
            DayRow(
                day=day_of(at, settings.zone), at=at, headlines={"open": days},
                by_account=names, by_engineer=names, by_status=names,
            )
        )  # fmt: skip
    for span in (30, 90, 365, 0):
        status, text = await get(f"/stats?days={span}")
        assert status == 200
        assert len(text.encode()) < 200_000, span


async def test_updates_show_what_was_said_and_what_changed(get: Get, store: Store) -> None:
    now = await one(store)
    said = Comment(id="1", author=ANN, body="the fix is in", created=now - timedelta(hours=3))
    hidden = Comment(id="2", author=ANN, body="secret-word", created=now, restricted=True)
    await store.write(
        [CommentsSeen(number="01234567", card="T5G-01234567", comments=(said, hidden), seen=now)],
        now=now,
    )
    _, text = await get("/updates")
    assert "the fix is in" in text
    assert "secret-word" not in text
    assert "Comments: 2 new" in text


async def test_weekly_report_is_the_same_as_plain_text(get: Get, store: Store) -> None:
    await one(store, summary="Node <b>down</b>")
    _, page = await get("/weekly")
    status, text = await get("/weekly.txt")
    assert status == 200
    assert "Node &lt;b&gt;down&lt;/b&gt;" in page
    assert "* 01234567 Node <b>down</b>" in text
    assert "Ann / Lee" in text


async def test_what_the_weekly_report_leaves_out_is_found_by_its_link(
    get: Get, store: Store
) -> None:
    now = wall_clock.now()
    gone = [
        portal_seen(f"{n:08}", status="Closed", created=now - timedelta(days=9), updated=now,
                    closed=now - timedelta(hours=n), seen=now)
        for n in range(1, 71)
    ]  # fmt: skip
    await store.write(gone, now=now)
    _, page = await get("/weekly")
    link = html.fromstring(page).xpath("//a[contains(., 'and 10 more cases')]/@href")[0]
    _, text = await get("/weekly.txt")
    assert re.search(rf"… and 10 more cases: http\S+{re.escape(link)}", text)
    _, listed = await get(link)
    assert "70" in html.fromstring(listed).xpath("string(//h1/..)")


async def test_trends_lists_labelled_cards_only(get: Get, store: Store) -> None:
    now = await one(store)
    trend = card_seen("00000002", "T5G-2", seen=now, updated=now, labels=("Trends",))
    await store.write([portal_seen("00000002", seen=now), trend], now=now)
    _, text = await get("/trends")
    assert re.findall(r'<tr data-number="(\d+)"', text) == ["00000002"]


async def test_csv_has_every_case_of_the_list(client: Client, fill: Fill) -> None:
    await fill(60)
    async with client.get("/cases.csv?q=status:any") as response:
        assert response.status == 200
        assert response.headers["Content-Disposition"].startswith("attachment;")
        text = (await response.read()).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len({row["number"] for row in rows}) == 60
    assert rows[0].keys() >= {"severity", "crit sit", "last comment", "SLA", "watchlist"}


@pytest.mark.parametrize("summary", ['=HYPERLINK("http://x")', "+1+1", "-2", "@SUM(A1)", "\t=1"])
async def test_csv_holds_no_formula(client: Client, store: Store, summary: str) -> None:
    await one(store, summary=summary)
    async with client.get("/cases.csv") as response:
        rows = list(csv.DictReader(io.StringIO((await response.read()).decode("utf-8-sig"))))
    assert rows[0]["summary"].startswith("'")


async def test_csv_of_a_mistaken_query_is_an_error_not_a_file(client: Client) -> None:
    async with client.get("/cases.csv?q=sevrity:x") as response:
        assert response.status == 400


async def test_download_is_in_the_audit_log(
    client: Client, store: Store, redis: Redis, settings: Settings
) -> None:
    await one(store)
    async with client.get("/cases.csv"):
        pass
    (entry,) = await Audit(redis, Keys(settings.redis_prefix)).read()
    assert (entry.action, entry.origin, entry.detail) == ("export", "page", "1 cases as CSV")
