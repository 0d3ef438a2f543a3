"""Answers and logouts of a hostile identity provider: bombs, other files, broken XML."""

import base64
import time
import tracemalloc
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.errors import RefusedError
from t5g.settings import load_settings
from tests import wall_clock
from tests.hostile.conftest import Victim
from tests.hostile.nasty import SEEDED, TEXTS
from tests.webhooks.saml.identity import Claim, IdentityProvider
from webhooks.saml.provider import Provider

BASE = "http://page.test"
IDP = IdentityProvider()
CLAIM = Claim(f"{BASE}/saml/metadata", f"{BASE}/saml/acs", "ONELOGIN_request")
GOOD = IDP.response(CLAIM)
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(load_settings(env={"public_url": BASE, "saml_idp_metadata": IDP.metadata()}))


def read(provider: Provider, response: bytes) -> None:
    """Give it a response; anything but being refused in words fails the test."""
    posted = {"SAMLResponse": base64.b64encode(response).decode()}
    with pytest.raises(RefusedError) as refusal:
        provider.read_response(posted, "ONELOGIN_request", wall_clock.seconds())
    assert str(refusal.value)


def entities(declaration: str, use: str = "&a;") -> bytes:
    text = f'<?xml version="1.0"?><!DOCTYPE r [{declaration}]>'
    return (text + GOOD.replace("ann@example.com", use)).encode()


