"""Registers our webhook in JIRA, lists what is registered, and takes it away again.

There are three dialects: Cloud, Data Center from version 10 on, and older Data Centers, which know
no secret: there the secret stands in the address. Which events we want follows from what
`t5g.jira_events` understands; registering twice leaves one webhook.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jira import JIRAError
from msgspec import Struct

from t5g.errors import SettingsError, UpstreamError
from t5g.jira_events import Kind
from t5g.settings import Settings
from workers.answers import rows_in
from workers.blocking import Threads
from workers.calls import Caller, Policy
from workers.jira import jql
from workers.jira.server import SERVICE, JqlError, Server, judge

EVENTS = tuple(kind.value for kind in Kind if kind is not Kind.OTHER)
NAME = "T5G field support bot"
PATH = "/webhooks/jira"

_CLASSIC = "/rest/webhooks/1.0/webhook"
_NEW = "/rest/jira-webhook/1.0/webhooks"
_SECTION = "issue-related-events-section"
_IN_ADDRESS = re.compile(rf"({re.escape(PATH)}/)[^/?#]+|([?&]secret=)[^&#]+")


class Hook(Struct, frozen=True, kw_only=True):
    """A webhook as JIRA tells of it. `events` empty: all of them. `signed`: None is not told."""

    id: str
    name: str
    url: str
    events: tuple[str, ...] = ()
    filter: str = ""
    active: bool = True
    signed: bool | None = None

    @property
    def shown_url(self) -> str:
        """The address without the secret that may stand in it."""
        return _IN_ADDRESS.sub(lambda found: f"{found[1] or found[2]}***", self.url)


class Wanted(Struct, frozen=True, kw_only=True):
    """What to register. `secret` is "" where the address has it."""

    url: str
    secret: str
    filter: str
    name: str = NAME
    events: tuple[str, ...] = EVENTS


def filter_of(projects: Iterable[str]) -> str:
    """Return the JQL of the issues that events are wanted of."""
    return f"project in ({', '.join(jql.quoted(key) for key in sorted(set(projects)))})"


def wanted_of(settings: Settings, filter: str, *, signs: bool) -> Wanted:
    """Put together what to register. Raises SettingsError if what it needs is not set."""
    if not settings.public_url:
        raise SettingsError(["T5G_PUBLIC_URL is missing: the address under which JIRA reaches us"])
    base = settings.public_url.rstrip("/") + PATH
    if signs:
        if not settings.webhook_secrets:
            raise SettingsError(["T5G_JIRA_WEBHOOK_SECRET is missing: what JIRA signs events with"])
        return Wanted(url=base, secret=settings.webhook_secrets[0], filter=filter)
    in_address = settings.jira_webhook_url_secret.get_secret_value().split()
    if not in_address:
        raise SettingsError([
            "T5G_JIRA_WEBHOOK_URL_SECRET is missing: this Data Center can not sign its events"
        ])  # fmt: skip
    return Wanted(url=f"{base}/{in_address[0]}", secret="", filter=filter)


def is_ours(hook: Hook, settings: Settings) -> bool:
    """Say whether a webhook leads to this installation."""
    ours = settings.public_url.rstrip("/") + PATH
    place = re.split(r"[?#]", hook.url)[0].rstrip("/")
    return bool(settings.public_url) and (place == ours or place.startswith(f"{ours}/"))


def faults_of(hook: Hook, *, signs: bool, projects: Iterable[str]) -> list[str]:
    """Say what is wrong with a webhook of ours; nothing if it is as it should be."""
    found = [] if hook.active else ["is switched off"]
    if hook.events and (missing := [name for name in EVENTS if name not in hook.events]):
        found.append(f"lacks {', '.join(missing)}")
    if signs and hook.signed is False:
        found.append("has no secret")
    named = set(re.findall(r"[A-Za-z][A-Za-z0-9_]*", hook.filter))
    if "project" in named and (unseen := sorted(set(projects) - named)):
        found.append(f"its filter leaves out {', '.join(unseen)}")
    return found


class Hooks:
    """The webhooks of a JIRA; needs an administrator's account. Close it when done."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        timeout = settings.upstream_timeout
        self._server = Server(settings, connections=1, timeout=timeout)
        caller = Caller(SERVICE, limit=1, policy=policy)
        once = Caller(SERVICE, limit=1, policy=Policy(attempts=1))
        self._threads = Threads(caller, judge, threads=1, timeout=timeout)
        self._once = Threads(once, judge, threads=1, timeout=timeout)
        self._path = _CLASSIC if self._server.cloud else _NEW

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close()
        self._once.close()
        self._server.close()  # type: ignore[no-untyped-call]

    @property
    def signs(self) -> bool:
        """Whether this JIRA signs its events; known after `all`."""
        return self._server.cloud or self._path == _NEW

    async def all(self) -> list[Hook]:
        """Return every webhook that is registered."""
        rows = await self._told(self._threads.run(self._get))
        if rows is None and not self._server.cloud:
            self._path = _CLASSIC
            rows = await self._told(self._threads.run(self._get))
        if rows is None:
            raise UpstreamError(SERVICE, "it has no address for webhooks", transient=False)
        return [_hook(row) for row in rows]

    async def register(self, wanted: Wanted, ours: Sequence[Hook]) -> Hook:
        """Register a webhook, then take away `ours`: between the two no event is missed."""
        made = _hook(await self._told(self._once.run(self._create, self._body(wanted))))
        for hook in ours:
            await self.remove(hook)
        return made

    async def remove(self, hook: Hook) -> None:
        """Take a webhook away; it may be gone already."""
        await self._told(self._threads.run(self._delete, hook.id))

    async def _told(self, call: Any) -> Any:
        try:
            return await call
        except JqlError as error:
            raise UpstreamError(
                SERVICE, f"webhook refused: {error.said}", transient=False
            ) from None
        except UpstreamError as error:
            if "credentials" not in str(error):
                raise
            text = "webhooks take an administrator of JIRA; this account is none, or its token is"
            raise UpstreamError(SERVICE, f"{text} not accepted", transient=False) from None

    def _get(self) -> Any:
        try:
            return rows_in(self._server._session.get(self._address()).json())
        except JIRAError as error:
            if error.status_code == 404:
                return None
            raise

    def _create(self, body: Mapping[str, Any]) -> Any:
        return self._server._session.post(self._address(), json=dict(body)).json()

    def _delete(self, id: str) -> None:
        try:
            self._server._session.delete(f"{self._address()}/{id}")
        except JIRAError as error:
            if error.status_code != 404:
                raise

    def _address(self) -> str:
        return f"{self._server.server_url}{self._path}"

    def _body(self, wanted: Wanted) -> dict[str, Any]:
        shared = {"name": wanted.name, "url": wanted.url, "events": list(wanted.events)}
        if self._path == _NEW:
            # A secret at the top is ignored there without a word.
            options = {"FILTERS": wanted.filter, "EXCLUDE_BODY": "false", "SECRET": wanted.secret}
            return {**shared, "configuration": options, "active": True, "scopeType": "global"}
        body = {**shared, "filters": {_SECTION: wanted.filter}, "excludeBody": False}
        return {**body, "secret": wanted.secret} if wanted.secret else body


def _hook(row: Mapping[str, Any]) -> Hook:
    """Read a registration in any of the dialects."""
    options = row.get("configuration") or {}
    kept = (row.get("filters") or {}).get(_SECTION) or options.get("FILTERS") or ""
    signed = row.get("isSigned")
    return Hook(
        id=str(row.get("id") or str(row.get("self") or "").rpartition("/")[2]),
        name=str(row.get("name") or ""),
        url=str(row.get("url") or ""),
        events=tuple(str(name) for name in row.get("events") or ()),
        filter=str(kept),
        active=row.get("enabled", row.get("active", True)) is not False,
        signed=signed if isinstance(signed, bool) else None,
    )
