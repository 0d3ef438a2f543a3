"""`/saml/login`, `/saml/acs`, `/saml/metadata` and `/saml/logout`."""

import asyncio
import hmac
import time
from typing import Final

from aiohttp import web

from t5g.audit import AuditEntry, Outcome
from t5g.bodies import form_of
from t5g.errors import RefusedError, SettingsError
from t5g.keys import Keys
from t5g.logs import logger
from t5g.settings import Settings
from webhooks import keys
from webhooks.access.guard import ACCESS, Access, cookie_of, viewer_of_session
from webhooks.access.origins import counted
from webhooks.access.sessions import Session
from webhooks.middlewares import REQUEST_ID
from webhooks.pages.rendering import PAGES, Page
from webhooks.saml.assertion import Assertion
from webhooks.saml.pending import Logins, Pending, local_path, new_name
from webhooks.saml.provider import LoginRefusedError, LogoutAsked, Provider

PROVIDER: Final = web.AppKey("PROVIDER", Provider)
LOGINS: Final = web.AppKey("LOGINS", Logins)
#: A response with many groups is large, but not that large.
BODY_LIMIT = 512 * 1024

log = logger(__name__)


def open_provider(settings: Settings) -> Provider:
    """Make the service provider. Raises SettingsError with every setting that is missing."""
    missing = [f"{name} is missing: {why}" for name, why in settings.missing(["saml"])]
    if missing:
        raise SettingsError(missing)
    return Provider(settings)


def add_routes(app: web.Application, provider: Provider) -> None:
    """Mount the login."""
    app[PROVIDER] = provider
    app[LOGINS] = Logins(app[keys.REDIS], Keys(app[keys.SETTINGS].redis_prefix))
    router = app.router
    router.add_get("/saml/login", login)
    router.add_post("/saml/acs", consume)
    router.add_get("/saml/metadata", metadata)
    router.add_get("/saml/logout", end_from_provider)
    router.add_post("/saml/logout", end_here)


async def metadata(request: web.Request) -> web.Response:
    """Our metadata, for the identity provider's operator."""
    return web.Response(
        body=request.app[PROVIDER].metadata(), content_type="application/samlmetadata+xml"
    )


async def login(request: web.Request) -> web.Response:
    """Send a browser to the identity provider, and remember where it wanted to go."""
    access, name = request.app[ACCESS], new_name()
    url, request_id = await asyncio.to_thread(request.app[PROVIDER].login, name)
    browser = new_name()
    to = local_path(request.query.get("to", "/"))
    await request.app[LOGINS].begin(name, Pending(request_id, to, browser))
    response = web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})
    if access.origins.secure:
        # The answer comes from another site, so this one cookie has to be sent from there.
        response.set_cookie(
            _browser_cookie(access), browser, max_age=600, secure=True, httponly=True,
            samesite="None", path="/",
        )  # fmt: skip
    return response


async def consume(request: web.Request) -> web.Response:
    """Take the identity provider's answer: a session, or a page that says why not.

    Wrong answers are counted by address; a good one is good whatever others behind it send.
    """
    access = request.app[ACCESS]
    address = access.origins.address(request)
    posted = await form_of(request, BODY_LIMIT)
    pending = await request.app[LOGINS].take(posted.get("RelayState", ""))
    try:
        if pending is None or not _same_browser(request, access, pending):
            raise LoginRefusedError("no login of this browser is under way")
        assertion = await _read(request, posted, pending)
    except RefusedError as error:
        access.failures.take(counted(address))
        return await _refused(request, access, str(error), address)
    return await _welcome(request, access, assertion, pending.to)


def _same_browser(request: web.Request, access: Access, pending: Pending) -> bool:
    """Nobody can be logged in as somebody else by being sent an answer made for another browser."""
    if not access.origins.secure:
        return True
    given = cookie_of(request, _browser_cookie(access))
    return hmac.compare_digest(given.encode(), pending.browser.encode())


async def _read(request: web.Request, posted: dict[str, str], pending: Pending) -> Assertion:
    now = time.time()
    provider = request.app[PROVIDER]
    found = await asyncio.to_thread(provider.read_response, posted, pending.request, now)
    if not await request.app[LOGINS].use(found.id, found.until, now):
        raise LoginRefusedError("the assertion was used before")
    return found


