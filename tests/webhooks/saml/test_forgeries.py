"""Forged, stale and misdirected answers of an identity provider: each is refused, by name.

The good answer is accepted in the same way, so that no refusal here is one by accident.
"""

import base64
import textwrap
from typing import Any

import pytest
import xmlsec
from lxml import etree

from tests.webhooks.conftest import Serve
from tests.webhooks.logins import BASE, CERTIFICATE, Browser, Configure, Trail, Under
from tests.webhooks.saml.forging import FORGERIES, Forge
from tests.webhooks.saml.identity import IdentityProvider, encoded
from webhooks.saml.message import NAMES


async def refused(browser: Browser, under: Under, xml: str) -> None:
    """Come with an answer and see that nobody is logged in."""
    response = await browser.answer(under, xml)
    assert response.status == 403, await response.text()
    assert "t5g" not in browser.cookies
    text = await response.text()
    assert "Login refused" in text
    assert "boss" not in text.casefold()


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_forgery_is_refused(browser: Browser, trail: Trail, forge: Forge) -> None:
    under = await browser.leave()
    await refused(browser, under, forge(browser.idp, under.claim()))
    assert await trail() == [("login", "refused")]


async def test_good_answer_is_accepted(browser: Browser) -> None:
    assert (await browser.log_in()).status == 303
    assert (await browser.get("/")).status == 200


async def test_answer_with_a_declaration_is_accepted(browser: Browser) -> None:
    under = await browser.leave()
    xml = '<?xml version="1.0" encoding="UTF-8"?>\n' + browser.idp.response(under.claim())
    assert (await browser.answer(under, xml)).status == 303


async def test_answer_and_assertion_both_signed_is_accepted(browser: Browser) -> None:
    under = await browser.leave()
    idp = browser.idp
    assert (await browser.answer(under, idp.sign(idp.response(under.claim())))).status == 303


# What is good, but not for us, not now, or not what we asked: the rows of the list of what the
# library lets through are among them.

WRONG: dict[str, dict[str, Any]] = {
    "audience is another": {"audience": "https://other.test/metadata"},
    "audience is absent": {"audience": None},
    "destination is another": {"destination": "https://other.test/saml/acs"},
    "destination is longer than ours": {"destination": f"{BASE}/saml/acs/evil"},
    "destination is absent": {"destination": None},
    "recipient is another": {"recipient": "https://other.test/saml/acs"},
    "issuer is another": {"issuer": "https://other.test/metadata"},
    "conditions are over": {"until": -90},
    "confirmation is over": {"confirmed_until": -90},
    "conditions never end": {"until": None},
    "confirmation never ends": {"confirmed_until": None},
    "login there is over": {"session_until": -90},
    "begins in 200 seconds": {"not_before": 200},
    "begins in 400 seconds": {"not_before": 400},
    "answers nothing": {"response_request": None},
    "answers another request": {"response_request": "_other"},
    "confirmation answers another request": {"request": "_other", "response_request": ""},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
async def test_answer_that_is_not_for_us_or_not_now_is_refused(
    browser: Browser, changes: dict[str, Any]
) -> None:
    under = await browser.leave()
    await refused(browser, under, browser.idp.response(under.claim(**changes)))


async def test_confirmation_of_another_request_in_an_answer_to_ours(browser: Browser) -> None:
    under = await browser.leave()
    claim = under.claim(request="_other", response_request=under.request)
    await refused(browser, under, browser.idp.response(claim))


@pytest.mark.parametrize(
    "shift",
    [{"not_before": 40}, {"until": -20, "confirmed_until": -20}, {"session_until": -20}],
)
async def test_clocks_may_be_a_little_off(browser: Browser, shift: dict[str, float]) -> None:
    assert (await browser.log_in(**shift)).status == 303


async def test_clocks_may_be_off_by_what_the_setting_says(
    serve: Serve, configure: Configure, idp: IdentityProvider
) -> None:
    browser = Browser(await serve(configure(saml_skew_seconds=0)), idp)
    assert (await browser.log_in(confirmed_until=-2)).status == 403
    browser = Browser(await serve(configure(saml_skew_seconds=300)), idp)
    assert (await browser.log_in(confirmed_until=-250)).status == 303


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\t "])
async def test_answer_in_lines_is_accepted(browser: Browser, end: str) -> None:
    """RFC 2045 lines: many identity providers write them."""
    under = await browser.leave()
    lines = textwrap.wrap(encoded(browser.idp.response(under.claim())), 76)
    form = {"SAMLResponse": end.join([*lines, ""]), "RelayState": under.relay}
    assert (await browser.post("/saml/acs", form)).status == 303


SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
OLD = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"cipher": "http://www.w3.org/2009/xmlenc11#aes128-gcm", "key_bytes": 16},
        {"cipher": "http://www.w3.org/2009/xmlenc11#aes192-gcm", "key_bytes": 24},
        {"transport": OLD, "digest": "", "mask": ""},
        {"transport": OLD, "digest": "http://www.w3.org/2000/09/xmldsig#sha1", "mask": ""},
        {"digest": SHA256, "mask": ""},
        {"digest": "http://www.w3.org/2001/04/xmlenc#sha512"},
    ],
)
async def test_encrypted_answer_is_accepted(browser: Browser, how: dict[str, Any]) -> None:
    under = await browser.leave()
    xml = browser.idp.encrypted(under.claim(), **how)
    assert (await browser.answer(under, xml)).status == 303
    assert "Role: engineer" in await (await browser.get("/")).text()


