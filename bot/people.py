"""Who is who: Slack's people, their e-mail addresses and groups, and the team file, put together.

What Slack says is remembered here for an hour and in Redis for a day. Nobody waits long for it: an
answer that needs a name gives up after a second, and the look-up goes on for the next question.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.asker import Asker, Origin
from bot.refusals import refusal
from bot.tasks import Tasks
from t5g.accounts import email_of
from t5g.addresses import address_of
from t5g.keys import Keys
from t5g.logs import logger
from t5g.model import Person
from t5g.team import Me, Member, Team, TeamFile

log = logger(__name__)

T = TypeVar("T")

PATIENCE = 1.0
LASTS = 3600.0
LASTS_UNKNOWN = 60.0
LASTS_GROUP = 300.0
DAY = 24 * 3600
#: Answers of Slack that mean "there is no such thing", as opposed to "ask again".
_NONE = frozenset({"users_not_found", "user_not_found", "no_such_subteam", "user_not_visible"})
_FAILURES = (SlackClientError, aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Profile(Struct, frozen=True, kw_only=True):
    """What Slack says of somebody. `outside`: of another workspace, or a guest in this one."""

    id: str
    name: str = ""
    handle: str = ""
    email: str = ""
    zone: str = ""
    outside: bool = False
    gone: bool = False


class People:
    """Looks people up. One for each process."""

    def __init__(
        self, client: AsyncWebClient, team: TeamFile, redis: Redis, keys: Keys, tasks: Tasks
    ) -> None:
        self._client = client
        self._team = team
        self._redis = redis
        self._keys = keys
        self._tasks = tasks
        self._known: dict[str, tuple[float, Any]] = {}
        self._asked: dict[str, asyncio.Task[Any]] = {}

    @property
    def team(self) -> Team:
        """The team as its file says now."""
        return self._team.read()

    async def asker(
        self, user_id: str, name: str = "", *, channel: str = "", origin: Origin = Origin.COMMAND
    ) -> Asker:
        """Return the person; without Slack's answer only what the request and the team file say."""
        profile = await self.profile(user_id) or Profile(id=user_id, name=name, handle=name)
        team = self.team
        member = team.by_slack(user_id) or team.by_email(profile.email)
        groups = await self._groups_of(user_id, team.slack_groups)
        inside = "" if profile.outside else user_id
        return Asker(
            id=user_id,
            name=member.name if member else profile.name or name,
            email=profile.email or (member.email if member else ""),
            me=Me.of(member, profile.email, profile.name, profile.handle),
            jira=member.jira if member else "",
            zone=profile.zone,
            role=team.role_of(slack=inside, email=profile.email, slack_groups=groups),
            channel=channel,
            origin=origin,
        )

    async def profile(self, user_id: str) -> Profile | None:
        """Return what Slack says of somebody, or None if it does not say (in time)."""

        async def ask() -> Profile:
            found = await self._client.users_info(user=user_id)
            return _profile(user_id, found.get("user") or {})

        return await self._look(f"user:{user_id}", ask, Profile, LASTS) if user_id else None

    async def slack_id(self, person: Person) -> str:
        """Return the Slack id of a JIRA user: by the team file, else by e-mail; "" if unknown."""
        team = self.team
        email = person.email
        member = team.by_jira(person.account) or team.by_email(email)
        if member is None and not email:
            with contextlib.suppress(RedisError):
                email = await email_of(self._redis, self._keys, person.account)
            member = team.by_email(email)
        if member and member.slack:
            return member.slack
        return await self.id_of_email(email or (member.email if member else ""))

    async def slack_ids(self, persons: Iterable[Person]) -> dict[str, str]:
        """Return the Slack ids of JIRA users by their accounts, as far as they are known."""
        unique = {person.account: person for person in persons}
        found = await asyncio.gather(*(self.slack_id(person) for person in unique.values()))
        return {account: x for account, x in zip(unique, found, strict=True) if x}

    async def id_of_email(self, email: str) -> str:
        """Return the Slack id behind an e-mail address, or ""."""
        if not email:
            return ""

        async def ask() -> Profile:
            found = await self._client.users_lookupByEmail(email=email)
            user = found.get("user") or {}
            return _profile(str(user.get("id") or ""), user)

        profile = await self._look(f"email:{address_of(email)}", ask, Profile, LASTS)
        return profile.id if profile and not profile.gone else ""

    async def member(self, user_id: str) -> Member | None:
        """Return the member of the team behind a Slack id."""
        team = self.team
        found = team.by_slack(user_id)
        if found is not None:
            return found
        profile = await self.profile(user_id)
        return team.by_email(profile.email) if profile else None

    async def _groups_of(self, user_id: str, groups: Iterable[str]) -> frozenset[str]:
        inside = [group for group in groups if user_id in (await self._members(group))]
        return frozenset(inside)

    async def _members(self, group: str) -> frozenset[str]:
        async def ask() -> tuple[str, ...]:
            found = await self._client.usergroups_users_list(usergroup=group)
            return tuple(str(user) for user in found.get("users") or ())

        kind = tuple[str, ...]
        return frozenset(await self._look(f"group:{group}", ask, kind, LASTS_GROUP) or ())

    async def _look(
        self, name: str, ask: Callable[[], Awaitable[T]], kind: Any, lasts: float
    ) -> T | None:
        """Return what is remembered, else ask; what takes too long is there for the next one."""
        known = self._known.get(name)
        if known and known[0] > time.monotonic():
            return known[1]  # type: ignore[no-any-return]
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = self._tasks.start(
                self._find(name, ask, kind, lasts), f"look up {name.partition(':')[0]}"
            )
            task.add_done_callback(lambda _: self._asked.pop(name, None))
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if done:
            return task.result()  # type: ignore[no-any-return]
        return known[1] if known else None

    async def _find(
        self, name: str, ask: Callable[[], Awaitable[T]], kind: Any, lasts: float
    ) -> T | None:
        kept = await self._kept(name, kind) if lasts == LASTS else None
        if kept is not None:
            return self._remember(name, kept, lasts)
        try:
            found = await ask()
        except SlackApiError as error:
            why = refusal(error).why
            if why not in _NONE:
                log.warning("slack_lookup_failed", what=name.partition(":")[0], why=why)
                return self._as_before(name)  # type: ignore[no-any-return]
            self._remember(name, None, LASTS)
            return None
        except _FAILURES as error:
            log.warning(
                "slack_lookup_failed", what=name.partition(":")[0], why=type(error).__name__
            )
            return self._as_before(name)  # type: ignore[no-any-return]
        if lasts == LASTS:
            await self._keep(name, found)
        return self._remember(name, found, lasts)

    def _as_before(self, name: str) -> Any:
        """What was known holds on when Slack does not answer, or asks to wait."""
        known = self._known.get(name)
        before: Any = known[1] if known else None
        self._remember(name, before, LASTS_UNKNOWN)
        return before

    def _remember(self, name: str, found: T | None, lasts: float) -> T | None:
        self._known[name] = time.monotonic() + lasts, found
        return found

    async def _kept(self, name: str, kind: Any) -> Any:
        try:
            raw = await self._redis.get(self._key(name))
        except (RedisError, OSError):
            return None
        return msgspec.json.decode(raw, type=kind) if isinstance(raw, bytes) else None

    async def _keep(self, name: str, found: Any) -> None:
        try:
            await self._redis.set(self._key(name), msgspec.json.encode(found), ex=DAY)
        except (RedisError, OSError):
            return

    def _key(self, name: str) -> str:
        return self._keys.named("slack", "people", name)


def _profile(user_id: str, user: Mapping[str, Any]) -> Profile:
    raw = user.get("profile")
    facts: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    return Profile(
        id=user_id,
        name=str(facts.get("real_name") or user.get("real_name") or user.get("name") or ""),
        handle=str(user.get("name") or ""),
        email=str(facts.get("email") or ""),
        zone=str(user.get("tz") or ""),
        outside=any(user.get(x) for x in ("is_stranger", "is_restricted", "is_ultra_restricted")),
        gone=bool(user.get("deleted")),
    )
