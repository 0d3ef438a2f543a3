"""An accessibility checker (axe) looks at every page, in light and dark, wide and narrow."""

import pytest
from playwright.sync_api import expect

from tests import wall_clock
from tests.making import portal_seen
from tests.webhooks.browsing import Site, Tab, found_by_axe

pytestmark = pytest.mark.browser

PATHS = ("/", "/cases?rows=25", "/cases?q=sevrity:x", "/cases?q=no-such-word", "/cases/04000001",
         "/accounts/Acme%20Corp", "/engineers/Chen%20Wei", "/stats", "/trends", "/updates",
         "/weekly", "/jobs", "/audit", "/nowhere")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_checker_finds_nothing(tab: Tab, path: str) -> None:
    page = tab(path)
    page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
    assert found_by_axe(page) == {}


def test_checker_finds_nothing_in_what_opens_while_one_reads(tab: Tab, site: Site) -> None:
    page = tab("/cases?q=number:04000001")
    now = wall_clock.now()
    site.write(portal_seen("04000001", seen=now, updated=now, summary="changed while one reads"))
    expect(page.locator(".news")).to_contain_text("1 change")
    page.keyboard.press("/")
    page.keyboard.type("sever")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert found_by_axe(page) == {}
    expect(page.get_by_role("option").first).to_be_visible()