async def _welcome(
    request: web.Request, access: Access, assertion: Assertion, to: str
) -> web.Response:
    """Begin a session, always a new one, and send the browser where it wanted to go."""
    address = access.origins.address(request)
    old = await access.sessions.find(access.session_id(request))
    if old is not None:
        await access.sessions.end(old)
    identity = await access.sessions.begin(
        assertion.person, email=assertion.email, name=assertion.name, groups=assertion.groups,
        index=assertion.index, address=address,
    )  # fmt: skip
    session = await access.sessions.find(identity)
    role = viewer_of_session(session, access.team.read()).role if session else None
    await _record(
        access, "login", Outcome.DONE if role else Outcome.REFUSED, session,
        detail=f"role {role or 'none'}", place=address,
    )  # fmt: skip
    # Not a redirect: after one, browsers take the request for the other site's and keep back the
    # cookie where it is SameSite=Strict; 303 makes the POST a GET.
    response = web.Response(status=303, headers={"Location": to, "Cache-Control": "no-store"})
    _set_session(response, access, identity)
    response.del_cookie(_browser_cookie(access), path="/", secure=access.origins.secure)
    return response


def _set_session(response: web.Response, access: Access, identity: str) -> None:
    response.set_cookie(
        access.cookie, identity, path="/", secure=access.origins.secure, httponly=True,
        samesite="Lax",
    )  # fmt: skip


def _browser_cookie(access: Access) -> str:
    return access.cookie + "-login"


async def _refused(request: web.Request, access: Access, reason: str, address: str) -> web.Response:
    trace = request[REQUEST_ID]
    log.warning("login refused", reason=reason, peer=address)
    await _record(access, "login", Outcome.REFUSED, None, detail=reason, place=address)
    page = Page("login.html", {"trace": trace, "contact": access.contact, "out": False}, 403)
    return request.app[PAGES].plain(request, page)


async def end_here(request: web.Request) -> web.Response:
    """End the session (with `everywhere`: all of the person), then the identity provider's."""
    access = request.app[ACCESS]
    session = await _session(request, access)
    if session is None:
        return _out(request, access)
    form = await form_of(request)
    everywhere = form.get("everywhere") == "1"
    count = await access.sessions.end_all_of(session.person) if everywhere else 1
    await access.sessions.end(session)
    await _record(
        access, "logout", Outcome.DONE, session, detail=f"{count} sessions" if everywhere else ""
    )
    url = await asyncio.to_thread(
        request.app[PROVIDER].logout, session.person, "" if everywhere else session.index
    )
    if not url:
        return _out(request, access)
    response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
    return _forget(response, access)


async def end_from_provider(request: web.Request) -> web.Response:
    """Logout by the identity provider's word, or its answer to ours; both by redirect."""
    access = request.app[ACCESS]
    if "SAMLRequest" not in request.query:
        return _out(request, access)
    asked = dict(request.query)
    try:
        found: LogoutAsked = await asyncio.to_thread(
            request.app[PROVIDER].read_logout, asked, request.rel_url.raw_query_string
        )
    except RefusedError as error:
        access.failures.take(access.origins.address(request))
        return await _refused(request, access, str(error), access.origins.address(request))
    count = 0
    for index in found.indexes or ("",):
        count += await access.sessions.end_all_of(found.person, index)
    await access.audit.record(
        AuditEntry(
            who=found.person, action="logout", outcome=Outcome.DONE, origin="page",
            detail=f"{count} sessions, by the identity provider",
        )
    )  # fmt: skip
    response = web.Response(
        status=302, headers={"Location": found.answer, "Cache-Control": "no-store"}
    )
    return _forget(response, access)


async def _session(request: web.Request, access: Access) -> Session | None:
    identity = access.session_id(request)
    return await access.sessions.find(identity) if identity else None


def _out(request: web.Request, access: Access) -> web.Response:
    page = Page("login.html", {"trace": "", "contact": access.contact, "out": True})
    return _forget(request.app[PAGES].plain(request, page), access)


def _forget(response: web.Response, access: Access) -> web.Response:
    """Take the cookie and what the browser kept of the pages."""
    response.del_cookie(access.cookie, path="/", secure=access.origins.secure)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def _record(
    access: Access,
    action: str,
    outcome: Outcome,
    session: Session | None,
    *,
    detail: str = "",
    place: str = "",
) -> None:
    who = (session.email or session.person) if session else place
    name = session.name if session else ""
    await access.audit.record(
        AuditEntry(
            who=who, name=name, action=action, outcome=outcome, origin="page", detail=detail,
            place=place,
        )
    )  # fmt: skip
