"""Who asks: the names that a Slack person goes by, so that `me` finds their cards."""

import time

from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.router import Asker
from t5g.logs import logger

log = logger(__name__)
LASTS = 3600.0
LASTS_UNKNOWN = 60.0


class People:
    """Looks people up in Slack and remembers them for an hour."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: dict[str, tuple[float, Asker]] = {}

    async def asker(self, user_id: str, name: str = "") -> Asker:
        """Return the person; without Slack's answer only what the request itself says."""
        now = time.monotonic()
        known = self._known.get(user_id)
        if known and known[0] > now:
            return known[1]
        try:
            found = await self._client.users_info(user=user_id)
        except (SlackClientError, OSError, TimeoutError) as error:
            log.warning("people.unknown", user=user_id, why=type(error).__name__)
            asker, lasts = Asker(id=user_id, name=name, names=_names(name)), LASTS_UNKNOWN
        else:
            asker, lasts = _asker(user_id, name, found.get("user") or {}), LASTS
        self._known[user_id] = now + lasts, asker
        return asker


def _asker(user_id: str, name: str, user: dict[str, object]) -> Asker:
    profile = user.get("profile")
    facts = profile if isinstance(profile, dict) else {}
    real = str(facts.get("real_name") or user.get("real_name") or name)
    return Asker(id=user_id, name=real, names=_names(real, str(facts.get("email") or ""), name))


def _names(*names: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in names if name)
