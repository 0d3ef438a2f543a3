"""Where a request really comes from: address and scheme behind our own proxies, and its page.

Headers that proxies write are believed only from proxies that the settings name.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web
from msgspec import Struct

from t5g.jira_door import Network, networks_of, source_address, within
from t5g.settings import Settings, is_loopback

#: What proxies add to what they pass on.
PASSED_ON = (
    "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server",
    "X-Real-IP", "Via", "CF-Connecting-IP", "True-Client-IP",
)  # fmt: skip
#: A customer of a provider has at least so many addresses of IPv6 to ask from.
SITE_BITS = 64


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
        return not self.login and _foreign(request.host)

    def passed_on(self, request: web.Request) -> bool:
        """Say whether a proxy passed on the request to a page that is for this machine only.

        nginx adds no header unless it is told to, but speaks HTTP/1.0 to what stands behind it
        (`proxy_http_version`), which no browser does.
        """
        if self.login:
            return False
        return request.version < HttpVersion11 or any(name in request.headers for name in PASSED_ON)

    def seen_from_elsewhere(self, request: web.Request) -> bool:
        """Say whether, without a login, others than this machine may ask."""
        return self.foreign_host(request) or self.passed_on(request)

    def same_page(self, request: web.Request) -> bool:
        """Say whether a request that acts comes from one of our own pages."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("Origin")
        if origin is None:
            return True  # no browser: there is no cookie that could be abused
        try:
            given = urlsplit(origin).netloc
        except ValueError:  # a lone bracket: no page of ours has such a name
            return False
        return bool(given) and given in (request.host, urlsplit(self.base).netloc)


@lru_cache(maxsize=1024)
def counted(address: str) -> str:
    """Return what an address counts as when requests are counted: of IPv6 the site's network."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, SITE_BITS), strict=False))


@lru_cache(maxsize=256)
def _foreign(host: str) -> bool:
    try:
        return not is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return True
