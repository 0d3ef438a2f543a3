"""Headers of every answer that browsers act upon."""

from collections.abc import Callable
from functools import cache

from aiohttp import web

HSTS = "max-age=31536000; includeSubDomains"
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


@cache
def policy(*form_targets: str) -> str:
    """The Content-Security-Policy: nothing inline, nothing from elsewhere.

    `form_targets`: where a form of ours may end up beside here (the identity provider's logout).
    """
    forms = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {forms}"
    )


class Headers:
    """Puts the headers on each answer, streams too.

    `form_targets`: asked at each page, because the identity provider may move.
    """

    def __init__(self, form_targets: Callable[[], tuple[str, ...]], *, secure: bool) -> None:
        self._form_targets = form_targets
        self._always = {"Strict-Transport-Security": HSTS} if secure else {}
        self._page = {
            **self._always,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": PERMISSIONS,
            "Referrer-Policy": "same-origin",
            "X-Frame-Options": "DENY",
        }

    async def __call__(self, _: web.Request, response: web.StreamResponse) -> None:
        """Add them (a signal of aiohttp, before an answer is sent)."""
        headers = response.headers
        if headers.get("Content-Type", "").startswith("text/html"):
            headers.update(self._page)
            headers["Content-Security-Policy"] = policy(*self._form_targets())
            headers.setdefault("Cache-Control", "private, no-store")
        elif self._always:
            headers.update(self._always)
