"""Where a request really comes from: address and scheme behind our own proxies, and its page.

Headers that proxies write are believed only from proxies that the settings name.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct

from t5g.jira_door import Network, networks_of, source_address, within
from t5g.settings import Settings, is_loopback


class Origins(Struct, frozen=True, kw_only=True):
    """What the settings say of how people reach us."""

    base: str
    proxies: tuple[Network, ...]
    login: bool

    @classmethod
    def of(cls, settings: Settings) -> "Origins":
        """Take it out of the settings."""
        return cls(
            base=settings.base_url,
            proxies=networks_of(settings.trusted_proxies),
            login=settings.auth == "saml",
        )

    @property
    def secure(self) -> bool:
        """Say whether people reach us by https."""
        return self.base.startswith("https://")

    def address(self, request: web.Request) -> str:
        """The address of who asks."""
        forwarded = request.headers.get("X-Forwarded-For")
        if not forwarded or not self.proxies:
            return request.remote or ""
        return source_address(request.remote, forwarded, self.proxies)

    def plain_http(self, request: web.Request) -> bool:
        """Say whether the request came by plain http although https is offered.

        Without named proxies nobody can tell: then the proxy has to redirect.
        """
        if not self.secure or not self.proxies:
            return False
        through = within(request.remote or "", self.proxies)
        return not through or request.headers.get("X-Forwarded-Proto", "").lower() != "https"

    def foreign_host(self, request: web.Request) -> bool:
        """Say whether the request names a host that is not ours.

        Without a login the page is for this machine only; a web page elsewhere whose name is
        turned to 127.0.0.1 (DNS rebinding) must not read it.
        """
        return not self.login and _foreign(request.host, self.base)

    def same_page(self, request: web.Request) -> bool:
        """Say whether a request that acts comes from one of our own pages."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")
        if origin is None:
            return True  # no browser: there is no cookie that could be abused
        given = urlsplit(origin)
        return given.netloc in (request.host, urlsplit(self.base).netloc)


@lru_cache(maxsize=256)
def _foreign(host: str, base: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    return not is_loopback(name) and name != urlsplit(base).hostname
