"""The query of a logout is taken apart once, as it was sent; what it asks is held to the rules."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from t5g.errors import RefusedError
from tests import wall_clock
from tests.webhooks.saml.identity import ENTITY, IdentityProvider, Logout
from webhooks.saml.assertion import Expected
from webhooks.saml.logout import LASTS, MOST_INDEXES, read_logout, read_query, unpack_request
from webhooks.saml.message import MessageRefusedError, parse

SP = "https://page.test/saml/logout"
EXPECTED = Expected(
    issuer=ENTITY, audience="https://page.test/saml/metadata", destination=SP, skew=60
)
QUERY = IdentityProvider().logout_url(SP, "ann").partition("?")[2]
ALGORITHM = quote("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", safe="")


def test_the_signed_text_is_what_was_sent_in_the_order_of_the_standard() -> None:
    query = read_query(f"Signature=eA%3d%3d&SigAlg={ALGORITHM}&RelayState=%c3%BC&SAMLRequest=a%2Fb")
    assert query.text == f"SAMLRequest=a%2Fb&RelayState=%c3%BC&SigAlg={ALGORITHM}"
    assert (query.values["SAMLRequest"], query.values["RelayState"]) == ("a/b", "ü")
    assert "RelayState" not in read_query(QUERY.replace("RelayState=x&", "")).values


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SAMLRequest=a",
        QUERY + "&",
        QUERY + "&x=y",
        QUERY + "&SAMLRequest=a",
        QUERY + "&%53AMLRequest=a",
        QUERY + "&samlrequest=a",
        QUERY + "&SAMLResponse=a",
        QUERY.replace("SAMLRequest", "SAMLReques%74"),
        QUERY.replace("RelayState=x", "RelayState=x+y"),
        QUERY.replace("RelayState=x", "RelayState=%ff"),
        QUERY.replace("rsa-sha256", "hmac-sha256"),
        re.sub("Signature=[^&]*", "Signature=eA%3D%3Dx", QUERY),
    ],
)
def test_a_query_that_could_be_read_in_two_ways_is_refused(query: str) -> None:
    with pytest.raises(MessageRefusedError):
        read_query(query)


def test_what_is_packed_is_one_request_and_not_long() -> None:
    idp = IdentityProvider()
    for xml in ("<a>" + " " * 70_000 + "</a>", "", "a"):
        query = read_query(idp.redirect(SP, "SAMLRequest", xml).partition("?")[2])
        with pytest.raises(MessageRefusedError):
            unpack_request(query)
    whole = read_query(idp.redirect(SP, "SAMLRequest", Logout(SP).xml()).partition("?")[2])
    assert unpack_request(whole).get("Destination") == SP


def read(asked: Logout, now: float) -> Any:
    return read_logout(parse(asked.xml().encode()), EXPECTED, now)


def test_a_request_says_who_and_which_logins() -> None:
    now = wall_clock.seconds()
    found = read(Logout(SP, "ann", "_one", id="_x"), now)
    assert (found.id, found.person, found.indexes) == ("_x", "ann", ("_one",))
    assert abs(found.until - now - LASTS - 60) < 30
    assert read(Logout(SP), now).indexes == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "https://other.test/"}, "the issuer is another one"),
        ({"issuer": None}, "exactly one issuer but 0"),
        ({"destination": None}, "the Destination is not our address"),
        ({"destination": SP + "/"}, "the Destination is not our address"),
        ({"until": -90}, "the request is over"),
        ({"made": -400, "until": None}, "was not made just now"),
        ({"made": 90}, "was not made just now"),
        ({"name": "<saml:NameID/>"}, "the NameID is empty"),
        ({"name": "<saml:NameID SPNameQualifier='x'>a</saml:NameID>"}, "another service provider"),
        ({"index": f"x</samlp:SessionIndex>{'<samlp:SessionIndex/>' * MOST_INDEXES}"
          "<samlp:SessionIndex>"}, "too many logins"),
    ],
)  # fmt: skip
def test_a_request_has_the_checks_of_a_login(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        read(Logout(SP, **changes), wall_clock.seconds())


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01T00:00:00"])
def test_a_request_without_a_moment_is_refused(text: str) -> None:
    xml = re.sub('IssueInstant="[^"]*"', f'IssueInstant="{text}"', Logout(SP).xml())
    with pytest.raises(RefusedError, match="a time in it"):
        read_logout(parse(xml.encode()), EXPECTED, wall_clock.seconds())


def test_clocks_may_be_off_by_the_skew() -> None:
    now = wall_clock.seconds()
    assert read(Logout(SP, made=50, until=-50), now).person == "ann"
    assert read(Logout(SP, made=-350), now).person == "ann"
