"""The page in a real browser: what a person sees, types and clicks; and what it refuses to run."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.installation import Installation, Shortcut
from tests.sandbox.slack.serving import Bot, Slack, eventually
from tests.sandbox.slack.test_http import BUTTONS, MODAL, PREVIEW

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1> \"'`<b>`"


@pytest.fixture
async def page(slack: Slack, bot: Bot, chromium: Path) -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = await browser.new_page()
        mistakes: list[str] = []
        opened.on("pageerror", lambda error: mistakes.append(str(error)))
        opened.on("console", lambda m: mistakes.append(m.text) if m.type == "error" else None)
        opened.on("request", lambda r: _note_foreign(slack.url, r.url, mistakes))
        opened.set_default_timeout(8000)
        expect.set_options(timeout=8000)
        try:
            yield opened
        finally:
            await browser.close()
        assert mistakes == []


def _note_foreign(own: str, url: str, mistakes: list[str]) -> None:
    if not url.startswith((own, "data:")):
        mistakes.append(f"the page asked another host: {url}")


@contextlib.asynccontextmanager
async def another_person(page: Page, slack: Slack, place: str) -> AsyncIterator[Page]:
    assert page.context.browser is not None
    other = await page.context.browser.new_page()
    try:
        await other.goto(f"{slack.url}/client/{place}")
        yield other
    finally:
        await other.close()


async def test_command_is_typed_and_its_buttons_work(slack: Slack, bot: Bot, page: Page) -> None:
    @bot.bolt.command("/t5g")
    async def answer(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(text="x", blocks=BUTTONS)

    @bot.bolt.action("page:next")
    async def turn(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="*The second page*", replace_original=True)

    await page.goto(f"{slack.url}/client/{slack.ann.id}/{slack.general.id}")
    where = f"{slack.bob.id}/{slack.general.id}"
    async with another_person(page, slack, where) as other:
        await page.locator("main textarea").fill("/t5")
        await page.keyboard.press("Tab")
        await page.locator("main textarea").press_sequentially("cases")
        await page.keyboard.press("Enter")
        message = page.locator(".message.ephemeral")
        await expect(message).to_contain_text("Only visible to you")
        await expect(message).to_contain_text("Two cases")
        await message.get_by_role("button", name="Next").click()
        await expect(message.locator("b", has_text="The second page")).to_be_visible()
        await expect(other.locator(".message")).to_have_count(0)
    assert bot.bodies[0]["text"] == "cases"


async def test_message_shows_at_once_to_others_and_threads_open(
    slack: Slack, bot: Bot, page: Page
) -> None:
    await page.goto(f"{slack.url}/client/{slack.ann.id}/{slack.general.id}")
    where = f"{slack.bob.id}/{slack.private.id}"
    async with another_person(page, slack, where) as stranger:
        assert "no such channel" in await stranger.content()
    async with another_person(page, slack, f"{slack.bob.id}/{slack.general.id}") as other:
        await page.locator("main textarea").fill("hello @bob *now*")
        await page.keyboard.press("Enter")
        shown = other.locator(".message", has_text="hello")
        await expect(shown.locator(".mention.mine")).to_have_text("@bob")
        await shown.hover()
        await shown.get_by_label("Reply in thread").click()
        await other.locator(".thread textarea").fill("in the thread")
        await other.keyboard.press("Enter")
        await expect(other.locator("#thread")).to_contain_text("in the thread")
        await expect(page.locator(".replies")).to_have_text("1 reply")


async def test_modal_is_opened_shows_errors_and_closes(
    slack: Slack, bot: Bot, page: Page, client: AsyncWebClient
) -> None:
    @bot.bolt.shortcut("search")
    async def start(ack: AsyncAck, shortcut: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)

    @bot.bolt.view("comment")
    async def submitted(ack: AsyncAck, view: dict[str, Any]) -> None:
        text = view["state"]["values"]["text"]["value"]["value"]
        if text == "wrong":
            await ack(response_action="errors", errors={"text": "No such case."})
        else:
            await ack()

    slack.state.install(Installation(shortcuts=(Shortcut("global", "search", "Search cases…"),)))
    await page.goto(f"{slack.url}/client/{slack.ann.id}/{slack.general.id}")
    await page.get_by_label("Shortcuts").click()
    await page.get_by_role("button", name="Search cases…").click()
    modal = page.get_by_role("dialog", name="Comment")
    await modal.get_by_role("button", name="Send").click()
    await expect(modal).to_contain_text("Please complete this required field.")
    await modal.locator("input").fill("wrong")
    await modal.get_by_role("button", name="Send").click()
    await expect(modal).to_contain_text("No such case.")
    await expect(modal.locator("input")).to_have_value("wrong")
    await modal.locator("input").fill("right")
    await modal.get_by_role("button", name="Send").click()
    await expect(modal).to_have_count(0)


async def test_home_tab_and_confirmation(
    slack: Slack, bot: Bot, page: Page, client: AsyncWebClient
) -> None:
    presses = 0
    button = {
        "type": "button",
        "action_id": "share",
        "text": {"type": "plain_text", "text": "Share"},
        "confirm": {
            key: {"type": "plain_text", "text": text}
            for key, text in (
                ("title", "Sure?"),
                ("text", "All"),
                ("confirm", "Yes"),
                ("deny", "No"),
            )
        },
    }

    @bot.bolt.event("app_home_opened")
    async def publish(event: dict[str, Any]) -> None:
        view = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
        await client.views_publish(user_id=event["user"], view=view)

    @bot.bolt.action("share")
    async def share(ack: AsyncAck) -> None:
        nonlocal presses
        presses += 1
        await ack()

    await page.goto(f"{slack.url}/client/{slack.ann.id}/home")
    for answer in ("No", "Yes"):
        await page.get_by_role("button", name="Share").click()
        await page.locator("dialog").get_by_role("button", name=answer).click()
    await eventually(lambda: presses)
    assert presses == 1


async def test_text_from_outside_is_only_text(
    slack: Slack, page: Page, client: AsyncWebClient
) -> None:
    escaped = HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    slack.ann.real_name = slack.ann.name = HOSTILE
    slack.general.topic = HOSTILE
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": HOSTILE}},
        {"type": "section", "text": {"type": "mrkdwn", "text": escaped + HOSTILE}},
        {"type": "section", "text": {"type": "mrkdwn", "text": '<https://x/`"onclick=x`|l>'}},
        {"type": "markdown", "text": HOSTILE + " [a](javascript:window.hacked=1)"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": HOSTILE}]]},
        {
            "type": "image",
            "image_url": "https://elsewhere.example/x.png",
            "alt_text": HOSTILE,
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": HOSTILE,
                    "value": HOSTILE,
                    "text": {"type": "plain_text", "text": HOSTILE[:70]},
                    "confirm": {
                        key: {"type": "plain_text", "text": HOSTILE[:25]}
                        for key in ("title", "text", "confirm", "deny")
                    },
                }
            ],
        },
    ]
    await client.chat_postMessage(channel=slack.general.id, text=HOSTILE, blocks=blocks)
    slack.state.problem(HOSTILE, HOSTILE, HOSTILE)
    for path in (f"client/{slack.ann.id}/{slack.general.id}", "inspector"):
        await page.goto(f"{slack.url}/{path}")
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("main script, img[src=x], [onclick], [onerror]").count() == 0
    await page.go_back()
    await expect(page.locator(".header-block")).to_have_text(HOSTILE)
    await expect(page.locator(".no-image")).to_have_text(HOSTILE)


async def test_pasted_link_is_previewed_before_it_is_sent(
    slack: Slack, bot: Bot, page: Page, client: AsyncWebClient
) -> None:
    @bot.bolt.event("link_shared")
    async def preview(event: dict[str, Any]) -> None:
        await client.chat_unfurl(
            unfurl_id=event["unfurl_id"],
            source=event["source"],
            unfurls={event["links"][0]["url"]: PREVIEW},
        )

    await page.goto(f"{slack.url}/client/{slack.ann.id}/{slack.general.id}")
    box = page.locator("main textarea")
    await box.evaluate(
        """(box) => {
            const data = new DataTransfer();
            data.setData("text", "https://access.redhat.com/support/cases/#/case/01234567");
            box.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }"""
    )
    await expect(page.locator(".draft")).to_contain_text("01234567")


async def test_page_fits_a_phone(slack: Slack, page: Page, client: AsyncWebClient) -> None:
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "W" * 500}}, *BUTTONS]
    await client.chat_postMessage(channel=slack.general.id, text="x", blocks=long)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{slack.url}/client/{slack.ann.id}/{slack.general.id}")
    width = await page.evaluate(
        "Math.max(document.scrollingElement.scrollWidth, "
        "document.querySelector('#messages').scrollWidth)"
    )
    assert width <= 360
    await expect(page.locator(".sidebar")).not_to_be_visible()
    await page.get_by_label("Show channels").click()
    await expect(page.locator(".sidebar")).to_be_visible()
