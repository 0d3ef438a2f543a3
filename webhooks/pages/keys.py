"""What the pages' handlers find on the application beside `webhooks.keys`."""

from typing import Final

from aiohttp import web

from webhooks.pages.addresses import Links
from webhooks.pages.history import Days
from webhooks.pages.kept_rows import KeptRows

LINKS: Final = web.AppKey("LINKS", Links)
DAYS: Final = web.AppKey("DAYS", Days)
ROWS: Final = web.AppKey("ROWS", KeptRows)
