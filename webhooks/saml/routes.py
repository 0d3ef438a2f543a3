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
from t5g.setting_sources import file_of
from t5g.settings import Settings
from webhooks import keys
from webhooks.access.guard import ACCESS, Access, cookie_of, viewer_of_session
from webhooks.access.origins import counted
from webhooks.access.sessions import Session
from webhooks.middlewares import REQUEST_ID
from webhooks.pages.rendering import PAGES, Page
from webhooks.saml.assertion import Assertion
from webhooks.saml.pending import Logins, Pending, local_path, new_name
from webhooks.saml.provider import CurrentProvider, LoginRefusedError

PROVIDER: Final = web.AppKey("PROVIDER", CurrentProvider)
LOGINS: Final = web.AppKey("LOGINS", Logins)
#: A response with many groups is large, but not that large.
BODY_LIMIT = 512 * 1024

log = logger(__name__)


def open_provider(settings: Settings) -> CurrentProvider:
    """Make the service provider. Raises SettingsError with every setting that is missing."""
    missing = [f"{name} is missing: {why}" for name, why in settings.missing(["saml"])]
    if missing:
        raise SettingsError(missing)
    return CurrentProvider(settings, file_of("saml_idp_metadata"))


def add_routes(app: web.Application, provider: CurrentProvider) -> None:
    """Mount the login."""
    app[PROVIDER] = provider
    app[LOGINS] = Logins(app[keys.REDIS], Keys(app[keys.SETTINGS].redis_prefix))
    router = app.router
    router.add_get("/saml/login", login)
    router.add_post("/saml/acs", consume)
    router.add_get("/saml/metadata", metadata)
    router.add_get("/saml/logout", come_to_logout)
    router.add_post("/saml/logout", end_here)


async def metadata(request: web.Request) -> web.Response:
    """Our metadata, for the identity provider's operator."""
    return web.Response(
        body=request.app[PROVIDER].read().metadata(), content_type="application/samlmetadata+xml"
    )


async def login(request: web.Request) -> web.Response:
    """Send a browser to the identity provider, and remember where it wanted to go."""
    access, name = request.app[ACCESS], new_name()
    url, request_id = await asyncio.to_thread(request.app[PROVIDER].read().login, name)
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
    provider = request.app[PROVIDER].read()
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
        index=assertion.index, address=address, naming=assertion.naming,
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


async def _refused(
    request: web.Request, access: Access, reason: str, address: str, *, action: str = "login"
) -> web.Response:
    trace = request[REQUEST_ID]
    log.warning(f"{action} refused", reason=reason, peer=address)
    await _record(access, action, Outcome.REFUSED, None, detail=reason, place=address)
    return _page(request, "refused", trace, 403)


async def end_here(request: web.Request) -> web.Response:
    """End the session (with `everywhere`: all of the person), then the identity provider's."""
    access = request.app[ACCESS]
    session = await _session(request, access)
    if session is None:
        return _forget(_page(request, "out"), access)
    form = await form_of(request)
    everywhere = form.get("everywhere") == "1"
    count = await access.sessions.end_all_of(session.account) if everywhere else 1
    await access.sessions.end(session)
    await _record(
        access, "logout", Outcome.DONE, session, detail=f"{count} sessions" if everywhere else ""
    )
    index = "" if everywhere else session.index
    provider = request.app[PROVIDER].read()
    url = await asyncio.to_thread(provider.logout, session.person, session.naming, index)
    if not url:
        return _forget(_page(request, "out"), access)
    response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
    return _forget(response, access)


async def come_to_logout(request: web.Request) -> web.Response:
    """Logout by the identity provider's word; else the page that says whether one is logged in.

    Anybody can make a browser come here, so that nothing ends but what the identity provider
    signed. Its answer to a logout of ours is not read: that session ended before it was asked.
    """
    access = request.app[ACCESS]
    if "SAMLRequest=" in request.rel_url.raw_query_string:
        return await _end_from_provider(request, access)
    return _page(request, "out" if await _session(request, access) is None else "in")


async def _end_from_provider(request: web.Request, access: Access) -> web.Response:
    now, address = time.time(), access.origins.address(request)
    provider, query = request.app[PROVIDER].read(), request.rel_url.raw_query_string
    try:
        asked, answer = await asyncio.to_thread(provider.read_logout, query, now)
        if not await request.app[LOGINS].use(f"logout {asked.id}", asked.until, now):
            raise LoginRefusedError("the logout request was used before")
    except RefusedError as error:
        access.failures.take(counted(address))
        return await _refused(request, access, str(error), address, action="logout")
    count = await access.sessions.end_named(asked.person, asked.indexes)
    await access.audit.record(
        AuditEntry(
            who=asked.person, action="logout", outcome=Outcome.DONE, origin="page",
            detail=f"{count} sessions, by the identity provider",
        )
    )  # fmt: skip
    response = web.Response(status=302, headers={"Location": answer, "Cache-Control": "no-store"})
    # The browser may be another person's: theirs stays.
    return response if await _session(request, access) else _forget(response, access)


async def _session(request: web.Request, access: Access) -> Session | None:
    identity = access.session_id(request)
    return await access.sessions.find(identity) if identity else None


def _page(request: web.Request, state: str, trace: str = "", status: int = 200) -> web.Response:
    """Answer with the page of login and logout: `out`, still `in`, or `refused`."""
    facts = {"trace": trace, "contact": request.app[ACCESS].contact, "state": state}
    return request.app[PAGES].plain(request, Page("login.html", facts, status))


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
