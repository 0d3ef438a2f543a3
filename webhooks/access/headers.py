"""Headers of every answer that browsers act upon."""

from aiohttp import web

HSTS = "max-age=31536000; includeSubDomains"
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


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
    """Puts the headers on each answer, streams too."""

    def __init__(self, *form_targets: str, secure: bool) -> None:
        self._always = {"Strict-Transport-Security": HSTS} if secure else {}
        self._page = {
            **self._always,
            "Content-Security-Policy": policy(*form_targets),
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
            headers.setdefault("Cache-Control", "private, no-store")
        elif self._always:
            headers.update(self._always)
