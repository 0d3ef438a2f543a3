"""What handlers find on the application, each under a typed key."""

from typing import Final, Protocol

from aiohttp import web
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from bot.context import Context
from t5g.audit import Audit
from t5g.board import Board
from t5g.inbox import Inbox
from t5g.settings import Settings
from t5g.store import Store
from t5g.syncs import SyncRecords
from t5g.team import TeamFile
from webhooks.errors import ErrorPage


class LoginTrouble(Protocol):
    """Says what is wrong with the identity provider's metadata; "": nothing."""

    def __call__(self) -> str:
        """Look and say it."""


SETTINGS: Final = web.AppKey("SETTINGS", Settings)
REDIS: Final = web.AppKey("REDIS", Redis)
STORE: Final = web.AppKey("STORE", Store)
BOARD: Final = web.AppKey("BOARD", Board)
SYNCS: Final = web.AppKey("SYNCS", SyncRecords)
#: The raw, blocking client that RQ needs: only to enqueue, through `t5g.work`.
QUEUE: Final = web.AppKey("QUEUE", SyncRedis)
INBOX: Final = web.AppKey("INBOX", Inbox)
#: What the mounted bot works with.
BOT: Final = web.AppKey("BOT", Context)
AUDIT: Final = web.AppKey("AUDIT", Audit)
TEAM: Final = web.AppKey("TEAM", TeamFile)
#: Only where people log in.
LOGIN_TROUBLE: Final = web.AppKey("LOGIN_TROUBLE", LoginTrouble)
#: Renders an error for people; the pages put their own here.
ERROR_PAGE: Final = web.AppKey("ERROR_PAGE", ErrorPage)
