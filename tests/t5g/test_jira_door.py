"""Who is let in: signatures (several secrets), secrets in the address, networks, types."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.jira_door import (
    CLOSED,
    WRONG_NETWORK,
    WRONG_SIGNATURE,
    WRONG_TYPE,
    Door,
    Refusal,
    check_sender,
    check_type,
    claimed_proof,
    networks_of,
    sign,
    source_address,
)

BODY = b"Hello World!"


def check_proof(
    door: Door, body: bytes, *, signature: str | None, given: str | None
) -> Refusal | None:
    """Check the head of a request, and then its body, which comes in parts."""
    proof = claimed_proof(door, signature=signature, given=given)
    if isinstance(proof, Refusal):
        return proof
    for part in (body[:1], body[1:]):
        proof.feed(part)
    return proof.check()


DOOR = Door(signing=(b"old-not-secret", b"new-not-secret"), address=(b"in-the-address",))


def test_the_official_vector_of_the_signature() -> None:
    # developer.atlassian.com, "Secure admin webhooks"
    expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert sign(BODY, "It's a Secret to Everybody") == expected


@pytest.mark.parametrize("secret", ["old-not-secret", "new-not-secret"])
def test_each_secret_is_accepted_while_rotating(secret: str) -> None:
    assert check_proof(DOOR, BODY, signature=sign(BODY, secret), given=None) is None


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        sign(BODY, "other"),
        sign(b"other body", "old-not-secret"),
        sign(BODY, "old-not-secret").replace("sha256", "sha1"),
        sign(BODY, "old-not-secret")[len("sha256=") :],
        sign(BODY, "old-not-secret") + "00",
        "sha256=" + "é" * 64,
        "sha256=" + "٣" * 64,
    ],
)
def test_a_wrong_or_missing_signature_is_refused(signature: str | None) -> None:
    assert check_proof(DOOR, BODY, signature=signature, given=None) is WRONG_SIGNATURE


def test_a_secret_in_the_address_opens_for_those_who_can_not_sign() -> None:
    assert check_proof(DOOR, BODY, signature=None, given="in-the-address") is None
    assert check_proof(DOOR, BODY, signature=None, given="in-the-addres") is WRONG_SIGNATURE
    assert check_proof(DOOR, BODY, signature=None, given="") is WRONG_SIGNATURE


def test_a_signing_secret_in_the_address_opens_nothing() -> None:
    assert check_proof(DOOR, BODY, signature=None, given="new-not-secret") is WRONG_SIGNATURE


def test_a_wrong_signature_is_not_saved_by_the_address() -> None:
    wrong = sign(BODY, "other")
    assert check_proof(DOOR, BODY, signature=wrong, given="in-the-address") is WRONG_SIGNATURE


def test_without_any_secret_the_door_is_closed_so_that_jira_tries_again() -> None:
    assert check_proof(Door(), BODY, signature=sign(BODY, ""), given="") is CLOSED
    assert CLOSED.status == 503


@given(st.binary(), st.text(), st.text())
def test_no_signature_or_address_of_any_kind_raises(
    body: bytes, signature: str, given_: str
) -> None:
    assert check_proof(DOOR, body, signature=signature, given=given_) is WRONG_SIGNATURE


@pytest.mark.parametrize(
    ("content_type", "fine"),
    [
        ("application/json", True),
        ("application/json; charset=UTF-8", True),
        ("Application/JSON;charset=utf-8", True),
        ("", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("application/jsonp", False),
    ],
)
def test_only_json_is_taken(content_type: str, fine: bool) -> None:
    assert check_type(content_type) is (None if fine else WRONG_TYPE)


ATLASSIAN = Door(
    networks=networks_of("104.192.136.0/21, 2401:1d80:3000::/36"), proxies=networks_of("10.0.0.0/8")
)


@pytest.mark.parametrize(
    ("facts", "fine"),
    [
        ({"peer": "104.192.140.1"}, True),
        ({"peer": "2401:1d80:3000::7"}, True),
        ({"peer": "::ffff:104.192.140.1"}, True),
        ({"peer": "8.8.8.8"}, False),
        ({"peer": None}, False),
        ({"peer": "nonsense"}, False),
        ({"peer": "10.1.2.3", "forwarded": "104.192.140.1"}, True),
        ({"peer": "10.1.2.3", "forwarded": "8.8.8.8"}, False),
        ({"peer": "10.1.2.3", "forwarded": "104.192.140.1, 8.8.8.8"}, False),
        ({"peer": "10.1.2.3", "forwarded": "8.8.8.8, 104.192.140.1, 10.9.9.9"}, True),
        ({"peer": "8.8.8.8", "forwarded": "104.192.140.1"}, False),
        ({"peer": "10.1.2.3"}, False),
    ],
)
def test_only_allowed_networks_may_send(facts: dict[str, Any], fine: bool) -> None:
    assert check_sender(ATLASSIAN, **facts) is (None if fine else WRONG_NETWORK)


def test_without_a_list_every_network_may_send() -> None:
    assert check_sender(Door(), peer="8.8.8.8") is None


def test_a_forged_hop_before_our_proxy_is_not_believed() -> None:
    proxies = (ip_network("10.0.0.0/8"),)
    assert source_address("10.0.0.1", "1.1.1.1, 2.2.2.2, 10.0.0.9", proxies) == "2.2.2.2"


@pytest.mark.parametrize("odd", ["\udcff\udcfe", "unknown", "[", "1.1.1.1:80", "", "\u0663.1.1.1"])
def test_what_is_no_address_ends_what_is_believed_of_the_hops(odd: str) -> None:
    proxies = networks_of("10.0.0.0/8")
    found = source_address("10.0.0.1", f"1.1.1.1, {odd}, 10.0.0.9" if odd else "", proxies)
    assert found == ("10.0.0.9" if odd else "10.0.0.1")
