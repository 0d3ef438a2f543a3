"""E-mail addresses as identities: which two texts are the same address.

The only place that decides it: the team file, roles, logins, Slack, JIRA and the command line ask
here. What two people could own separately is never made equal.
"""

import idna


def address_of(text: str) -> str:
    """Return the one form of an address: two texts are the same address if these are equal.

    Only the letters A–Z are made small; all else of the part before the last `@` stays as it is
    (RFC 5321 section 2.4: only the receiving host may interpret it), because case folding makes
    `boſs@` of somebody the `boss@` of somebody else. A domain with other letters becomes its ASCII
    form by IDNA 2008, which keeps `ß` and `ss` apart; one that is no domain name stays as written.
    """
    local, at, domain = text.strip().rpartition("@")
    small, domain = (local + at).translate(_SMALL), domain.translate(_SMALL)
    return small + (_ascii_domain(domain) if at else domain)


def same_address(one: str, other: str) -> bool:
    """Return whether two texts are the same address; what is empty is nobody's."""
    return bool(one.strip()) and address_of(one) == address_of(other)


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode("".join(map(_small_beyond_ascii, domain)), strict=True).decode()
    except (idna.IDNAError, UnicodeError):
        return domain


def _small_beyond_ascii(char: str) -> str:
    """Return the small form of a letter, unless that would be one of a–z (the sign for kelvin)."""
    small = char.lower()
    return char if small.isascii() else small


_SMALL = {ord(char): ord(char.lower()) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
