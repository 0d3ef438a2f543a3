"""Whose JIRA account is whose: e-mail addresses by account, as JIRA was once asked for them.

JIRA Cloud hides the addresses of assignees, and a team file need not name accounts; what a look-up
by address found is remembered, so that loads and mentions know the person.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from redis.asyncio import Redis

from t5g.addresses import address_of
from t5g.keys import Keys
from t5g.team import Team


async def keep_account(redis: Redis, keys: Keys, email: str, account: str) -> None:
    """Remember the account that JIRA has for an address."""
    if email and account:
        await redis.hset(_name(keys), account, address_of(email))


async def known_accounts(redis: Redis, keys: Keys) -> dict[str, str]:
    """Return the addresses that are known, by account."""
    found: Any = await redis.hgetall(_name(keys))
    return {account.decode(): email.decode() for account, email in found.items()}


async def email_of(redis: Redis, keys: Keys, account: str) -> str:
    """Return the address of an account, or "" if it is not known."""
    raw: Any = await redis.hget(_name(keys), account) if account else None
    return raw.decode() if raw else ""


def with_accounts(team: Team, known: Mapping[str, str]) -> Team:
    """Return a team in which whoever has no account in the file has the one that is known."""
    by_email = {address_of(email): account for account, email in known.items()}
    members = tuple(
        member if member.jira else msgspec.structs.replace(
            member, jira=by_email.get(address_of(member.email), "") if member.email else ""
        )
        for member in team.members
    )  # fmt: skip
    return msgspec.structs.replace(team, members=members)


def _name(keys: Keys) -> str:
    return keys.named("jira", "accounts")
