"""Login and logout: sessions, roles, where one ends up, and what the audit log says of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from yarl import URL

from t5g.errors import SettingsError
from t5g.hazards import refuse_dangerous
from t5g.settings import load_settings
from t5g.store import Store
from tests.making import NOW, portal_seen
from tests.webhooks.conftest import Serve
from tests.webhooks.logins import BASE, TEAM, Browser, Configure, Trail
from tests.webhooks.saml.forging import LOGOUTS, ForgeLogout
from tests.webhooks.saml.identity import IdentityProvider, make_key, read_request

LOGOUT = f"{BASE}/saml/logout"


async def test_page_sends_to_the_login_and_the_login_back_to_the_page(browser: Browser) -> None:
    asked = await browser.get("/cases?q=severity:urgent")
    assert asked.status == 302
    login = URL(asked.headers["Location"])
    assert (login.path, login.query["to"]) == ("/saml/login", "/cases?q=severity:urgent")
    done = await browser.log_in(login.query["to"])
    assert (done.status, done.headers["Location"]) == (303, "/cases?q=severity:urgent")
    page = await browser.get("/cases")
    assert page.status == 200
    assert "Ann Müller" in await page.text()
    assert "Role: engineer" in await page.text()


async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    done = await browser.log_in()
    morsel = done.cookies["t5g"]
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    assert not morsel["domain"]


async def test_each_login_has_a_new_session_and_ends_the_old_one(browser: Browser) -> None:
    await browser.log_in()
    first = browser.cookies["t5g"]
    await browser.log_in()
    assert browser.cookies["t5g"] != first
    browser.cookies["t5g"] = first
    assert (await browser.get("/cases")).status == 302


async def test_made_up_session_is_nobody(browser: Browser) -> None:
    for identity in ("x", "", "a" * 5000, "t5g:session:*"):
        browser.cookies["t5g"] = identity
        assert (await browser.get("/cases")).status == 302


@pytest.mark.parametrize(
    "to",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil", "javascript:alert(1)", "",
     "/\t/evil.test", "http:evil", "/a b", "/x\r\nSet-Cookie:a=b", " /cases", "/" + "a" * 3000],
)  # fmt: skip
async def test_login_leads_to_our_own_pages_only(browser: Browser, to: str) -> None:
    done = await browser.log_in(to)
    assert (done.status, done.headers["Location"]) == (303, "/")
    assert "a" not in done.cookies


async def test_nobody_without_a_role_comes_in_and_is_told_whom_to_ask(
    browser: Browser, trail: Trail
) -> None:
    await browser.log_in(attributes={"mail": ["eve@example.com"], "displayName": ["Eve"]})
    page = await browser.get("/cases")
    text = await page.text()
    assert page.status == 403
    assert "logged in as Eve" in text
    assert "leads@example.com" in text
    assert ("login", "refused") in await trail()


async def test_login_that_says_nothing_of_the_person_gives_no_role(browser: Browser) -> None:
    assert (await browser.log_in(attributes={})).status == 303
    assert (await browser.get("/cases")).status == 403


async def test_groups_give_roles_by_exact_name(browser: Browser) -> None:
    await browser.log_in(attributes={"memberOf": ["t5g-engineers-old", "xt5g-readers"]})
    assert (await browser.get("/")).status == 403
    await browser.log_in(attributes={"memberOf": ["t5g-readers"]})
    assert "Role: viewer" in await (await browser.get("/")).text()
    await browser.log_in(attributes={"mail": ["Boss@Example.com"]})
    assert "Role: admin" in await (await browser.get("/")).text()


async def test_role_taken_away_is_gone_at_once(browser: Browser, team_file: Path) -> None:
    await browser.log_in()
    assert (await browser.get("/")).status == 200
    team_file.write_text(TEAM.replace("t5g-engineers", "others") + "\n# changed")
    assert (await browser.get("/")).status == 403


async def test_only_engineers_refresh(browser: Browser) -> None:
    same = {"Sec-Fetch-Site": "same-origin"}
    await browser.log_in(attributes={"memberOf": ["t5g-readers"]})
    assert "/refresh" not in await (await browser.get("/")).text()
    assert (await browser.post("/refresh", {}, **same)).status == 403
    await browser.log_in()
    assert "/refresh" in await (await browser.get("/")).text()
    assert (await browser.post("/refresh", {}, **same)).status == 303


async def test_other_sites_can_not_act_for_somebody(browser: Browser) -> None:
    await browser.log_in()
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ):
        assert (await browser.post("/refresh", {}, **headers)).status == 403
        assert (await browser.post("/saml/logout", {}, **headers)).status == 403
    assert (await browser.get("/")).status == 200


async def test_logout_ends_the_session_here_and_there(browser: Browser, trail: Trail) -> None:
    await browser.log_in()
    kept = browser.cookies["t5g"]
    done = await browser.post("/saml/logout", {})
    assert done.status == 303
    assert done.headers["Location"].startswith("https://idp.test/slo?SAMLRequest=")
    assert done.headers["Clear-Site-Data"] == '"cache"'
    assert "t5g" not in browser.cookies
    browser.cookies["t5g"] = kept
    assert (await browser.get("/")).status == 302
    assert (await trail())[-1] == ("logout", "done")


async def test_logout_everywhere_ends_the_other_browsers_too(
    browser: Browser, idp: IdentityProvider
) -> None:
    other = Browser(browser.client, idp)
    stranger = Browser(browser.client, idp)
    await browser.log_in()
    await other.log_in()
    await stranger.log_in(person="bob", attributes={"mail": ["boss@example.com"]})
    await browser.post("/saml/logout", {"everywhere": "1"})
    assert (await other.get("/")).status == 302
    assert (await stranger.get("/")).status == 200


async def test_page_that_stays_open_hears_nothing_after_the_logout(
    browser: Browser, store: Store
) -> None:
    await browser.log_in()
    headers = {"Cookie": f"t5g={browser.cookies['t5g']}"}
    async with asyncio.timeout(10), browser.client.get("/live", headers=headers) as response:
        assert await response.content.readuntil(b"\n\n") == b"retry: 3000\n\n"
        await store.write([portal_seen("00000001")], now=NOW)
        assert b"00000001" in await response.content.readuntil(b"\n\n")
        await browser.post("/saml/logout", {})
        await store.write([portal_seen("00000002")], now=NOW)
        assert await response.content.read() == b""


async def test_provider_ends_one_login_or_all_of_a_person(
    browser: Browser, idp: IdentityProvider
) -> None:
    other = Browser(browser.client, idp)
    await browser.log_in(index="_one")
    await other.log_in(index="_two")
    ended = await browser.get(idp.logout_url(f"{BASE}/saml/logout", "ann", "_one"))
    assert ended.status == 302
    assert ended.headers["Location"].startswith("https://idp.test/slo?SAMLResponse=")
    assert (await browser.get("/")).status == 302
    assert (await other.get("/")).status == 200
    await browser.get(idp.logout_url(f"{BASE}/saml/logout", "ann"))
    assert (await other.get("/")).status == 302


async def test_logout_everywhere_finds_logins_under_other_names(
    browser: Browser, idp: IdentityProvider
) -> None:
    others = [Browser(browser.client, idp) for _ in range(2)]
    await browser.log_in(person="_transient-1")
    await others[0].log_in(person="_transient-2", attributes={"mail": ["Ann@Example.com"]})
    await others[1].log_in(person="ann@example.com")
    await browser.post("/saml/logout", {"everywhere": "1"})
    assert [(await one.get("/")).status for one in others] == [302, 302]


async def test_provider_ends_logins_under_other_names(
    browser: Browser, idp: IdentityProvider
) -> None:
    other = Browser(browser.client, idp)
    await browser.log_in(person="_transient-1")
    await other.log_in(person="_transient-2")
    assert (await browser.get(idp.logout_url(LOGOUT, "_transient-1"))).status == 302
    assert (await other.get("/")).status == 302


async def test_logout_there_says_the_name_as_it_was_told(browser: Browser) -> None:
    form = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    naming = f' Format="{form}" NameQualifier="q" SPNameQualifier="{BASE}/saml/metadata"'
    await browser.log_in(name_attributes=naming, index="a&amp;b")
    done = await browser.post("/saml/logout", {})
    asked, _ = read_request(done.headers["Location"])
    [name] = asked.findall("{urn:oasis:names:tc:SAML:2.0:assertion}NameID")
    assert (name.text, name.get("Format"), name.get("NameQualifier")) == ("ann", form, "q")
    assert name.get("SPNameQualifier") == f"{BASE}/saml/metadata"
    assert asked.findtext("{urn:oasis:names:tc:SAML:2.0:protocol}SessionIndex") == "a&b"


@pytest.mark.parametrize("forge", LOGOUTS.values(), ids=LOGOUTS)
async def test_forged_logout_ends_nothing(
    browser: Browser, idp: IdentityProvider, trail: Trail, forge: ForgeLogout
) -> None:
    await browser.log_in()
    assert (await browser.get(forge(idp, LOGOUT))).status == 403
    assert (await browser.get("/")).status == 200
    assert (await trail())[-1] == ("logout", "refused")


async def test_logout_of_the_provider_counts_once(browser: Browser, idp: IdentityProvider) -> None:
    url = idp.logout_url(LOGOUT, "ann")
    await browser.log_in()
    assert (await browser.get(url)).status == 302
    await browser.log_in()
    assert (await browser.get(url)).status == 403
    assert (await browser.get("/")).status == 200


async def test_logout_of_somebody_else_leaves_this_browser_alone(
    browser: Browser, idp: IdentityProvider
) -> None:
    await browser.log_in()
    done = await browser.get(idp.logout_url(LOGOUT, "eve"))
    assert done.status == 302
    assert "Clear-Site-Data" not in done.headers
    assert (await browser.get("/")).status == 200


@pytest.mark.parametrize(
    "query", ["", "?RelayState=x", "?SAMLResponse=x&Signature=y", "?everywhere=1"]
)
@pytest.mark.parametrize("site", ["cross-site", "none"])
async def test_link_to_the_logout_ends_nothing(browser: Browser, query: str, site: str) -> None:
    await browser.log_in()
    asked = await browser.get(f"/saml/logout{query}", **{"Sec-Fetch-Site": site})
    assert "Log out?" in await asked.text()
    assert not asked.cookies
    assert "Clear-Site-Data" not in asked.headers
    assert (await browser.get("/")).status == 200


async def test_page_after_the_logout_says_that_it_is_done(
    browser: Browser, idp: IdentityProvider
) -> None:
    await browser.log_in()
    sent = await browser.post("/saml/logout", {})
    asked, _ = read_request(sent.headers["Location"])
    page = await browser.get(idp.logout_answer_url(LOGOUT, asked.get("ID")))
    assert "<h1>Logged out</h1>" in await page.text()


async def test_logged_out_session_is_dead_in_redis(browser: Browser, redis: Redis) -> None:
    await browser.log_in()
    await browser.post("/saml/logout", {})
    assert [name async for name in redis.scan_iter(match="t5g:session*")] == []


async def test_metadata_is_good_and_has_both_certificates(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    (key, now), (_, soon) = make_key(), make_key()
    settings = configure(saml_certificate=now, saml_next_certificate=soon, saml_key=key)
    browser = Browser(await serve(settings), idp)
    response = await browser.get("/saml/metadata")
    text = await response.text()
    assert response.status == 200
    assert f'entityID="{BASE}/saml/metadata"' in text
    assert f'Location="{BASE}/saml/acs"' in text
    assert 'WantAssertionsSigned="true"' in text
    assert text.replace("\n", "").count("<ds:X509Certificate>") >= 2
    assert "validUntil" not in text, "who imported it as a file can log in next week, too"
    location = (await browser.get("/saml/login")).headers["Location"]
    assert "&Signature=" in location, "requests are signed when there is a key"


async def test_second_certificate_of_the_provider_is_good_too(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    following = IdentityProvider()
    settings = configure(saml_idp_metadata=idp.metadata(following.certificate))
    browser = Browser(await serve(settings), idp)
    assert (await browser.log_in()).status == 303
    under = await browser.leave()
    assert (await browser.answer(under, following.response(under.claim()))).status == 303


async def test_audit_log_has_logins_and_refusals(browser: Browser, trail: Trail) -> None:
    await browser.log_in()
    under = await browser.leave()
    await browser.answer(under, "<nonsense/>")
    assert await trail() == [("login", "done"), ("login", "refused")]


@pytest.mark.parametrize(
    "metadata",
    ["", "not xml", "<a/>", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"],
)
async def test_unusable_metadata_of_the_provider_is_told_at_start(
    serve: Serve, configure: Configure, metadata: str
) -> None:
    with pytest.raises(SettingsError, match="T5G_SAML_IDP_METADATA"):
        await serve(configure(saml_idp_metadata=metadata))


async def test_health_says_that_the_metadata_is_broken_and_operators_why(
    serve: Serve, configure: Configure, idp: IdentityProvider, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = tmp_path / "metadata.xml"
    path.write_text(idp.metadata())
    monkeypatch.setenv("T5G_SAML_IDP_METADATA_FILE", str(path))
    browser = Browser(await serve(configure()), idp)

    async def told() -> Any:
        return (await (await browser.get("/readyz")).json())["parts"]["login"]

    assert await told() == "ok"
    path.write_text("<broken")
    assert await told() == "not ok"
    await browser.log_in()
    assert "not readable as SAML metadata" in (await told())["why"]
    path.write_text(idp.metadata())
    assert await told() == {"ok": True}


async def test_pages_are_kept_by_no_shared_cache(browser: Browser) -> None:
    await browser.log_in()
    for path in ("/", "/cases", "/stats", "/weekly.txt", "/cases.csv", "/api/v1/cases", "/nope"):
        control = (await browser.get(path)).headers.get("Cache-Control", "")
        assert "no-store" in control or "private" in control, path


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.0.2.1", "t5g.example.com", "", "127.0.0.1.x"]
)
def test_settings_without_login_are_refused_on_other_addresses(host: str) -> None:
    with pytest.raises(SettingsError, match="T5G_AUTH=none is accepted on loopback only"):
        refuse_dangerous(load_settings(env={"auth": "none", "http_host": host}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_settings_without_login_are_good_on_this_machine(host: str) -> None:
    refuse_dangerous(load_settings(env={"auth": "none", "http_host": host}))
