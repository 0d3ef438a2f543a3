"""The token endpoint of Red Hat's single sign-on: an offline token becomes short-lived ones.

It gives out tokens and knows which are still good; what they open is not its business.
"""

import itertools
import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

TOKEN_PATH: Final = "/auth/realms/redhat-external/protocol/openid-connect/token"
OFFLINE_TOKEN: Final = "sandbox-offline-token-not-secret"
CLIENT_ID: Final = "rhsm-api"


class Sso:
    """The realm. `expires_in` (seconds) may be changed at any time, for tokens given out later."""

    def __init__(
        self,
        *,
        offline_token: str = OFFLINE_TOKEN,
        client_id: str = CLIENT_ID,
        expires_in: float = 900,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.offline_token = offline_token
        self.client_id = client_id
        self.expires_in = expires_in
        self.issued = 0
        #: Why the offline token is refused ("Offline user session not found"); None: it is good.
        self.refusal: str | None = None
        self._clock = clock
        self._ids = itertools.count(1)
        self._until: dict[str, float] = {}

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header carries a token that is good now."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self._clock() < self._until.get(token, 0.0)

    def revoke_all(self) -> None:
        """Make every access token given out so far worthless."""
        self._until.clear()

    def mount(self, app: web.Application) -> None:
        """Serve the token endpoint."""
        app.router.add_post(TOKEN_PATH, self._exchange)

    def refuse(self, request: web.Request) -> web.Response:
        """Answer as Keycloak does for an offline token that is no longer good."""
        return _error(400, "invalid_grant", self.refusal or "Offline user session not found")

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "refresh_token":
            return _error(400, "unsupported_grant_type", "Unsupported grant_type")
        if form.get("client_id") != self.client_id:
            return _error(
                401, "unauthorized_client", "Invalid client or Invalid client credentials"
            )
        if not form.get("refresh_token"):
            return _error(400, "invalid_request", "No refresh token")
        if self.refusal:
            return self.refuse(request)
        if form.get("refresh_token") != self.offline_token:
            return _error(400, "invalid_grant", "Invalid refresh token")
        return web.json_response(self._issue())

    def _issue(self) -> dict[str, object]:
        self.issued += 1
        token = f"sandbox-access-token-{next(self._ids)}-not-secret"
        now = self._clock()
        self._until = {one: until for one, until in self._until.items() if until > now}
        self._until[token] = now + self.expires_in
        return {
            "access_token": token,
            "expires_in": int(self.expires_in),
            "refresh_expires_in": 0,
            "refresh_token": self.offline_token,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "session_state": "00000000-0000-0000-0000-000000000000",
            "scope": "openid offline_access api.console",
        }


def _error(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
