"""Who may hand in events of JIRA: signatures, secrets in the address, networks. Pure.

JIRA Cloud and Data Center 10 sign the raw body (`X-Hub-Signature: sha256=…`); older Data Centers
can not, and prove themselves by a secret in the address. There is no time in the signature, so a
replay is recognised by the body's hash (`t5g.jira_events.delivery_of`), not here.
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from msgspec import Struct

Network = IPv4Network | IPv6Network

MEDIA_TYPE = "application/json"
#: JIRA Cloud sends bodies of up to 25 MB.
BODY_LIMIT = 25 * 1024 * 1024

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a request is no event of ours: the status to answer, a word for metrics, a sentence."""

    status: int
    reason: str
    message: str


class Door(Struct, frozen=True, kw_only=True):
    """What opens it. Several secrets are accepted at once, so that they can be rotated."""

    signing: tuple[bytes, ...] = ()
    address: tuple[bytes, ...] = ()
    networks: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()


CLOSED = Refusal(
    status=503,
    reason="no_secret",
    message="No webhook secret is set here: the operator must set T5G_JIRA_WEBHOOK_SECRET.",
)
WRONG_SIGNATURE = Refusal(
    status=401, reason="signature", message="The signature is missing or wrong."
)
WRONG_NETWORK = Refusal(
    status=403, reason="network", message="Events are not taken from this network."
)
WRONG_TYPE = Refusal(
    status=415, reason="content_type", message=f"The content type must be {MEDIA_TYPE}."
)


def check_sender(door: Door, *, peer: str | None, forwarded: str = "") -> Refusal | None:
    """Check the address a request comes from, before its body is read.

    `forwarded`: X-Forwarded-For, believed only as far as our own proxies wrote it.
    """
    if not door.networks:
        return None
    source = source_address(peer, forwarded, door.proxies)
    return None if within(source, door.networks) else WRONG_NETWORK


def check_type(content_type: str) -> Refusal | None:
    """Check the media type, before the body is read."""
    found = content_type.partition(";")[0].strip().lower()
    return None if found == MEDIA_TYPE else WRONG_TYPE


class Proof:
    """What a sender claims before the body, and whether the body, fed as it comes, bears it out."""

    def __init__(self, door: Door, claimed: bytes | None) -> None:
        self._claimed = claimed
        secrets = door.signing if claimed is not None else ()
        self._macs = [hmac.new(secret, digestmod=sha256) for secret in secrets]

    @property
    def of_the_address(self) -> bool:
        """Say whether the address has proved enough, whatever the body is."""
        return self._claimed is None

    def feed(self, part: bytes) -> None:
        """Take the next part of the body."""
        for mac in self._macs:
            mac.update(part)

    def check(self) -> Refusal | None:
        """Check what was fed. Every secret is tried: the time does not tell which it was."""
        if self._claimed is None:
            return None
        matches = [hmac.compare_digest(mac.digest(), self._claimed) for mac in self._macs]
        return None if any(matches) else WRONG_SIGNATURE


def claimed_proof(door: Door, *, signature: str | None, given: str | None) -> Proof | Refusal:
    """Check what the head of a request claims: a signature, or the secret in the address.

    A signature that is there must be right, whatever the address says.
    """
    if not door.signing and not door.address:
        return CLOSED
    if signature is not None and door.signing:
        found = _SIGNATURE.fullmatch(signature.strip())
        return Proof(door, bytes.fromhex(found[1])) if found else WRONG_SIGNATURE
    if given is not None and same_secret(given, door.address):
        return Proof(door, None)
    return WRONG_SIGNATURE


def sign(body: bytes, secret: str | bytes) -> str:
    """Return the `X-Hub-Signature` of a body."""
    key = secret.encode() if isinstance(secret, str) else secret
    return "sha256=" + hmac.digest(key, body, "sha256").hex()


def same_secret(given: str, secrets: Iterable[bytes]) -> bool:
    """Say whether `given` is one of `secrets`, without telling by time how near it came."""
    theirs = sha256(given.encode("utf-8", "surrogateescape")).digest()
    matches = [hmac.compare_digest(sha256(ours).digest(), theirs) for ours in secrets]
    return any(matches)


def source_address(peer: str | None, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return the address of the sender: the last hop that is not one of our own proxies.

    What is no address was written by none of them, and ends what is believed.
    """
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    source = peer or ""
    while hops and within(source, proxies) and is_address(hops[-1]):
        source = hops.pop()
    return source


def is_address(text: str) -> bool:
    """Say whether a text is an address, in brackets or not."""
    try:
        ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return text.isascii()


def within(address: str, networks: Iterable[Network]) -> bool:
    """Say whether an address lies in one of the networks; what is no address does not."""
    try:
        found = ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in network for network in networks)


def networks_of(text: str) -> tuple[Network, ...]:
    """Read networks separated by blanks or commas; ValueError names the one that is none."""
    return tuple(ip_network(part, strict=False) for part in re.split(r"[\s,]+", text) if part)
