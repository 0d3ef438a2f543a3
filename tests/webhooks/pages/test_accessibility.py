"""An accessibility checker (axe) looks at every page, in light and dark, wide and narrow."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.webhooks.browsing import PHONE, Tab

pytestmark = pytest.mark.browser

PATHS = ("/", "/cases?rows=25", "/cases?q=sevrity:x", "/cases?q=no-such-word", "/cases/04000001",
         "/accounts/Acme%20Corp", "/engineers/Chen%20Wei", "/stats", "/trends", "/updates",
         "/weekly", "/jobs", "/audit", "/nowhere")  # fmt: skip
ALL = {"resultTypes": ["violations"]}
#: What hangs on colours, and so has to be looked at in dark, too.
COLOURS = {**ALL, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
#: What hangs on the width of the page: colours, the slowest to look at, do not.
LAYOUT = {**ALL, "rules": {"color-contrast": {"enabled": False}}}


def found_by_axe(page: Page, options: dict[str, Any]) -> list[str]:
    """What is wrong with a page, a line for each of some elements."""
    response: dict[str, Any] = Axe().run(page, options=options).response
    return [
        f"{rule['impact']} {rule['id']}: {node['target'][0]}: {node['failureSummary'][:400]}"
        for rule in response["violations"]
        for node in rule["nodes"][:5]
    ]


@pytest.mark.parametrize("path", PATHS)
def test_checker_finds_nothing(tab: Tab, path: str) -> None:
    page = tab(path, color_scheme="light", reduced_motion="reduce")
    page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
    found = {"light": found_by_axe(page, ALL)}
    page.emulate_media(color_scheme="dark")
    found["dark"] = found_by_axe(page, COLOURS)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    found["phone"] = found_by_axe(page, LAYOUT)
    assert {where: what for where, what in found.items() if what} == {}