LAUGHS = (
    '<!ENTITY a "'
    + "ha" * 50
    + '">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
)
BOMBS: dict[str, Callable[[], bytes]] = {
    "a billion laughs": lambda: entities(LAUGHS, "&i;"),
    "one long entity, often": lambda: entities(f'<!ENTITY a "{"x" * 50_000}">', "&a;" * 5_000),
    "a file of ours": lambda: entities('<!ENTITY a SYSTEM "file:///etc/passwd">'),
    "an address of ours": lambda: entities('<!ENTITY a SYSTEM "http://127.0.0.1:1/">'),
    "a parameter entity": lambda: entities('<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;', ""),
    "deep": lambda: b"<a>" * 50_000 + b"</a>" * 50_000,
    "wide": lambda: GOOD.replace("</saml:Subject>", "</saml:Subject>" + "<a/>" * 50_000).encode(),
    "many attributes": lambda: b"<a " + b" ".join(b'a%d="1"' % n for n in range(50_000)) + b"/>",
    "many namespaces": lambda: (
        b"<a " + b" ".join(b'xmlns:a%d="u"' % n for n in range(20_000)) + b"/>"),
    "no XML": lambda: b"\x00\xff\xfe" * 1_000,
    "half of it": lambda: GOOD.encode()[: len(GOOD) // 2],
    "UTF-16": lambda: GOOD.encode("utf-16"),
    "UTF-7": lambda: b'<?xml version="1.0" encoding="UTF-7"?>' + GOOD.encode(),
    "NUL": lambda: GOOD.replace("ann@", "ann\0@").encode(),
    "a stylesheet": lambda: b'<?xml-stylesheet href="http://127.0.0.1:1/"?>' + GOOD.encode(),
    "an inclusion": lambda: GOOD.encode().replace(
        b"ann@example.com",
        b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'),
    "a transform": lambda: GOOD.encode().replace(
        b"http://www.w3.org/2001/10/xml-exc-c14n#", b"http://www.w3.org/TR/1999/REC-xslt-19991116"),
    "nothing": lambda: b"",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_soon_and_cheaply(provider: Provider, name: str) -> None:
    bomb = BOMBS[name]()
    began = time.process_time()
    tracemalloc.start()
    try:
        read(provider, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 3
    assert peak < 30 * len(bomb) + 5 * MEGABYTE


@settings(SEEDED, max_examples=120)
@given(at=st.integers(0, len(GOOD) - 1), length=st.integers(0, 40), text=TEXTS)
def test_a_response_with_any_part_replaced_is_refused_or_says_the_same(
    provider: Provider, at: int, length: int, text: str
) -> None:
    changed = GOOD[:at] + text[:5_000] + GOOD[at + length :]
    posted = {"SAMLResponse": base64.b64encode(changed.encode("utf-8", "surrogatepass")).decode()}
    try:
        found = provider.read_response(posted, "ONELOGIN_request", wall_clock.seconds())
    except RefusedError:
        return
    assert found.email == "ann@example.com", "what is not signed was believed"
    assert found.groups == ("everybody", "t5g-engineers")


LOGOUT = f"{BASE}/saml/logout"
SIGNED = IDP.logout_url(LOGOUT, "ann", "_login-1").partition("?")[2]


@settings(SEEDED, max_examples=120)
@given(
    at=st.integers(0, len(SIGNED) - 1),
    length=st.integers(0, 40),
    text=TEXTS | st.sampled_from(["&", "%53", "SAMLRequest=", "&SAMLRequest=a", "+", ";", "%00"]),
)
def test_a_logout_with_any_part_replaced_is_refused_or_says_the_same(
    provider: Provider, at: int, length: int, text: str
) -> None:
    changed = SIGNED[:at] + text[:1_000] + SIGNED[at + length :]
    try:
        found, _ = provider.read_logout(changed, wall_clock.seconds())
    except RefusedError:
        return
    assert (found.person, found.indexes) == ("ann", ("_login-1",)), "what is not signed was read"


@SEEDED
@given(text=TEXTS | st.binary(max_size=50).map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_base64_is_refused(provider: Provider, text: str) -> None:
    with pytest.raises(RefusedError):
        provider.read_response({"SAMLResponse": text}, "ONELOGIN_request", wall_clock.seconds())


def deflated(raw: bytes) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return quote(base64.b64encode(packer.compress(raw) + packer.flush()))


LOGOUTS = {
    "a zip bomb": lambda: deflated(b" " * 5 * MEGABYTE),
    "a zip bomb of elements": lambda: deflated(b"<a>" * MEGABYTE),
    "a billion laughs": lambda: deflated(entities(LAUGHS, "&i;"))[:7_000],
    "no base64": lambda: "%00%ff",
    "no deflate": lambda: quote(base64.b64encode(b"\xff" * 100)),
    "nothing": lambda: "",
}


@pytest.mark.parametrize("name", LOGOUTS)
def test_a_strangers_logout_is_refused_soon_and_cheaply(victim: Victim, name: str) -> None:
    path = f"/saml/logout?SAMLRequest={LOGOUTS[name]()}&Signature=eA%3D%3D&SigAlg=x&RelayState=y"
    assert len(path) < 8_000, "longer addresses are refused before"
    began = time.monotonic()
    with victim.traced() as peak:
        status, _ = victim.ask("GET", path)
        most = peak()
    assert status in (400, 403)
    assert most < 60 * MEGABYTE
    assert victim.alive()
    assert time.monotonic() - began < 4


def test_answers_to_a_login_that_nobody_began_are_refused_and_cost_nothing(victim: Victim) -> None:
    body = b"RelayState=made-up&SAMLResponse=" + b"A" * 400_000
    kind = "application/x-www-form-urlencoded"
    assert victim.ask("POST", "/saml/acs", body, Content_Type=kind)[0] in (403, 429)
    assert victim.ask("POST", "/saml/acs", b"x" * 600_000, Content_Type=kind)[0] in (403, 413, 429)
    for odd in (b"--x\r\n\r\n", b"\x00", b"RelayState=%ff%fe&SAMLResponse=%00"):
        assert victim.ask("POST", "/saml/acs", odd, Content_Type=kind)[0] in (400, 403, 429)
        form = "multipart/form-data; boundary=x"
        assert victim.ask("POST", "/saml/acs", odd, Content_Type=form)[0] in (400, 403, 429)
    assert victim.alive()
