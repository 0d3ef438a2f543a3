"""Headers of every answer that browsers act upon."""

from aiohttp import web

from webhooks.access.guard import ACCESS

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

    def __init__(self, *form_targets: str) -> None:
        self._policy = policy(*form_targets)

    async def __call__(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add what is not there (a signal of aiohttp, before an answer is sent)."""
        headers = response.headers
        if request.app[ACCESS].origins.secure:
            headers["Strict-Transport-Security"] = HSTS
        if response.content_type == "text/html":
            headers["Content-Security-Policy"] = self._policy
            headers["Permissions-Policy"] = PERMISSIONS
            headers.setdefault("Cache-Control", "private, no-store")