async def test_encrypted_answer_in_a_signed_response_is_accepted(browser: Browser) -> None:
    under = await browser.leave()
    xml = browser.idp.sign(browser.idp.encrypted(under.claim()))
    assert (await browser.answer(under, xml)).status == 303


async def test_answer_that_another_library_encrypted_is_accepted(browser: Browser) -> None:
    """xmlsec writes a part as it stands in its document: names of spaces may be outside of it."""
    under = await browser.leave()
    tree = etree.fromstring(browser.idp.response(under.claim()))
    assertion = tree.find(f"{{{NAMES['saml']}}}Assertion")
    template = xmlsec.template.encrypted_data_create(
        tree, xmlsec.Transform.AES256_GCM, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(CERTIFICATE, xmlsec.KeyFormat.CERT_PEM, None))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    sealed = context.encrypt_xml(template, assertion)
    around = etree.Element(f"{{{NAMES['saml']}}}EncryptedAssertion")
    sealed.getparent().replace(sealed, around)
    around.append(sealed)
    assert (await browser.answer(under, etree.tostring(tree).decode())).status == 303


async def test_answer_counts_once(browser: Browser) -> None:
    under = await browser.leave()
    xml = browser.idp.response(under.claim())
    assert (await browser.answer(under, xml)).status == 303
    browser.cookies.clear()
    await refused(browser, under, xml)


async def test_assertion_counts_once_whatever_login_it_comes_with(browser: Browser) -> None:
    first = await browser.leave()
    claim = first.claim(id="_the-same")
    assert (await browser.answer(first, browser.idp.response(claim))).status == 303
    browser.cookies.clear()
    second = await browser.leave()
    again = second.claim(id="_the-same")
    await refused(browser, second, browser.idp.response(again))


async def test_answer_that_nobody_asked_for_is_refused(browser: Browser) -> None:
    under = await browser.leave()
    xml = browser.idp.response(under.claim())
    under.relay = "https://evil.test/"
    await refused(browser, under, xml)
    under.relay = ""
    await refused(browser, under, xml)


@pytest.mark.parametrize(
    "posted",
    ["", "%%%", "aGVsbG8=", encoded("<a/>"), encoded("<a"), "A" * 100_000,
     base64.b64encode(bytes(range(256))).decode()],
)  # fmt: skip
async def test_nonsense_is_refused(browser: Browser, posted: str) -> None:
    under = await browser.leave()
    form = {"SAMLResponse": posted, "RelayState": under.relay}
    response = await browser.post("/saml/acs", form)
    assert response.status == 403


async def test_answer_without_a_response_is_refused(browser: Browser) -> None:
    under = await browser.leave()
    assert (await browser.post("/saml/acs", {"RelayState": under.relay})).status == 403
    assert (await browser.post("/saml/acs", {})).status == 403


async def test_answer_beyond_all_measure_is_refused(browser: Browser) -> None:
    response = await browser.post("/saml/acs", {"SAMLResponse": "A" * 600_000})
    assert response.status == 413


async def test_guessing_is_slowed_down(browser: Browser) -> None:
    statuses = [(await browser.post("/saml/acs", {"RelayState": "x"})).status for _ in range(12)]
    assert statuses[:10] == [403] * 10
    assert statuses[-1] == 429
