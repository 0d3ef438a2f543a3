"""Our own reading of an assertion, without the library in front of it: each rule holds by itself.

The library refuses most of these before they come here; what it takes in its next version is no
reason to take it.
"""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests import wall_clock
from tests.webhooks.saml.identity import ENTITY, Claim, IdentityProvider, moment
from webhooks.saml.assertion import (
    LONGEST,
    MOST_GROUPS,
    SUCCESS,
    Assertion,
    AssertionRefusedError,
    Expected,
    Reading,
    read_assertion,
)

ACS, AUDIENCE, REQUEST = "https://page.test/saml/acs", "https://page.test/saml/metadata", "_asked"
EXPECTED = Expected(issuer=ENTITY, audience=AUDIENCE, destination=ACS, request=REQUEST, skew=60)
READING = Reading(email=("email", "mail"), name=("displayName",), groups=("memberOf", "roles"))
CLAIM = Claim(REQUEST, ACS, AUDIENCE, id="_one")
#: The place of a signature: whether it is good is for the library to say.
SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    '<ds:Reference URI="#_one"/></ds:SignedInfo></ds:Signature>'
)


class Unsigned(IdentityProvider):
    """An identity provider without a key: it makes texts only."""

    def __init__(self) -> None:
        self.entity = ENTITY


IDP = Unsigned()


def response(claim: Claim = CLAIM) -> str:
    marked = IDP.assertion(claim).replace("</saml:Issuer>", "</saml:Issuer>" + SIGNATURE, 1)
    return IDP.envelope(claim, marked)


def read(xml: str, now: float = 0) -> Assertion:
    return read_assertion(xml, EXPECTED, READING, now or wall_clock.seconds())


def refused(xml: str, why: str) -> None:
    with pytest.raises(AssertionRefusedError, match=re.escape(why)):
        read(xml)


def test_a_good_assertion_says_who_it_is() -> None:
    found = read(response())
    assert (found.id, found.person, found.index) == ("_one", "ann", "_login-1")
    assert (found.email, found.name) == ("ann@example.com", "Ann Müller")
    assert found.groups == ("everybody", "t5g-engineers")
    assert abs(found.until - wall_clock.seconds() - 300) < 30


def test_it_ends_when_the_first_of_its_parts_does() -> None:
    now = wall_clock.seconds()
    for claim in (replace(CLAIM, until=100), replace(CLAIM, confirmed_until=100)):
        assert abs(read(response(claim)).until - now - 100) < 30


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"destination": "https://other.test/"}, "the Destination is not our address"),
        ({"destination": None}, "the Destination is not our address"),
        ({"response_request": "_other"}, "it does not answer our request"),
        ({"issuer": "https://other.test/"}, "the issuer is another one"),
        ({"audience": None}, "it names no audience"),
        ({"audience": "https://other.test/"}, "the audience is another one"),
        ({"until": -90}, "the conditions are over"),
        ({"until": None}, "the conditions never end"),
        ({"confirmed_until": -90}, "the confirmation are over"),
        ({"confirmed_until": None}, "the confirmation never end"),
        ({"not_before": 90}, "it is not valid yet"),
        ({"recipient": "https://other.test/"}, "the Recipient is not our address"),
        ({"request": "_other", "response_request": REQUEST},
         "the confirmation does not answer our request"),
        ({"session_until": -90}, "the login there is over"),
        ({"name_id": " "}, "the NameID is empty"),
    ],
)  # fmt: skip
def test_what_is_not_for_us_or_not_now_is_refused(changes: dict[str, Any], why: str) -> None:
    refused(response(replace(CLAIM, **changes)), why)


def test_clocks_may_be_off_by_the_skew_and_no_more() -> None:
    xml = response(replace(CLAIM, session_until=300))
    end = read(xml).until
    assert read(xml, end + 59).person == "ann"
    with pytest.raises(AssertionRefusedError):
        read(xml, end + 60)
    begin = response(replace(CLAIM, not_before=0))
    assert read(begin, wall_clock.seconds() - 55).person == "ann"
    with pytest.raises(AssertionRefusedError):
        read(begin, wall_clock.seconds() - 65)


