"""Reads a logout that the identity provider asks for by redirect: what is verified is what is read.

The signature is about the text of the query as it was sent (SAML bindings 2.0, 3.4.4.1). So that
text is taken apart once, here, and nobody reads the query a second time in another way.
"""

import zlib
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from webhooks.saml.assertion import (
    LONGEST,
    AssertionRefusedError,
    Expected,
    check_issuer,
    check_message,
    read_name,
    seconds_of,
)
from webhooks.saml.message import (
    NAMES,
    RSA_SIGNATURES,
    MessageRefusedError,
    check_tree,
    parse,
    unpack_base64,
)

SIGNED = ("SAMLRequest", "RelayState", "SigAlg")
NEEDED = frozenset({"SAMLRequest", "SigAlg", "Signature"})
LARGEST = 64 * 1024
MOST_INDEXES = 100
#: Seconds for which a request is good after it was made, besides the skew.
LASTS = 300.0


class LogoutAsked(Struct, frozen=True):
    """The identity provider ends logins of a person; none in `indexes`: all of them.

    `until`: when the request is too old to be taken, in seconds since the epoch.
    """

    id: str
    person: str
    indexes: tuple[str, ...]
    until: float


class SignedQuery(Struct, frozen=True):
    """A query taken apart: its values by name, and the text that its signature is about."""

    values: dict[str, str]
    text: str


def read_query(raw: str) -> SignedQuery:
    """Take the query apart as it was sent. Raises MessageRefusedError.

    A name twice, written with percent signs, or not known here could be read otherwise elsewhere.
    """
    parts: dict[str, str] = {}
    for part in raw.split("&"):
        name, _, value = part.partition("=")
        if name not in SIGNED and name != "Signature":
            raise MessageRefusedError("the query has a parameter that does not belong to a logout")
        if name in parts:
            raise MessageRefusedError(f"the query has {name} twice")
        if "+" in value:
            raise MessageRefusedError(f"{name} is not encoded: a + could be a blank")
        parts[name] = value
    if missing := NEEDED - parts.keys():
        raise MessageRefusedError(f"the logout request is not signed: no {min(missing)}")
    try:
        values = {name: unquote(value, errors="strict") for name, value in parts.items()}
    except UnicodeDecodeError as error:
        raise MessageRefusedError("the query is no UTF-8") from error
    unpack_base64(values["Signature"])  # strictly: the library takes what stands behind it
    if values["SigAlg"] not in RSA_SIGNATURES:
        raise MessageRefusedError(f"an algorithm is not taken: {values['SigAlg']}")
    return SignedQuery(
        values, "&".join(f"{name}={parts[name]}" for name in SIGNED if name in parts)
    )


def unpack_request(query: SignedQuery) -> Any:
    """Return the root of the request in a query. Raises MessageRefusedError."""
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        raw = unpacking.decompress(unpack_base64(query.values["SAMLRequest"]), LARGEST)
    except zlib.error as error:
        raise MessageRefusedError("the request is not packed") from error
    if not unpacking.eof or unpacking.unused_data:
        raise MessageRefusedError("the request is not packed whole, or too long")
    root = parse(raw)
    check_tree(root)
    return root


def read_logout(request: Any, expected: Expected, now: float) -> LogoutAsked:
    """Return what a request asks, whose signature is good. Raises AssertionRefusedError.

    The same rules as for a login: from whom, for us, and now; the caller sees to once.
    """
    check_message(request, "LogoutRequest", expected)
    check_issuer(request, expected)
    until = seconds_of(request.get("IssueInstant", "")) + LASTS + expected.skew
    if now >= until or now < until - LASTS - 2 * expected.skew:
        raise AssertionRefusedError("the request was not made just now: is a clock wrong?")
    end = request.get("NotOnOrAfter")
    if end is not None and seconds_of(end) <= now - expected.skew:
        raise AssertionRefusedError("the request is over: is a clock wrong?")
    person, _ = read_name(request.findall("saml:NameID", NAMES), expected)
    indexes = request.findall("samlp:SessionIndex", NAMES)
    if len(indexes) > MOST_INDEXES:
        raise AssertionRefusedError("it names too many logins")
    named = tuple((index.text or "").strip()[:LONGEST] for index in indexes)
    return LogoutAsked(request.get("ID"), person, named, until)
