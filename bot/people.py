"""Who is who: Slack's people, their standing here, e-mail addresses and groups, and the team file.

Whoever is not a full member of our own workspace (or organisation) has no role, and who could not
be looked up has none yet: not knowing is an answer of its own (`UnsureError`). What Slack said is
believed for five minutes at most, and not at all once an event told of a change. Nobody waits long:
a look-up that takes longer goes on, and its answer is there for the next question.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp
import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.asker import Asker, Origin, Standing
from bot.refusals import refusal
from bot.tasks import Tasks
from t5g.accounts import email_of
from t5g.addresses import address_of, same_address
from t5g.errors import UnsureError
from t5g.keys import Keys
from t5g.logs import logger
from t5g.model import Person
from t5g.team import Me, Member, Team, TeamFile

log = logger(__name__)

T = TypeVar("T")

#: Seconds that an answer waits for Slack; Slack itself waits three for the answer.
PATIENCE = 1.5
#: Seconds for which what Slack said is believed, and after which it is asked again meanwhile.
LASTS = 300.0
FRESH = 150.0
LASTS_UNKNOWN = 60.0
#: The longest time that Slack can make us wait until it is asked again.
LONGEST_PAUSE = 60.0
#: Answers of Slack that mean "there is no such thing", as opposed to "ask again".
_NONE = frozenset({
    "users_not_found", "user_not_found", "no_such_subteam", "user_not_visible",
})  # fmt: skip
_FAILURES = (SlackClientError, aiohttp.ClientError, OSError, asyncio.TimeoutError)
NOT_NOW = (
    "Slack does not tell me just now who that is (it is slow, or asks me to wait), so nothing was "
    "shown or done. Try again in a moment."
)


class Tenant(Struct, frozen=True, kw_only=True):
    """Whose bot this is: the workspace, and the organisation of an Enterprise Grid ("" if none)."""

    team: str
    enterprise: str = ""

    def owns(self, team: str, enterprise: str = "") -> bool:
        """Return whether a workspace (or its organisation) is ours. Flags of Slack's say less."""
        if self.enterprise and self.enterprise in (enterprise, team):
            return True
        return bool(team) and team == self.team


class Profile(Struct, frozen=True, kw_only=True):
    """What Slack says of somebody. `email` is told of full members alone: others set their own."""

    id: str
    name: str = ""
    handle: str = ""
    email: str = ""
    zone: str = ""
    standing: Standing = Standing.UNKNOWN


class Kept(Struct, frozen=True, kw_only=True):
    """An answer of Slack as it is kept: when it was asked for, and after which told change."""

    asked: float
    turn: str
    found: msgspec.Raw


class _Told(Struct, frozen=True, kw_only=True):
    """What came of a look-up. `sure`: Slack gave an answer (`found` None: there is no such).

    `why`: Slack's word if it gave none.
    """

    sure: bool
    found: Any = None
    why: str = ""


