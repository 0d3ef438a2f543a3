"""The guard at the door: who asks, whether they may, and how often. Around every request.

Sessions and tokens say who; the team file says what they may, asked anew at each request, so that
a role taken away is gone at once. Machines' addresses prove themselves by signatures elsewhere.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import cache
from typing import Final
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct
from redis.exceptions import RedisError

from t5g.audit import Audit, AuditEntry, Outcome
from t5g.errors import RefusedError, T5GError
from t5g.settings import Settings
from t5g.team import Me, Role, Team, TeamFile
from webhooks import keys
from webhooks.access.limits import Limit, TooManyError
from webhooks.access.origins import Origins, counted
from webhooks.access.sessions import Session, Sessions
from webhooks.access.tokens import Token, Tokens
from webhooks.errors import answer, failure_of
from webhooks.viewer import LOCAL, STRANGER, VIEWER, WELCOME, Viewer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Routes asked by machines that prove themselves in other ways, or that are told no secrets.
MACHINES = re.compile(r"/(healthz|webhooks|slack)(/|$)")
#: Routes that tell everybody something, and more to who is known.
HEALTH = re.compile(r"/readyz$")
#: Routes that need no login: the login itself, style sheets, and the document of the API.
OPEN = re.compile(r"/(saml|static)(/|$)|/api/v1/openapi\.json$")
READING = frozenset({"GET", "HEAD"})
#: The answer of the identity provider comes from its page, by nature.
CROSS_SITE = frozenset({"/saml/acs"})
BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)
#: What our cookies hold; anything else was not given by us.
COOKIE = re.compile(r"[\w-]{1,100}", re.ASCII)
#: Wrong tokens and logins of one address, a minute.
FAILURES = 10
#: Seconds after which somebody counts as a stranger where that is no reason to keep them waiting.
PATIENCE = 2.0
A_PROXY = (
    "A proxy stands before this page, which without a login is for this machine only: set "
    "T5G_AUTH=saml and T5G_TRUSTED_PROXIES."
)


class Kind(Enum):
    """How a route is guarded."""

    MACHINE = "machine"
    HEALTH = "health"
    OPEN = "open"
    GUARDED = "guarded"


@cache
def kind_of(route: str) -> Kind:
    """Say how the route of that pattern is guarded; what has none ("") is guarded."""
    if MACHINES.match(route):
        return Kind.MACHINE
    if HEALTH.match(route):
        return Kind.HEALTH
    return Kind.OPEN if OPEN.match(route) else Kind.GUARDED


class UnknownError(T5GError):
    """Nobody is logged in, and no good token is given."""

    status = 401


class Access(Struct, frozen=True, kw_only=True):
    """What the guard asks.

    `requests` is counted for each viewer, and `unknown`, `open`, `guesses` and `failures` (of
    logins) for each address: what strangers do is not counted for those who share their address.
    """

    origins: Origins
    sessions: Sessions
    tokens: Tokens
    team: TeamFile
    audit: Audit
    requests: Limit
    unknown: Limit
    open: Limit
    guesses: Limit
    failures: Limit
    contact: str

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; `__Host-` binds it to this host, by https only."""
        return "__Host-t5g" if self.origins.secure else "t5g"

    def session_id(self, request: web.Request) -> str:
        """Return the id of a session that the browser gave; "" for what is none of ours."""
        return cookie_of(request, self.cookie)


def cookie_of(request: web.Request, name: str) -> str:
    """Return what we once put into a cookie; "" if there is none, or one that we never gave."""
    given = request.cookies.get(name, "")
    return given if COOKIE.fullmatch(given) else ""


ACCESS: Final = web.AppKey("ACCESS", Access)


