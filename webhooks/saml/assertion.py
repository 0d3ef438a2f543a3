"""Reads an assertion whose signature the library accepted, and checks what it does not check.

Pure. Each rule names what goes wrong without it; all read the one signed assertion, never text
beside it.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from t5g.errors import RefusedError

NAMES = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
LONGEST = 1_000
_DECLARATION = re.compile(
    r"""\A\ufeff?\s*<\?xml\s+version=["']1\.0["'](\s+encoding=["']utf-8["'])?[^<>?]*\?>""",
    re.IGNORECASE,
)
MOST_GROUPS = 2_000


class AssertionRefusedError(RefusedError):
    """The assertion is not for us, not now, or not the answer to our question."""


class Expected(Struct, frozen=True, kw_only=True):
    """What an assertion must say; `skew` in seconds."""

    issuer: str
    audience: str
    destination: str
    request: str
    skew: float


class Reading(Struct, frozen=True, kw_only=True):
    """The names of the attributes to read."""

    email: tuple[str, ...]
    name: tuple[str, ...]
    groups: tuple[str, ...]


class Assertion(Struct, frozen=True, kw_only=True):
    """Who logged in. `until`: when the assertion ends, in seconds since the epoch."""

    id: str
    person: str
    until: float
    index: str = ""
    email: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()


def check_plain(posted: str) -> None:
    """Refuse what readers of XML read differently: comments, CDATA, instructions, other encodings.

    The library drops comments before it checks the signature, so they can be seen here only.
    `posted`: the response in base64. Raises AssertionRefusedError.
    """
    try:
        text = base64.b64decode(posted, validate=True).decode("utf-8")
    except ValueError as error:
        raise AssertionRefusedError("it is no UTF-8 in base64") from error
    rest = _DECLARATION.sub("", text, count=1)
    if "<!" in rest or "<?" in rest or "\0" in rest:
        raise AssertionRefusedError("it holds comments or instructions")


def read_assertion(xml: str, expected: Expected, reading: Reading, now: float) -> Assertion:
    """Return who logged in. Raises AssertionRefusedError."""
    response = OneLogin_Saml2_XML.to_etree(xml)
    _check_response(response, expected)
    assertion = _only_one(response.findall("saml:Assertion", NAMES), "assertion")
    _check_signed(assertion)
    _check_issuer(assertion, expected)
    until = _check_conditions(assertion, expected, now)
    until = min(until, _check_subject(assertion, expected, now))
    attributes = _attributes(assertion)
    person = _text(_only_one(assertion.findall("saml:Subject/saml:NameID", NAMES), "NameID"))
    if not person:
        raise AssertionRefusedError("the NameID is empty")
    return Assertion(
        id=assertion.get("ID", ""),
        person=person,
        until=until,
        index=_session_index(assertion, now, expected.skew),
        email=_first(attributes, reading.email),
        name=_first(attributes, reading.name),
        groups=tuple(x for name in reading.groups for x in attributes.get(name, ()))[:MOST_GROUPS],
    )


def _check_response(response: Any, expected: Expected) -> None:
    """The library takes a longer Destination, none at all, and answers to nobody's question."""
    if response.get("Destination") != expected.destination:
        raise AssertionRefusedError("the Destination is not our address")
    if response.get("InResponseTo") != expected.request:
        raise AssertionRefusedError("it does not answer our request")


def _check_signed(assertion: Any) -> None:
    """The signature must stand in the assertion itself and be about it."""
    signature = _only_one(assertion.findall("ds:Signature", NAMES), "signature")
    reference = _only_one(signature.findall("ds:SignedInfo/ds:Reference", NAMES), "reference")
    if reference.get("URI") != f"#{assertion.get('ID')}":
        raise AssertionRefusedError("the signature is not about the assertion")


def _check_issuer(assertion: Any, expected: Expected) -> None:
    issuer = _only_one(assertion.findall("saml:Issuer", NAMES), "issuer")
    if _text(issuer) != expected.issuer:
        raise AssertionRefusedError("the issuer is another one")


def _check_conditions(assertion: Any, expected: Expected, now: float) -> float:
    """The library takes an assertion without audience, and clocks that are five minutes off."""
    conditions = _only_one(assertion.findall("saml:Conditions", NAMES), "conditions")
    restrictions = conditions.findall("saml:AudienceRestriction", NAMES)
    if not restrictions:
        raise AssertionRefusedError("it names no audience")
    for restriction in restrictions:
        if expected.audience not in map(_text, restriction.findall("saml:Audience", NAMES)):
            raise AssertionRefusedError("the audience is another one")
    _check_begun(conditions, now, expected.skew)
    return _check_not_over(conditions, now, expected.skew, "the conditions")


def _check_subject(assertion: Any, expected: Expected, now: float) -> float:
    """Return when the confirmation that is for us ends."""
    reason = "there is no confirmation for us"
    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", NAMES):
        data = confirmation.find("saml:SubjectConfirmationData", NAMES)
        if confirmation.get("Method") != BEARER or data is None:
            continue
        if data.get("Recipient") != expected.destination:
            reason = "the Recipient is not our address"
        elif data.get("InResponseTo") != expected.request:
            reason = "the confirmation does not answer our request"
        else:
            _check_begun(data, now, expected.skew)
            return _check_not_over(data, now, expected.skew, "the confirmation")
    raise AssertionRefusedError(reason)


def _check_begun(element: Any, now: float, skew: float) -> None:
    begin = element.get("NotBefore")
    if begin is not None and _seconds(begin) > now + skew:
        raise AssertionRefusedError("it is not valid yet: is a clock wrong?")


def _check_not_over(element: Any, now: float, skew: float, what: str) -> float:
    end = element.get("NotOnOrAfter")
    if end is None:
        raise AssertionRefusedError(f"{what} never end")
    seconds = _seconds(end)
    if seconds <= now - skew:
        raise AssertionRefusedError(f"{what} are over: is a clock wrong?")
    return seconds


def _session_index(assertion: Any, now: float, skew: float) -> str:
    for statement in assertion.findall("saml:AuthnStatement", NAMES):
        end = statement.get("SessionNotOnOrAfter")
        if end is not None and _seconds(end) <= now - skew:
            raise AssertionRefusedError("the login there is over")
        return str(statement.get("SessionIndex") or "")[:LONGEST]
    return ""


def _attributes(assertion: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", NAMES):
        values = [_text(value) for value in attribute.findall("saml:AttributeValue", NAMES)]
        found.setdefault(str(attribute.get("Name")), []).extend(x for x in values if x)
    return found


def _first(attributes: dict[str, list[str]], names: Iterable[str]) -> str:
    return next((attributes[name][0] for name in names if attributes.get(name)), "")


def _only_one(elements: Sequence[Any], what: str) -> Any:
    if len(elements) != 1:
        raise AssertionRefusedError(f"there is not exactly one {what} but {len(elements)}")
    return elements[0]


def _text(element: Any) -> str:
    return (element.text or "").strip()[:LONGEST] if not len(element) else ""


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise AssertionRefusedError("a time in it is not readable") from error
    if moment.tzinfo is None:
        raise AssertionRefusedError("a time in it has no zone")
    return moment.timestamp()
