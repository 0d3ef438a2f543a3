"""The pages in a headless Chromium, as people use them."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from t5g.connection import open_queue_redis
from t5g.keys import Keys
from t5g.syncs import Sync, SyncRecord, SyncState
from t5g.team import Role
from t5g.work import load_rq
from tests import wall_clock
from tests.making import card_seen, portal_seen
from tests.webhooks.browsing import PHONE, Site, Tab
from webhooks.access.tokens import Tokens

pytestmark = pytest.mark.browser

LONG_AGO = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


def numbers(page: Page) -> list[str]:
    """The cases of the list, from the top."""
    return page.locator("main tr[data-number] .c-number a.number").all_inner_texts()


def column(page: Page, name: str) -> list[str]:
    """A column of the list, from the top."""
    return [text.strip() for text in page.locator(f"td.c-{name}").all_inner_texts()]


def query_of(page: Page) -> str:
    """The query in the address."""
    return parse_qs(urlsplit(page.url).query).get("q", [""])[0]


def write_case(site: Site, number: str, summary: str, **facts: object) -> None:
    """Write a case as a sync that sees it now."""
    now = wall_clock.now()
    created = {"created": LONG_AGO, "updated": now, "seen": now}
    site.write(portal_seen(number, summary=summary, **{**created, **facts}))


def move_card(site: Site, number: str, status: str) -> None:
    """Write a card as an event of JIRA does."""
    now = wall_clock.now()
    site.write(card_seen(number, f"T5G-{int(number)}", seen=now, updated=now, status=status))


# Searching, sorting, paging, opening


def test_search_suggests_and_finds(tab: Tab) -> None:
    page = tab("/cases")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("sever")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("severity")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_have_value("severity:")
    page.keyboard.type("urg")
    expect(options.first).to_contain_text("urgent")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases?q=severity*")
    assert query_of(page).strip() == "severity:urgent"
    assert column(page, "severity")
    assert {text[-6:] for text in column(page, "severity")} == {"Urgent"}


def test_suggestion_stays_chosen_when_a_later_answer_holds_it_too(tab: Tab) -> None:
    page = tab("/cases")
    held: list[Route] = []
    box, options = page.locator("#q"), page.get_by_role("option")
    box.press_sequentially("seve")
    expect(options.first).to_contain_text("severity")
    page.route("**/suggest?*", lambda route: held.append(route))
    with page.expect_request("**/suggest?q=sever"):
        box.press("r")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    options.first.evaluate("line => { line.dataset.before = '' }")
    held.pop().continue_()
    expect(page.locator("[data-before]")).to_have_count(0)
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-0")
    box.press("Enter")
    expect(box).to_have_value("severity:")


def test_case_number_in_the_search_box_leads_to_the_case(tab: Tab) -> None:
    page = tab("/")
    page.locator("#q").fill("04000003")
    page.locator("#q").press("Enter")
    page.wait_for_url("**/cases/04000003")
    expect(page.get_by_role("heading", level=1)).not_to_be_empty()


def test_mistake_in_a_query_is_repaired_by_a_click(tab: Tab) -> None:
    page = tab("/cases?q=sevrity:urgent")
    expect(page.get_by_role("alert")).to_contain_text("sevrity")
    page.get_by_role("alert").get_by_role("link", name="severity:urgent").click()
    page.wait_for_url("**/cases?q=severity%3Aurgent")
    assert numbers(page)


def test_heads_sort_by_several_columns(tab: Tab) -> None:
    page = tab("/cases?rows=100")
    page.get_by_role("link", name="Account", exact=True).click()
    page.wait_for_url("**sort**")
    page.get_by_role("columnheader").get_by_role("link", name="Severity").click()
    page.wait_for_url("**severity**")
    assert query_of(page) == "sort:severity,account"
    severity = [text.strip()[0] for text in column(page, "severity")]
    accounts = [text.casefold() for text in column(page, "account")]
    assert severity == sorted(severity)
    pairs = list(zip(severity, accounts, strict=True))
    assert pairs == sorted(pairs), "within a severity by account"
    head = page.get_by_role("columnheader", name="Severity")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("link").click()
    page.wait_for_url("**-severity**")
    assert query_of(page) == "sort:-severity,account"


def test_filters_are_links_that_can_be_taken_back(tab: Tab) -> None:
    page = tab("/cases")
    everything = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("navigation", name="Filters").get_by_role("link", name="High").click()
    page.wait_for_url("**severity%3Ahigh**")
    assert {text.strip()[1:].strip() for text in column(page, "severity")} == {"High"}
    page.get_by_role("navigation", name="Filters").locator("a.active").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(everything)


def test_pages_of_the_list_and_rows_a_page(tab: Tab) -> None:
    page = tab("/cases?q=status%3Aany")
    page.get_by_role("link", name="25", exact=True).click()
    page.wait_for_url("**rows=25**")
    first = numbers(page)
    assert len(first) == 25
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**page=2**")
    assert len(numbers(page)) == 25
    assert not set(first) & set(numbers(page))
    page.get_by_role("link", name="Previous").click()
    page.wait_for_url(re.compile(r"rows=25$"))
    assert numbers(page) == first


def test_click_opens_the_case_and_its_account_and_engineer(tab: Tab) -> None:
    page = tab("/cases?q=-assignee:none")
    number = numbers(page)[0]
    page.locator("td.c-summary a").first.click()
    page.wait_for_url(f"**/cases/{number}")
    facts = page.get_by_role("complementary", name="Facts")
    facts.locator("a[href^='/accounts/']").first.click()
    page.wait_for_url("**/accounts/*")
    expect(page.locator(f"tr[data-number='{number}']").first).to_be_visible()
    page.go_back()
    facts.locator("a[href^='/engineers/']").first.click()
    page.wait_for_url("**/engineers/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Engineer")


def test_account_whose_name_is_in_another_script_opens(tab: Tab, site: Site) -> None:
    write_case(site, "00000141", "of a far account", account="日本通信 & Søn/50%")
    page = tab("/cases?q=number:00000141")
    page.locator("td.c-account a").click()
    page.wait_for_url("**/accounts/**")
    expect(page.get_by_role("heading", level=1)).to_contain_text("日本通信 & Søn/50%")


def test_headline_number_leads_to_its_list(tab: Tab) -> None:
    page = tab("/")
    tile = page.locator(".tile.breaching")
    count = tile.locator(".value").inner_text()
    tile.get_by_role("link").click()
    page.wait_for_url("**/cases?q=sla%3Abreached**")
    assert page.get_by_role("heading", level=1).inner_text().split()[-2] == count


def test_list_is_downloaded_as_csv(tab: Tab) -> None:
    page = tab("/cases?q=severity:urgent")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == len(numbers(page)) + 1


def test_everything_is_there_without_scripts(tab: Tab) -> None:
    page = tab("/cases", java_script_enabled=False)
    page.locator("#q").fill("severity:urgent sort:-age")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**severity%3Aurgent**")
    assert numbers(page)
    expect(page.locator("time").first).to_contain_text("ago")
    page.get_by_role("link", name="Statistics").click()
    page.locator("summary", has_text="The numbers, by day").click()
    expect(page.get_by_role("region", name="The numbers, by day")).to_be_visible()
    page.get_by_role("button", name="Refresh").click()
    page.wait_for_url("**/stats")


# Live


def test_moved_card_is_told_quietly_and_shown_when_asked(tab: Tab, site: Site) -> None:
    for number in ("00000101", "00000102", "00000103"):
        write_case(site, number, "to be moved")
    page = tab("/cases?q=moved")
    expect(page.locator("tr[data-number]")).to_have_count(3)
    news = page.locator(".news")
    expect(news).to_be_hidden()
    move_card(site, "00000101", "Open")
    expect(news).to_contain_text("1 change")
    for number in ("00000101", "00000102", "00000103"):
        move_card(site, number, "In Progress")
    expect(news).to_contain_text("3 changes")
    row = page.locator("tr[data-number='00000102']")
    expect(row).not_to_contain_text("Eng Working")
    news.get_by_role("button", name="Show").click()
    expect(row).to_contain_text("Eng Working")
    expect(row).to_have_class(re.compile("changed"))
    expect(news).to_be_hidden()
    move_card(site, "00000103", "Code Review")
    expect(news).to_contain_text("1 change")


def test_case_that_comes_into_the_list_is_told_others_are_not(tab: Tab, site: Site) -> None:
    page = tab("/cases?q=newcomer")
    expect(page.locator(".nothing")).to_be_visible()
    write_case(site, "00000111", "somebody else")
    write_case(site, "00000112", "the newcomer")
    expect(page.locator(".news")).to_contain_text("1 change")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-number]")).to_have_count(1)
    assert numbers(page) == ["00000112"]


@pytest.mark.parametrize("path", ["/", "/cases/00000121", "/updates", "/weekly", "/stats"])
def test_every_page_follows_what_it_shows(tab: Tab, site: Site, path: str) -> None:
    write_case(site, "00000121", "followed", seen=wall_clock.now() - timedelta(minutes=1))
    page = tab(path)
    write_case(site, "00000121", f"followed from {path}")
    expect(page.locator(".news")).to_contain_text("1 change")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".news")).to_be_hidden()


def test_running_sync_shows_how_far_it_is_while_the_page_is_open(tab: Tab, site: Site) -> None:
    page = tab("/cases")
    bar = page.locator("[data-sync=cards] progress")
    expect(bar).to_have_count(0)
    for current in (1, 3):
        site.record(SyncRecord(name=Sync.CARDS, state=SyncState.RUNNING, current=current, total=4))
        expect(bar).to_have_attribute("value", str(25 * current))
    done = wall_clock.now().timestamp()
    site.record(SyncRecord(name=Sync.CARDS, state=SyncState.OK, last_success=done))
    expect(bar).to_have_count(0)


# The button that acts


def asked_for(site: Site) -> list[str]:
    """The jobs that wait."""
    load_rq(site.settings.redis_prefix)
    from rq import Queue

    connection = open_queue_redis(site.settings.redis_url)
    try:
        names = ("high", "default", "low")
        found = [job for name in names for job in Queue(name, connection=connection).job_ids]
    finally:
        connection.close()
    return found


def token(site: Site, role: Role) -> dict[str, dict[str, str]]:
    """Options of a window whose owner has that role."""
    tokens = Tokens(site.redis, Keys(site.settings.redis_prefix))
    _, secret = site.do(tokens.create(f"{role} {wall_clock.now().timestamp()}", role))
    return {"extra_http_headers": {"Authorization": f"Bearer {secret}"}}


def test_engineer_asks_for_news_and_stays_on_the_page(tab: Tab, site: Site) -> None:
    page = tab("/cases?q=severity%3Ahigh", **token(site, Role.ENGINEER))
    button = page.get_by_role("button", name="Refresh")
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Asked")
    assert asked_for(site)
    assert page.url.endswith("/cases?q=severity%3Ahigh")


def test_viewer_has_no_button(tab: Tab, site: Site) -> None:
    page = tab("/cases", **token(site, Role.VIEWER))
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    expect(page.get_by_role("button", name="Refresh")).to_have_count(0)
    expect(page.get_by_role("link", name="Jobs")).to_have_count(0)
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)


# Keyboard, zone, clipboard, paper


def test_keyboard_alone_reaches_and_opens_everything(tab: Tab) -> None:
    page = tab("/cases")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    shown = numbers(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    focused = page.locator(":focus")
    expect(focused).to_have_text(shown[0])
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{shown[1]}")


def test_tab_goes_through_the_page_in_its_order_and_each_stop_is_seen(tab: Tab) -> None:
    page = tab("/cases?q=severity:urgent")
    seen: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                  const at = document.activeElement, style = getComputedStyle(at);
                  const wide = parseFloat(style.outlineWidth) >= 2;
                  const ring = wide && style.outlineStyle !== "none" ? "ring" : "no ring";
                  return `${at.tagName} ${ring} ${at.textContent.slice(0, 20)}`;
                }"""
            )
        )
    assert [stop for stop in seen if "no ring" in stop and not stop.startswith("BODY")] == []
    places = [next(n for n, stop in enumerate(seen) if word in stop)
              for word in ("Skip", "Overview", "INPUT", "How to search")]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("zone", "shown"), [("Asia/Tokyo", "Mar 2, 2026, 07:30"), ("America/New_York", "05:30 PM")]
)
def test_times_are_the_viewers_and_the_exact_utc_is_on_hover(
    tab: Tab, site: Site, zone: str, shown: str
) -> None:
    write_case(site, "00000131", "in its own time")
    page = tab("/cases/00000131", timezone_id=zone, locale="en-US")
    opened = page.locator("dl.facts div", has_text="Opened").locator("time")
    expect(opened).to_contain_text(shown)
    expect(opened).to_have_attribute("title", "2026-03-01 22:30:00 UTC")
    expect(opened).to_have_attribute("datetime", "2026-03-01T22:30:00Z")


