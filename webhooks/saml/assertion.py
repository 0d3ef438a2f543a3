"""Reads an assertion whose signature the library accepted, and holds it to every rule.

Pure. Each rule names what goes wrong without it; all read the one signed assertion, never text
beside it. The library's own strict rules measure time by a clock that knows no setting of ours;
all of them stand here (or, of the shape, in `webhooks.saml.message`) and it is asked for
signatures only.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from t5g.errors import RefusedError
from webhooks.saml.message import NAMES

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
LONGEST = 1_000
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
MOST_GROUPS = 2_000


class AssertionRefusedError(RefusedError):
    """The assertion is not for us, not now, or not the answer to our question."""


class Expected(Struct, frozen=True, kw_only=True):
    """What a message must say; `skew` in seconds. `request`: what it answers."""

    issuer: str
    audience: str
    destination: str
    skew: float
    request: str = ""


class Reading(Struct, frozen=True, kw_only=True):
    """The names of the attributes to read."""

    email: tuple[str, ...]
    name: tuple[str, ...]
    groups: tuple[str, ...]


class Assertion(Struct, frozen=True, kw_only=True):
    """Who logged in. `until`: when the assertion ends, in seconds since the epoch.

    `naming`: Format, NameQualifier and SPNameQualifier of the NameID, which a logout has to repeat
    (SAML core 2.0, 3.7.3.2: a name is matched together with them).
    """

    id: str
    person: str
    until: float
    naming: tuple[str, str, str] = ("", "", "")
    index: str = ""
    email: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()


def read_assertion(xml: str, expected: Expected, reading: Reading, now: float) -> Assertion:
    """Return who logged in. Raises AssertionRefusedError."""
    response = OneLogin_Saml2_XML.to_etree(xml)
    _check_response(response, expected)
    assertion = _only_one(response.findall("saml:Assertion", NAMES), "assertion")
    _check_signed(assertion)
    check_issuer(assertion, expected)
    until = _check_conditions(assertion, expected, now)
    until = min(until, _check_subject(assertion, expected, now))
    attributes = _attributes(assertion)
    person, naming = read_name(assertion.findall("saml:Subject/saml:NameID", NAMES), expected)
    return Assertion(
        id=assertion.get("ID", ""),
        person=person,
        naming=naming,
        until=until,
        index=_session_index(assertion, now, expected.skew),
        email=_first(attributes, reading.email),
        name=_first(attributes, reading.name),
        groups=tuple(x for name in reading.groups for x in attributes.get(name, ()))[:MOST_GROUPS],
    )


def read_name(found: Sequence[Any], expected: Expected) -> tuple[str, tuple[str, str, str]]:
    """Return the one NameID and what it is to be read with. Raises AssertionRefusedError."""
    element = _only_one(found, "NameID")
    naming = tuple(element.get(x, "") for x in ("Format", "NameQualifier", "SPNameQualifier"))
    if not (text := _text(element)):
        raise AssertionRefusedError("the NameID is empty")
    if naming[2] not in ("", expected.audience):
        raise AssertionRefusedError("the NameID is for another service provider")
    return text, (naming[0][:LONGEST], naming[1][:LONGEST], naming[2])


def check_message(message: Any, name: str, expected: Expected) -> None:
    """Hold the outermost element to what all messages must be. Raises AssertionRefusedError.

    The library takes a longer Destination, and none at all.
    """
    if message.tag != f"{{{NAMES['samlp']}}}{name}" or message.get("Version") != "2.0":
        raise AssertionRefusedError(f"it is no {name} of SAML 2.0")
    if not message.get("ID"):
        raise AssertionRefusedError("it has no ID")
    if message.get("Destination") != expected.destination:
        raise AssertionRefusedError("the Destination is not our address")


def _check_response(response: Any, expected: Expected) -> None:
    """The library takes answers to nobody's question, and a status that is empty."""
    check_message(response, "Response", expected)
    code = _only_one(response.findall("samlp:Status/samlp:StatusCode", NAMES), "status")
    if code.get("Value") != SUCCESS:
        raise AssertionRefusedError("the status is not Success")
    if response.findall("saml:Issuer", NAMES):
        check_issuer(response, expected)
    if response.get("InResponseTo") != expected.request:
        raise AssertionRefusedError("it does not answer our request")


def _check_signed(assertion: Any) -> None:
    """The signature must stand in the assertion itself and be about it."""
    signature = _only_one(assertion.findall("ds:Signature", NAMES), "signature")
    reference = _only_one(signature.findall("ds:SignedInfo/ds:Reference", NAMES), "reference")
    if reference.get("URI") != f"#{assertion.get('ID')}":
        raise AssertionRefusedError("the signature is not about the assertion")


def check_issuer(message: Any, expected: Expected) -> None:
    """Raise AssertionRefusedError if the identity provider is another one."""
    issuer = _only_one(message.findall("saml:Issuer", NAMES), "issuer")
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
    if begin is not None and seconds_of(begin) > now + skew:
        raise AssertionRefusedError("it is not valid yet: is a clock wrong?")


def _check_not_over(element: Any, now: float, skew: float, what: str) -> float:
    end = element.get("NotOnOrAfter")
    if end is None:
        raise AssertionRefusedError(f"{what} never end")
    seconds = seconds_of(end)
    if seconds <= now - skew:
        raise AssertionRefusedError(f"{what} are over: is a clock wrong?")
    return seconds


def _session_index(assertion: Any, now: float, skew: float) -> str:
    statement = _only_one(assertion.findall("saml:AuthnStatement", NAMES), "statement of a login")
    end = statement.get("SessionNotOnOrAfter")
    if end is not None and seconds_of(end) <= now - skew:
        raise AssertionRefusedError("the login there is over")
    return str(statement.get("SessionIndex") or "")[:LONGEST]


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


def seconds_of(text: str) -> float:
    """Return a time as seconds since the epoch. Raises AssertionRefusedError."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise AssertionRefusedError("a time in it is not readable") from error
    if moment.tzinfo is None:
        raise AssertionRefusedError("a time in it has no zone")
    return moment.timestamp()
