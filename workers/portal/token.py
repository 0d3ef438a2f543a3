"""Access tokens from the offline token: cached until shortly before expiry, fetched once at a time.

`form` and `read_token` are the protocol; `Tokens` is the cache. No token appears in any error.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct

from t5g.errors import UpstreamError
from workers.calls import Caller, Transient
from workers.web import RETRIED, Answer, Request, Web, judge

SERVICE = "sso"
EARLY = 60.0
#: Keycloak says these of good tokens too, for a while after a restart (its issues 9959, 20392).
MAY_PASS = ("offline user session not found", "session doesn't have required client")
RENEW = (
    "create a new offline token at https://access.redhat.com/management/api "
    "and set T5G_PORTAL_OFFLINE_TOKEN"
)


class Token(Struct, frozen=True):
    """An access token and how long it may be used, in seconds from when it was asked for."""

    access: str
    lasts: float

    def __repr__(self) -> str:
        """Show everything but the token."""
        return f"Token(lasts={self.lasts})"


def form(offline_token: str, client_id: str) -> dict[str, str]:
    """Return the form that exchanges an offline token."""
    return {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "refresh_token": offline_token,
    }


def read_token(answer: Answer) -> Token:
    """Read the answer of the token endpoint.

    `expires_in` was seen as 300 and 900; the token is used until a minute before (or for half of a
    shorter life). Raises Transient for what may pass and UpstreamError for a dead token.
    """
    if answer.status in (400, 401, 403) and answer.status not in RETRIED:
        raise _refusal(answer)
    body = judge(SERVICE, answer).json()
    if not isinstance(body, dict):
        raise Transient("the answer has no access token")
    access = body.get("access_token")
    if not isinstance(access, str) or not access:
        raise Transient("the answer has no access token")
    lasts = body.get("expires_in")
    seconds = float(lasts) if isinstance(lasts, int | float) and lasts > 0 else EARLY * 2
    return Token(access, max(seconds - EARLY, seconds / 2))


def _refusal(answer: Answer) -> Exception:
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Transient(f"HTTP {answer.status} without JSON", throttled=True)
    body = body if isinstance(body, dict) else {}
    code = str(body.get("error", ""))[:60]
    said = str(body.get("error_description", ""))[:120]
    if said.casefold() in MAY_PASS:
        return Transient(f"the offline token was refused ({said}); {RENEW}")
    return UpstreamError(
        SERVICE, f"the offline token was refused ({said or code}); {RENEW}", transient=False
    )


class Tokens:
    """Gives out access tokens; however many ask at once, one request is made."""

    def __init__(
        self,
        web: Web,
        caller: Caller,
        *,
        url: str,
        offline_token: str,
        client_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web = web
        self._caller = caller
        self._request = Request(method="POST", url=url, form=form(offline_token, client_id))
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._until = 0.0

    async def get(self) -> str:
        """Return a token that is still good for a while."""
        if self._good():
            return self._token.access  # type: ignore[union-attr]
        async with self._lock:
            if not self._good():
                await self._fetch()
            return self._token.access  # type: ignore[union-attr]

    def refused(self, access: str) -> None:
        """Drop a token that the Portal refused; only the first of many that report it counts."""
        if self._token is not None and self._token.access == access:
            self._token = None

    def _good(self) -> bool:
        return self._token is not None and self._clock() < self._until

    async def _fetch(self) -> None:
        begun = self._clock()
        try:
            self._token = await self._caller.insist(self._ask)
        except UpstreamError as error:
            error.concerns_all = True  # without a token nothing can be asked for
            raise
        self._until = begun + self._token.lasts

    async def _ask(self) -> Token:
        return read_token(await self._web.send(self._request))