def open_access(
    app: web.Application, settings: Settings, clock: Callable[[], float] = time.monotonic
) -> Access:
    """Make what the guard asks, on what `webhooks.keys` names."""
    redis = app[keys.REDIS]
    store_keys = app[keys.STORE].keys
    rate, burst = settings.page_rate, settings.page_rate / 2
    return Access(
        origins=Origins.of(settings),
        sessions=Sessions.of(settings, redis),
        tokens=Tokens(redis, store_keys),
        team=app[keys.TEAM],
        audit=app[keys.AUDIT],
        requests=Limit(rate, burst, clock),
        unknown=Limit(rate, burst, clock),
        open=Limit(rate, burst, clock),
        guesses=Limit(FAILURES, FAILURES, clock),
        failures=Limit(FAILURES, FAILURES, clock),
        contact=settings.access_contact,
    )


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may come in, and turn away the others in a form that they can read."""
    resource = request.match_info.route.resource
    kind = kind_of(resource.canonical if resource is not None else "")
    if kind is Kind.MACHINE:
        return await handler(request)
    if kind is Kind.HEALTH:
        request[VIEWER] = await _known(request, request.app[ACCESS])
        return await handler(request)
    try:
        await _admit(request, request.app[ACCESS], kind)
        return await handler(request)
    except TooManyError as error:
        response = _told(request, error)
        response.headers["Retry-After"] = str(error.after)
    except UnknownError as error:
        if _wants_page(request):
            raise web.HTTPFound(f"/saml/login?to={quote(request.path_qs, safe='')}") from None
        response = _told(request, error)
        response.headers["WWW-Authenticate"] = "Bearer"
    except RefusedError as error:
        await _note_refusal(request, request.app[ACCESS], error)
        raise
    return response


async def _note_refusal(request: web.Request, access: Access, error: RefusedError) -> None:
    """Put into the audit log who was refused what."""
    viewer, address = request.get(VIEWER, LOCAL), access.origins.address(request)
    resource = request.match_info.route.resource
    asked = f"{request.method} {resource.canonical if resource else request.path[:80]}"
    await access.audit.record(
        AuditEntry(
            who=viewer.id or address, name=viewer.name, action="access", outcome=Outcome.REFUSED,
            origin="api" if request.path.startswith("/api/") else "page", place=address,
            detail=f"{asked}: {error}",
        )
    )  # fmt: skip


async def _admit(request: web.Request, access: Access, kind: Kind) -> None:
    """Find out who asks. Raises for who may not."""
    if access.origins.foreign_host(request):
        raise web.HTTPMisdirectedRequest(text="This page answers to its own name only.")
    if access.origins.passed_on(request):
        raise RefusedError(A_PROXY)
    if access.origins.plain_http(request):
        raise web.HTTPPermanentRedirect(access.origins.base + request.path_qs)
    address = access.origins.address(request)
    if kind is Kind.OPEN:
        # Counted by kind: who floods one shuts out nobody behind the same address from the other.
        access.open.take(f"{request.path.split('/')[1]} {counted(address)}")
    else:
        viewer = await identify(request, access, address)
        request[VIEWER] = viewer
        access.requests.take(viewer.id or address)
        if viewer.role is None:
            raise RefusedError(
                f"You are logged in as {viewer.name}, but have no role here. "
                f"Ask {access.contact} for access."
            )
    if request.method not in READING and request.path not in CROSS_SITE:
        _refuse_other_pages(request, access)


def _refuse_other_pages(request: web.Request, access: Access) -> None:
    if not access.origins.same_page(request):
        raise RefusedError("This can only be asked from our own pages.")


async def identify(request: web.Request, access: Access, address: str) -> Viewer:
    """Return who asks, by token or session. Raises UnknownError."""
    authorization = request.headers.get("Authorization")
    given = BEARER.fullmatch(authorization) if authorization else None
    if given:
        return await _by_token(request, access, given[1], address)
    if not access.origins.login:
        return LOCAL
    identity = access.session_id(request)
    session = await access.sessions.find(identity) if identity else None
    if session is None:
        access.unknown.take(counted(address))
        raise UnknownError("Nobody is logged in here; log in, or give a token.")

    async def stays() -> bool:
        alive = await access.sessions.alive(session.key)
        return alive and viewer_of_session(session, access.team.read()).role is not None

    request[WELCOME] = stays
    return viewer_of_session(session, access.team.read())


async def _known(request: web.Request, access: Access) -> Viewer:
    """Return who asks, a stranger if that is not known; whatever happens, soon."""
    if access.origins.seen_from_elsewhere(request):
        return STRANGER
    try:
        async with asyncio.timeout(PATIENCE):
            return await identify(request, access, access.origins.address(request))
    except (T5GError, RedisError, OSError):
        return STRANGER


async def _by_token(request: web.Request, access: Access, secret: str, address: str) -> Viewer:
    """Return whose token it is. Wrong ones are counted; a good one is good from any address."""
    token = await access.tokens.find(secret)
    if token is None:
        access.guesses.take(counted(address))
        await access.audit.record(
            AuditEntry(who=address, action="token", outcome=Outcome.REFUSED, origin="api")
        )
        raise UnknownError("The token is not good: it may have ended or been revoked.")

    async def stays() -> bool:
        return await access.tokens.find(secret) is not None

    request[WELCOME] = stays
    return viewer_of_token(token)


def viewer_of_token(token: Token) -> Viewer:
    """Say a token as a viewer."""
    return Viewer(id=f"token:{token.id}", name=token.name, role=token.role)


def viewer_of_session(session: Session, team: Team) -> Viewer:
    """Say a session as a viewer, with the role that the team file gives now."""
    member = team.by_email(session.email) if session.email else None
    return Viewer(
        id=session.email or session.person,
        name=session.name or session.email or session.person,
        me=Me.of(member, session.email, session.name),
        role=team.role_of(email=session.email, saml_groups=session.groups),
        session=session.key,
    )


def require(request: web.Request, role: Role) -> Viewer:
    """Return who asks if their role includes `role`; else raises RefusedError."""
    viewer: Viewer = request.get(VIEWER, LOCAL)
    if not viewer.may(role):
        raise RefusedError(f"Only people with the role {role} may do this.")
    return viewer


def _wants_page(request: web.Request) -> bool:
    """Say whether a person's browser asks for a page to go to (not a script of a page)."""
    if request.method not in READING or request.path.startswith("/api/"):
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in request.headers.get("Accept", "")


def _told(request: web.Request, error: T5GError) -> web.Response:
    return answer(request, failure_of(error, ""), request.app[keys.ERROR_PAGE])