def test_every_moment_of_every_page_has_its_exact_utc(tab: Tab) -> None:
    page = tab("/")
    for path in ("/", "/cases", "/cases/04000001", "/updates", "/trends", "/stats", "/jobs"):
        page.goto(path)
        titles = page.locator("time").evaluate_all("found => found.map(x => x.title)")
        assert titles, path
        wrong = [t for t in titles if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", t)]
        assert wrong == [], path


def test_weekly_report_is_copied_by_a_click(tab: Tab) -> None:
    page = tab("/weekly", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "Open" in text
    assert page.locator("#weekly li[data-number]").first.inner_text().split()[0] in text


def test_paper_has_the_cases_and_not_the_controls(tab: Tab) -> None:
    page = tab("/cases?q=severity:urgent", color_scheme="dark")
    page.emulate_media(media="print")
    for gone in (".top", ".facets", ".list-foot", ".button"):
        expect(page.locator(gone).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    ink = page.evaluate("getComputedStyle(document.querySelector('td.c-summary a')).color")
    assert max(int(part) for part in re.findall(r"\d+", ink)) < 60, f"dark ink on paper, not {ink}"
    assert page.pdf(format="A4").startswith(b"%PDF")


# Dark, narrow


def brightness(page: Page) -> float:
    """How bright the page's ground is, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    return sum(parts) / 3


def test_dark_mode_follows_the_system(tab: Tab) -> None:
    page = tab("/cases", color_scheme="light")
    assert brightness(page) > 220
    page.emulate_media(color_scheme="dark")
    assert brightness(page) < 40


PATHS = ("/", "/cases", "/cases?q=sevrity:x", "/cases/04000001", "/accounts/Acme%20Corp",
         "/engineers/Chen%20Wei", "/stats", "/trends", "/updates?days=7", "/weekly", "/jobs",
         "/audit", "/nowhere")  # fmt: skip


def test_no_page_is_wider_than_its_screen(tab: Tab) -> None:
    page = tab("/", viewport=PHONE)
    for path in PATHS:
        page.goto(path)
        for width in (320, 390, 768, 1024, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.scrollingElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} px wide at {width} px"


def test_phone_shows_cases_as_cards_that_open(tab: Tab) -> None:
    page = tab("/cases", viewport=PHONE, is_mobile=True, has_touch=True)
    row = page.locator("tr[data-number]").first
    for part in ("number", "severity", "summary", "status", "sla"):
        expect(row.locator(f".c-{part}")).to_be_visible()
    for part in ("account", "assignee"):
        name = page.locator(f"tr[data-number] .c-{part} a").first
        least = "parseFloat(getComputedStyle(name).fontSize) * 5"  # no letter to a line
        enough = f"name => name.offsetWidth >= Math.min({least}, name.scrollWidth)"
        assert name.evaluate(enough), part
        assert name.evaluate("name => name.scrollHeight <= name.offsetHeight + 1"), part
    number = numbers(page)[0]
    row.locator(".c-summary a").tap()
    page.wait_for_url(f"**/cases/{number}")
