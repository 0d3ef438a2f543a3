"""Login and logout with an identity provider that is a process of its own, in a browser.

Its forgeries come over HTTP like its good answers; none of them logs anybody in.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import html
from playwright.sync_api import Browser as Chrome
from playwright.sync_api import Page, expect

from t5g.lifeline import tied
from tests.making import portal_seen
from tests.webhooks.browsing import Site, Tab, found_by_axe, opened, windows
from tests.webhooks.logins import CERTIFICATE, KEY, TEAM
from tests.webhooks.saml.forging import FORGERIES

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def provider(free_ports: tuple[int, int]) -> Iterator[str]:
    """The address of the identity provider's process."""
    port = free_ports[0]
    process = subprocess.Popen(
        tied([sys.executable, "-m", "tests.webhooks.saml.identity", str(port)]), cwd=ROOT
    )
    url = f"http://{HOST}:{port}"
    try:
        deadline = time.monotonic() + 30
        while not _answers(url):
            assert process.poll() is None and time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/metadata", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def site(
    redis_server: str,
    free_ports: tuple[int, int],
    provider: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A web process that trusts it."""
    team = tmp_path_factory.mktemp("team") / "team.toml"
    team.write_text(TEAM)
    found = opened(
        redis_server,
        free_ports[1],
        auth="saml",
        public_url=f"http://{HOST}:{free_ports[1]}",
        saml_idp_metadata=httpx.get(f"{provider}/metadata", trust_env=False).text,
        saml_key=KEY,
        saml_certificate=CERTIFICATE,
        team_file=team,
        access_contact="the leads (leads@example.com)",
        trusted_proxies="127.0.0.0/8",
    )
    try:
        found.write(portal_seen())
        yield found
    finally:
        found.stop()


@pytest.fixture
def tab(chrome: Chrome, site: Site, provider: str) -> Iterator[Tab]:
    """Open windows, which may also go to the provider."""
    with windows(chrome, site.url, provider) as open_tab:
        yield open_tab


def log_in(page: Page, person: str = "ann") -> None:
    """Press the button of the provider's page."""
    page.get_by_role("button", name=f"Log in as {person}", exact=True).click()


@pytest.mark.browser
def test_login_leads_back_to_the_page_and_logout_to_the_provider_and_back(
    tab: Tab, site: Site, provider: str
) -> None:
    page = tab("/cases?q=severity%3Anormal")
    assert page.url.startswith(f"{provider}/sso?")
    log_in(page)
    page.wait_for_url(f"{site.url}/cases?q=severity%3Anormal")
    page.get_by_text("Ann Müller").click()
    expect(page.get_by_text("Role: engineer")).to_be_visible()
    assert found_by_axe(page) == {}
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(f"{site.url}/saml/logout?*")
    expect(page.get_by_role("heading", name="Logged out")).to_be_visible()
    assert found_by_axe(page) == {}
    page.goto("/cases")
    assert page.url.startswith(f"{provider}/sso?")


@pytest.mark.browser
def test_logout_that_the_provider_begins_ends_the_session_here(
    tab: Tab, site: Site, provider: str
) -> None:
    page = tab("/")
    log_in(page, "boss")
    page.wait_for_url(f"{site.url}/")
    page.goto(f"{provider}/end?sp={site.url}/saml/logout&person=boss")
    expect(page.get_by_role("heading", name="Logged out at the provider")).to_be_visible()
    page.goto("/")
    assert page.url.startswith(f"{provider}/sso?")


@pytest.mark.browser
def test_link_to_the_logout_asks_first_and_the_button_there_logs_out(
    tab: Tab, site: Site, provider: str
) -> None:
    page = tab("/")
    log_in(page)
    page.wait_for_url(f"{site.url}/")
    page.goto(f"{provider}/sso-page-of-somebody-else")
    page.evaluate("where => { location.href = where }", f"{site.url}/saml/logout")
    expect(page.get_by_role("heading", name="Log out?")).to_be_visible()
    assert found_by_axe(page) == {}
    page.goto("/cases")
    expect(page.get_by_text("Ann Müller")).to_be_visible()
    page.goto("/saml/logout")
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("heading", name="Logged out")).to_be_visible()
    page.goto("/cases")
    assert page.url.startswith(f"{provider}/sso?")


@pytest.mark.browser
def test_form_of_another_site_logs_nobody_out(tab: Tab, site: Site, provider: str) -> None:
    page = tab("/")
    log_in(page)
    page.wait_for_url(f"{site.url}/")
    page.goto(f"{provider}/sso-page-of-somebody-else")
    page.set_content(f'<form method="post" action="{site.url}/saml/logout"><button>Win</button>')
    page.get_by_role("button", name="Win").click()
    page.goto("/cases")
    expect(page.get_by_text("Ann Müller")).to_be_visible()


@pytest.mark.browser
def test_who_has_no_role_reads_whom_to_ask(tab: Tab, site: Site) -> None:
    page = tab("/cases/01234567")
    log_in(page, "eve")
    expect(page.get_by_role("alert")).to_contain_text("Ask the leads (leads@example.com)")
    expect(page.get_by_role("alert")).to_contain_text("logged in as Eve")
    assert "01234567" not in page.locator("main").inner_text()
    assert found_by_axe(page) == {}
    page.get_by_text("Eve", exact=True).click()
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("heading", name="Logged out")).to_be_visible()


@pytest.mark.browser
def test_refused_login_says_how_to_go_on(tab: Tab, site: Site) -> None:
    page = tab("/saml/login")
    page.goto(f"{page.url}&forge=unsigned")
    log_in(page)
    expect(page.get_by_role("heading", name="Login refused")).to_be_visible()
    assert found_by_axe(page) == {}
    page.get_by_role("link", name="Log in").click()
    log_in(page)
    page.wait_for_url(f"{site.url}/")


@pytest.mark.parametrize("name", FORGERIES)
def test_forgery_of_the_process_logs_nobody_in(site: Site, name: str) -> None:
    place = list(FORGERIES).index(name)
    client = httpx.Client(headers={"X-Forwarded-For": f"192.0.2.{place}"}, trust_env=False)
    with client:
        sent = client.get(f"{site.url}/saml/login")
        page = client.get(f"{sent.headers['Location']}&forge={name}")
        (form,) = html.document_fromstring(page.text).forms
        answer = client.post(form.action, data=dict(form.fields))
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert "Login refused" in answer.text
        assert not client.cookies
        assert client.get(f"{site.url}/cases").status_code != httpx.codes.OK
