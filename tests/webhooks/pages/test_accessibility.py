"""An accessibility checker (axe) looks at every page, in light and dark, wide and narrow."""

import pytest

from tests.webhooks.browsing import Tab, found_by_axe

pytestmark = pytest.mark.browser

PATHS = ("/", "/cases?rows=25", "/cases?q=sevrity:x", "/cases?q=no-such-word", "/cases/04000001",
         "/accounts/Acme%20Corp", "/engineers/Chen%20Wei", "/stats", "/trends", "/updates",
         "/weekly", "/jobs", "/audit", "/nowhere")  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_checker_finds_nothing(tab: Tab, path: str) -> None:
    page = tab(path)
    page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
    assert found_by_axe(page) == {}
