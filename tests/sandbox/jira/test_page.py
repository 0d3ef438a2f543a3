"""The page: a board to look at, and forms that work without a script."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from playwright.async_api import Page, async_playwright, expect

from tests.sandbox.jira.serving import Scene

NASTY = "<script>alert(1)</script> & 'quotes' {{ 7 * 7 }}"


async def test_the_board_shows_every_text_as_text(jira):
    jira.state.create_issue("T5G", NASTY, labels=("<b>x</b>",), silent=True)
    async with ClientSession() as http:
        board = await (await http.get(jira.url + "/")).text()
        card = await (await http.get(jira.url + "/browse/T5G-1")).text()
    for html in (board, card):
        assert "<script>" not in html
        assert "&lt;script&gt;" in html
        assert "<b>x</b>" not in html
        assert "{{ 7 * 7 }}" in html


@pytest.mark.parametrize(
    ("form", "name", "value"),
    [
        ({"status": "Done"}, "status", "Done"),
        ({"priority": "Major"}, "priority", "Major"),
        ({"labels": " a  b "}, "labels", ("a", "b")),
        ({"summary": " new "}, "summary", "new"),
        ({"sprint": "100"}, "sprint", 100),
        ({"sprint": ""}, "sprint", None),
    ],
)
async def test_forms_change_the_issue(jira, form, name, value):
    jira.state.create_issue("T5G", "x", silent=True)
    async with ClientSession() as http:
        answer = await http.post(f"{jira.url}/browse/T5G-1", data=form)
        assert (answer.status, answer.url.path) == (200, "/browse/T5G-1")
    assert getattr(jira.state.issue("T5G-1"), name) == value


async def test_what_jira_refuses_is_said_on_the_page(jira):
    jira.state.create_issue("T5G", "x", silent=True)
    async with ClientSession() as http:
        answer = await http.post(f"{jira.url}/browse/T5G-1", data={"labels": "x" * 256})
        assert answer.status == 400
        assert "exceeds the maximum length" in await answer.text()
        for path in ("/browse/T5G-99", "/?project=NOPE"):
            answer = await http.get(jira.url + path)
            assert (answer.status, "Nothing here" in await answer.text()) == (404, True)


async def test_forms_of_other_sites_change_nothing(jira):
    jira.state.create_issue("T5G", "x", silent=True)
    async with ClientSession(headers={"Sec-Fetch-Site": "cross-site"}) as http:
        answer = await http.post(f"{jira.url}/browse/T5G-1", data={"status": "Done"})
        assert answer.status == 403
    assert jira.state.issue("T5G-1").status == "New"


@pytest.mark.parametrize("back", ["https://evil.example.com/", "//evil.example.com", "/\\evil"])
async def test_the_way_back_stays_on_this_server(jira, back):
    jira.state.create_issue("T5G", "x", silent=True)
    async with ClientSession() as http:
        answer = await http.post(
            f"{jira.url}/browse/T5G-1",
            data={"status": "Done", "back": back},
            allow_redirects=False,
        )
    assert answer.headers["Location"] == "/browse/T5G-1"


@pytest.fixture
async def page(cloud: Scene, chromium: Path) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(
            viewport={"width": 1280, "height": 800}, java_script_enabled=False
        )
        yield await context.new_page()
        await browser.close()


@pytest.mark.browser
async def test_a_card_is_found_moved_and_commented_in_a_browser(cloud: Scene, page: Page):
    state = cloud.state
    for n in range(30):
        state.create_issue("T5G", f"{n:08}: case", labels=("field-support",), silent=True)
    await page.goto(cloud.url + "/")
    await page.get_by_label("Find a card").fill("00000007")
    await page.get_by_role("button", name="Find").click()
    card = page.locator("article.card")
    await expect(card).to_have_count(1)
    await card.get_by_text("Move").click()
    await card.get_by_role("button", name="Blocked").click()
    await expect(page.locator("section", has_text="Blocked").locator("article")).to_have_count(1)
    assert state.issue("T5G-8").status == "Blocked"
    await page.get_by_role("link", name="00000007: case").click()
    await page.get_by_label("Comment").fill("waiting for *parts*")
    await page.get_by_role("button", name="Add comment").click()
    await expect(page.get_by_text("waiting for parts")).to_be_visible()
    await page.get_by_label("Assignee").select_option("Anna Beispiel")
    await page.get_by_role("button", name="Assign").click()
    issue = state.issue("T5G-8")
    assert issue.assignee == state.user("anna")
    assert issue.comments[0].author == state.user("anna")
    await cloud.webhooks.settled()
    assert len(cloud.receiver.got) == 3