BEARER = 'Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"'
DATA = re.compile(r"<saml:SubjectConfirmationData[^>]*/>")
STATEMENT = re.compile(r"<saml:AuthnStatement.*</saml:AuthnStatement>")
CONFIRMATION = re.compile(r"<saml:SubjectConfirmation .*</saml:SubjectConfirmation>")


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("no signature", lambda x: x.replace(SIGNATURE, ""), "exactly one signature but 0"),
        ("two signatures", lambda x: x.replace(SIGNATURE, 2 * SIGNATURE),
         "exactly one signature but 2"),
        ("a signature about another", lambda x: x.replace('URI="#_one"', 'URI="#_two"'),
         "the signature is not about the assertion"),
        ("a signature about everything", lambda x: x.replace('URI="#_one"', 'URI=""'),
         "the signature is not about the assertion"),
        ("two assertions", lambda x: x.replace("</samlp:Response>",
         IDP.assertion(CLAIM) + "</samlp:Response>"), "exactly one assertion but 2"),
        ("another audience beside ours", lambda x: x.replace("</saml:Conditions>",
         "<saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>"
         "</saml:Conditions>"), "the audience is another one"),
        ("no confirmation", lambda x: CONFIRMATION.sub("", x), "no confirmation for us"),
        ("a confirmation of another kind", lambda x: x.replace(BEARER, 'Method="urn:key"'),
         "no confirmation for us"),
        ("a confirmation of nothing", lambda x: DATA.sub("", x), "no confirmation for us"),
        ("a time that is none", lambda x: x.replace('NotBefore="', 'NotBefore="x'),
         "a time in it is not readable"),
        ("a time without a zone", lambda x: re.sub(r'(NotBefore="[^"]*)Z"', r'\1"', x),
         "a time in it has no zone"),
        ("no statement of a login", lambda x: STATEMENT.sub("", x),
         "exactly one statement of a login but 0"),
        ("an older version", lambda x: x.replace('Version="2.0"', 'Version="1.1"'),
         "it is no Response of SAML 2.0"),
        ("no id", lambda x: re.sub(r'(<samlp:Response [^>]*) ID="[^"]*"', r"\1", x, count=1),
         "it has no ID"),
        ("another issuer of the response", lambda x: x.replace(f">{ENTITY}<", ">x<", 1),
         "the issuer is another one"),
        ("an empty status", lambda x: x.replace(SUCCESS, ""), "the status is not Success"),
        ("two status codes", lambda x: x.replace("</samlp:Status>",
         '<samlp:StatusCode Value="x"/></samlp:Status>'), "exactly one status but 2"),
        ("a name for another", lambda x: x.replace("<saml:NameID>",
         '<saml:NameID SPNameQualifier="x">'), "the NameID is for another service provider"),
        ("a name in parts", lambda x: x.replace(">ann<", "><b>ann</b><"), "the NameID is empty"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_right_shape_is_refused(name: str, change: Any, why: str) -> None:
    changed = change(response())
    assert changed != response(), name
    refused(changed, why)


def test_one_good_confirmation_among_others_is_enough() -> None:
    other = f'<saml:SubjectConfirmation {BEARER}><saml:SubjectConfirmationData Recipient="x"/>'
    xml = response().replace(
        "<saml:SubjectConfirmation ",
        other + "</saml:SubjectConfirmation><saml:SubjectConfirmation ",
        1,
    )
    assert read(xml).person == "ann"


def test_a_login_without_an_index_has_none() -> None:
    assert read(response().replace(' SessionIndex="_login-1"', "")).index == ""
    assert read(response(replace(CLAIM, session_until=300))).index == "_login-1"


def test_the_first_attribute_that_says_something_counts() -> None:
    told = {"email": ["", " "], "mail": ["ann@example.com"], "roles": ["a"], "memberOf": ["b"]}
    found = read(response(replace(CLAIM, attributes=told)))
    assert (found.email, found.name, found.groups) == ("ann@example.com", "", ("b", "a"))
    assert read(response(replace(CLAIM, attributes={}))).email == ""


def test_values_beyond_all_measure_are_cut() -> None:
    told = {"mail": ["x" * 5_000], "memberOf": [f"g{n}" for n in range(3_000)]}
    found = read(response(replace(CLAIM, attributes=told, index="i" * 5_000)))
    assert (len(found.email), len(found.index), len(found.groups)) == (
        LONGEST, LONGEST, MOST_GROUPS,
    )  # fmt: skip


def test_a_moment_with_an_offset_is_a_moment() -> None:
    end = moment(300)
    shifted = response().replace(f'NotOnOrAfter="{end}"', f'NotOnOrAfter="{end[:-1]}+00:00"')
    assert read(shifted).person == "ann"