class People:
    """Looks people up. One for each process; what they learn is shared by Redis."""

    def __init__(
        self,
        client: AsyncWebClient,
        team: TeamFile,
        redis: Redis,
        keys: Keys,
        tasks: Tasks,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._team = team
        self._redis = redis
        self._keys = keys
        self._tasks = tasks
        self._clock = clock
        self._tenant: Tenant | None = None
        self._asked: dict[str, asyncio.Task[_Told]] = {}
        self._paused: dict[str, float] = {}

    @property
    def team(self) -> Team:
        """The team as its file says now."""
        return self._team.read()

    async def asker(
        self, user_id: str, name: str = "", *, channel: str = "", origin: Origin = Origin.COMMAND
    ) -> Asker:
        """Return the person with the role they have now; never raises.

        Whoever is not a full member of our workspace has no role, whatever the team file says.
        """
        team = self.team
        profile, (groups, unsure) = await asyncio.gather(
            self._profile(user_id), self._groups_of(user_id, team.slack_groups)
        )
        if profile.standing is not Standing.MEMBER:
            return Asker(
                id=user_id,
                name=profile.name or name,
                role=None,
                standing=profile.standing,
                unsure=profile.standing is Standing.UNSURE,
                channel=channel,
                origin=origin,
            )
        member = team.by_slack(user_id) or team.by_email(profile.email)
        return Asker(
            id=user_id,
            name=member.name if member else profile.name or name,
            email=profile.email or (member.email if member else ""),
            me=Me.of(member, profile.email, profile.name, profile.handle),
            jira=member.jira if member else "",
            zone=profile.zone,
            role=team.role_of(slack=user_id, email=profile.email, slack_groups=groups),
            unsure=unsure,
            channel=channel,
            origin=origin,
        )

    async def _profile(self, user_id: str) -> Profile:
        try:
            return await self.profile(user_id) or Profile(id=user_id)
        except UnsureError:
            return Profile(id=user_id, standing=Standing.UNSURE)

    async def tenant(self) -> Tenant:
        """Return whose bot this is, as our own token says. Raises UnsureError."""
        if self._tenant is None:

            async def ask() -> Tenant:
                found = await self._client.auth_test()
                enterprise = str(found.get("enterprise_id") or "")
                return Tenant(team=str(found.get("team_id") or ""), enterprise=enterprise)

            self._tenant = await self._begun("tenant", ask)
        if self._tenant is None or not self._tenant.team:
            raise UnsureError(NOT_NOW)
        return self._tenant

    async def profile(self, user_id: str) -> Profile | None:
        """Return what Slack says of somebody, None if it knows nobody. Raises UnsureError."""

        async def ask() -> Profile:
            tenant = await self.tenant()
            found = await self._client.users_info(user=user_id)
            return profile_of(user_id, found.get("user") or {}, tenant)

        return await self.look(f"user:{user_id}", ask, Profile) if user_id else None

    async def slack_id(self, person: Person, *, sure: bool = False) -> str:
        """Return the Slack id of a JIRA user: by the team file, else by e-mail; "" if unknown.

        Raises UnsureError if it must be `sure` and Slack does not say now.
        """
        team = self.team
        email = person.email
        member = team.by_jira(person.account) or team.by_email(email)
        if member is None and not email:
            with suppress(RedisError):
                email = await email_of(self._redis, self._keys, person.account)
            member = team.by_email(email)
        if member and member.slack:
            return member.slack
        address = email or (member.email if member else "")
        return await self.id_of_email(address, sure=sure)

    async def slack_ids(self, persons: Iterable[Person]) -> dict[str, str]:
        """Return the Slack ids of JIRA users by their accounts, as far as they are known."""
        unique = {person.account: person for person in persons}
        found = await asyncio.gather(*(self.slack_id(person) for person in unique.values()))
        return {account: x for account, x in zip(unique, found, strict=True) if x}

    async def id_of_email(self, email: str, *, sure: bool = False) -> str:
        """Return the Slack id of the full member with exactly that address, or "".

        Raises UnsureError if it must be `sure` and Slack does not say now.
        """
        if not email:
            return ""

        async def ask() -> Profile:
            tenant = await self.tenant()
            found = await self._client.users_lookupByEmail(email=email)
            user = found.get("user") or {}
            return profile_of(str(user.get("id") or ""), user, tenant)

        try:
            profile = await self.look(f"email:{address_of(email)}", ask, Profile)
        except UnsureError:
            if sure:
                raise
            return ""
        return profile.id if profile and same_address(profile.email, email) else ""

    async def member(self, user_id: str) -> Member | None:
        """Return the member of the team behind a Slack id. Raises UnsureError."""
        team = self.team
        found = team.by_slack(user_id)
        if found is not None:
            return found
        profile = await self.profile(user_id)
        return team.by_email(profile.email) if profile else None

    async def changed(self, *names: str) -> None:
        """Believe nothing of `user:U…`, `group:S…` or `channel:C…` that was asked for before now.

        An answer that is on its way counts as asked for before.
        """
        pipe = self._redis.pipeline(transaction=True)
        for name in names:
            pipe.incr(self._turn(name))
            pipe.expire(self._turn(name), int(2 * LASTS))
            pipe.delete(self._key(name))
        await pipe.execute()

    async def _groups_of(self, user_id: str, groups: Iterable[str]) -> tuple[frozenset[str], bool]:
        """Return the groups that somebody is in, and whether it is not known of some."""

        async def inside(group: str) -> bool | None:
            async def ask() -> tuple[str, ...]:
                found = await self._client.usergroups_users_list(usergroup=group)
                return tuple(str(user) for user in found.get("users") or ())

            try:
                return user_id in (await self.look(f"group:{group}", ask, tuple[str, ...]) or ())
            except UnsureError:
                return None

        names = sorted(groups)
        found = await asyncio.gather(*map(inside, names))
        return frozenset(x for x, y in zip(names, found, strict=True) if y), None in found

    async def look(
        self,
        name: str,
        ask: Callable[[], Awaitable[T]],
        kind: Any,
        *,
        patience: float | None = None,
    ) -> T | None:
        """Return what is kept of `name`, else ask Slack; None if there is no such thing.

        What takes too long is there for the next one. Raises UnsureError.
        """
        kept = await self._kept(name)
        if kept is None:
            return await self._begun(name, lambda: self._find(name, ask), patience)
        if self._clock() - kept.asked > FRESH and name not in self._asked:
            self._start(name, lambda: self._find(name, ask))
        found: T | None = msgspec.json.decode(kept.found, type=kind | None)
        return found

    async def _begun(
        self, name: str, work: Callable[[], Awaitable[T]], patience: float | None = None
    ) -> T | None:
        """Wait a little for a look-up, one for all who need it. Raises UnsureError."""
        task = self._asked.get(name) or self._start(name, work)
        done, _ = await asyncio.wait([task], timeout=PATIENCE if patience is None else patience)
        if not done or task.cancelled():
            raise UnsureError(NOT_NOW)
        if not task.result().sure:
            raise UnsureError(NOT_NOW, why=task.result().why)
        found: T | None = task.result().found
        return found

    def _start(self, name: str, work: Callable[[], Awaitable[T]]) -> "asyncio.Task[_Told]":
        what = name.partition(":")[0]
        task = self._tasks.start(self._tried(what, work), f"look up {what}")
        self._asked[name] = task
        task.add_done_callback(lambda _: self._asked.pop(name, None))
        return task

    async def _tried(self, what: str, work: Callable[[], Awaitable[T]]) -> "_Told":
        """Ask Slack, unless it asked us to wait a moment ago."""
        if self._paused.get(what, 0.0) > time.monotonic():
            return _Told(sure=False)
        try:
            return _Told(sure=True, found=await work())
        except UnsureError as error:
            return _Told(sure=False, why=error.why)
        except SlackApiError as error:
            refused = refusal(error)
            if refused.limited:
                wait = min(refused.wait, LONGEST_PAUSE)
                self._paused[what] = time.monotonic() + wait
            why = refused.why
        except _FAILURES as error:
            why = type(error).__name__
        log.warning("slack_lookup_failed", what=what, why=why)
        return _Told(sure=False, why=why)

    async def _find(self, name: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        turn, asked = await self._turn_of(name), self._clock()
        found: T | None
        try:
            found, lasts = await ask(), LASTS
        except SlackApiError as error:
            if refusal(error).why not in _NONE:
                raise
            found, lasts = None, LASTS_UNKNOWN
        left = lasts - (self._clock() - asked)
        kept = Kept(asked=asked, turn=turn, found=msgspec.Raw(msgspec.json.encode(found)))
        with suppress(RedisError, OSError):
            await self._redis.set(
                self._key(name), msgspec.json.encode(kept), px=max(1, int(left * 1000))
            )
        return found

    async def _kept(self, name: str) -> Kept | None:
        """Return what is kept, if nothing was told since it was asked for."""
        try:
            raw, turn = await self._redis.mget(self._key(name), self._turn(name))
        except (RedisError, OSError):
            return None
        with suppress(msgspec.DecodeError):
            kept = msgspec.json.decode(raw, type=Kept) if raw else None
            # What was asked for by a clock that was ahead is not believed either.
            if kept and kept.turn == _text(turn) and -1.0 <= self._clock() - kept.asked <= LASTS:
                return kept
        return None

    async def _turn_of(self, name: str) -> str:
        try:
            return _text(await self._redis.get(self._turn(name)))
        except (RedisError, OSError):
            return ""

    def _key(self, name: str) -> str:
        return self._keys.named("slack", "people", name)

    def _turn(self, name: str) -> str:
        return self._keys.named("slack", "people", "turn", name)


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else ""


def profile_of(user_id: str, user: Mapping[str, Any], tenant: Tenant) -> Profile:
    """Return what a user object of Slack's says, and how that person stands to `tenant`."""
    raw = user.get("profile")
    facts: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    standing = _standing(user, facts, tenant)
    return Profile(
        id=user_id,
        name=str(facts.get("real_name") or user.get("real_name") or user.get("name") or ""),
        handle=str(user.get("name") or ""),
        email=str(facts.get("email") or "") if standing is Standing.MEMBER else "",
        zone=str(user.get("tz") or ""),
        standing=standing,
    )


def _standing(user: Mapping[str, Any], facts: Mapping[str, Any], tenant: Tenant) -> Standing:
    grid = user.get("enterprise_user")
    enterprise = (grid.get("enterprise_id") if isinstance(grid, Mapping) else "") or ""
    if not tenant.owns(str(user.get("team_id") or facts.get("team") or ""), str(enterprise)):
        return Standing.OUTSIDER
    if user.get("deleted"):
        return Standing.GONE
    if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == "USLACKBOT":
        return Standing.APP
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER
