"""Whether a channel, or a person in their direct messages, may be shown cases: the one place.

All that goes to a channel is asked for here right before it is sent: answers shown to everybody,
shared cases, watches, digests, alerts, files, previews, replies in threads. A channel that people
of another company or guests are in, or are invited into, is shown nothing unless the operator
names it; so is one whose members the bot can not see.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.asker import Standing
from bot.people import NOT_NOW, People, Tenant
from bot.refusals import refusal
from t5g.errors import UnsureError

EXTERNAL = "people of another company are in it"
PENDING = "another company is invited into it"
GUESTS = "guests are in it"
UNSEEN = "channel_not_found (the bot can not see who is in it)"
CROWD = "it has more members than can be looked at"
NO_ROLE = "this person may not read cases (any more)"
#: Members of a channel that are looked at, one by one, and how many at a time.
MOST = 1_000
AT_ONCE = 5
#: Answers of Slack by which the bot can not see who is in a channel.
_UNSEEN = frozenset({
    "channel_not_found", "not_in_channel", "missing_scope", "method_not_supported_for_channel_type",
})  # fmt: skip
#: Who may be in a channel that is shown cases. Other apps are there by our own administrators.
_OURS = frozenset({Standing.MEMBER, Standing.APP, Standing.GONE})


class Room(Struct, frozen=True, kw_only=True):
    """What was found of a channel: why it may not know ("" if it may), whose direct messages."""

    why: str = ""
    person: str = ""


class Audience:
    """Looks at channels. `allowed`: those that the operator named."""

    def __init__(self, client: AsyncWebClient, people: People, allowed: frozenset[str]) -> None:
        self._client = client
        self._people = people
        self._allowed = allowed

    async def refusal(self, place: str, *, patience: float | None = None) -> str:
        """Return why a channel or person may not be shown cases, "" if they may.

        Raises UnsureError if Slack does not say (in time).
        """
        if place in self._allowed:
            return ""
        if place[:1] in "UW":
            return await self._refusal_of_person(place)
        room = await self._people.look(
            f"channel:{place}", lambda: self._room(place), Room, patience=patience
        )
        if room is None:
            return UNSEEN
        return await self._refusal_of_person(room.person) if room.person else room.why

    async def _refusal_of_person(self, user_id: str) -> str:
        asker = await self._people.asker(user_id)
        if asker.role is None and asker.unsure:
            raise UnsureError(NOT_NOW)
        return NO_ROLE if asker.role is None else ""

    async def _room(self, channel: str) -> Room:
        tenant = await self._people.tenant()
        try:
            found = await self._client.conversations_info(channel=channel, include_num_members=True)
            facts: Mapping[str, Any] = found.get("channel") or {}
            if facts.get("is_im"):
                return Room(person=str(facts.get("user") or ""), why=UNSEEN)
            if why := shared_with(facts, tenant):
                return Room(why=why)
            members = await self._members(channel)
        except SlackApiError as error:
            if refusal(error).why in _UNSEEN:
                return Room(why=UNSEEN)
            raise
        if members is None:
            return Room(why=CROWD)
        standings = await self._standings(members)
        if Standing.OUTSIDER in standings:
            return Room(why=EXTERNAL)
        return Room(why="" if standings <= _OURS else GUESTS)

    async def _members(self, channel: str) -> list[str] | None:
        """Return who is in a channel; None if they are too many."""
        members: dict[str, None] = {}
        cursor = ""
        for _ in range(MOST):
            found = await self._client.conversations_members(
                channel=channel, cursor=cursor, limit=MOST
            )
            before = len(members)
            members |= dict.fromkeys(map(str, found.get("members") or ()))
            cursor = str((found.get("response_metadata") or {}).get("next_cursor") or "")
            if len(members) > MOST:
                return None
            if not cursor:
                return list(members)
            if len(members) == before:
                break  # the same page again
        raise UnsureError(NOT_NOW)

    async def _standings(self, members: Iterable[str]) -> set[Standing]:
        """Return how the members stand to us. Raises UnsureError; who is known by then is kept."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def standing(user_id: str) -> Standing:
            async with turns:
                profile = await self._people.profile(user_id)
            return profile.standing if profile else Standing.UNKNOWN

        found = await asyncio.gather(*map(standing, members), return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return {one for one in found if isinstance(one, Standing)}


def shared_with(facts: Mapping[str, Any], tenant: Tenant) -> str:
    """Return why the channel of `conversations.info` may not know by whom it is shared with, or "".

    Besides Slack's flags the list of workspaces is read: one that is neither ours nor of our
    organisation is another company's, whatever the flags say.
    """
    if facts.get("is_ext_shared"):
        return EXTERNAL
    if facts.get("is_pending_ext_shared") or any(
        facts.get(key) for key in ("pending_shared", "pending_connected_team_ids")
    ):
        return PENDING
    ours = {tenant.team, tenant.enterprise}
    shared = set(_texts(facts.get("shared_team_ids")))
    if tenant.enterprise and facts.get("is_org_shared"):
        ours |= set(_texts(facts.get("internal_team_ids"))) or shared
    elif facts.get("is_shared") or facts.get("is_org_shared"):
        return EXTERNAL
    host = _texts([facts.get("conversation_host_id")])
    return EXTERNAL if {*shared, *host, *_texts(facts.get("connected_team_ids"))} - ours else ""


def _texts(value: Any) -> list[str]:
    return [x for x in value if isinstance(x, str) and x] if isinstance(value, list) else []
