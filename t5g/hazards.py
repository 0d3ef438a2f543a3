"""Combinations of settings that are unsafe, in one table: `t5g check` names them, a start refuses
the dangerous ones.

Each setting alone may be right. What counts is who can reach the page then, and what travels how.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct

from t5g.errors import SettingsError
from t5g.jira_door import networks_of
from t5g.settings import Settings, is_loopback

#: Bytes below which a secret that signs can be guessed by whoever has one signed message.
SHORTEST_SECRET = 16
#: Hours after which a session that nobody ends is worth stealing.
LONGEST_SESSION = 7 * 24
#: Networks of more addresses than this are not "our own proxies".
LARGEST_NETWORK = {4: 8, 6: 16}


class Hazard(Struct, frozen=True):
    """One combination. `dangerous`: no page is served with it. `sentence` ends with what to do."""

    name: str
    dangerous: bool
    there: Callable[[Settings], bool]
    sentence: str


def found(settings: Settings) -> list[Hazard]:
    """Return the hazards of these settings, the dangerous ones first."""
    there = [hazard for hazard in HAZARDS if hazard.there(settings)]
    return sorted(there, key=lambda hazard: not hazard.dangerous)


def refuse_dangerous(settings: Settings) -> None:
    """Raise SettingsError with a sentence for each hazard with which nothing may be served."""
    lines = [hazard.sentence for hazard in found(settings) if hazard.dangerous]
    if lines:
        raise SettingsError(lines)


def _open(settings: Settings) -> bool:
    return settings.auth == "none"


def _trusts_anybody(settings: Settings) -> bool:
    networks = networks_of(settings.trusted_proxies)
    return any(network.prefixlen < LARGEST_NETWORK[network.version] for network in networks)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_far(url: str) -> bool:
    """Say whether an address is of another network: names without a dot are of a container's."""
    host = _host(url)
    return not is_loopback(host) and ("." in host or ":" in host)


def _upstream_in_the_clear(settings: Settings) -> bool:
    urls = (
        settings.sso_url, settings.portal_url, settings.portal_rest_url, settings.jira_url,
        settings.bugzilla_url, settings.slack_api_url,
    )  # fmt: skip
    return any(url.scheme == "http" and _is_far(str(url)) for url in urls)


def _redis_in_the_clear(settings: Settings) -> bool:
    url = settings.redis_url
    return bool(re.match(r"redis(\+sentinel)?:", url)) and _is_far(url)


def _mail_in_the_clear(settings: Settings) -> bool:
    url = settings.smtp_url.get_secret_value()
    parts = urlsplit(url)
    return parts.scheme == "smtp" and parts.password is not None and _is_far(url)


def _short_secret(settings: Settings) -> bool:
    given = [
        *settings.webhook_secrets,
        *settings.jira_webhook_url_secret.get_secret_value().split(),
        *settings.slack_signing_secret.get_secret_value().split(),
    ]
    return any(len(secret.encode()) < SHORTEST_SECRET for secret in given)


HAZARDS: tuple[Hazard, ...] = (
    Hazard(
        "open-host",
        True,
        lambda s: _open(s) and not is_loopback(s.http_host),
        "T5G_AUTH=none is accepted on loopback only, and T5G_HTTP_HOST is another address: "
        "set T5G_AUTH=saml, or T5G_HTTP_HOST=127.0.0.1.",
    ),
    Hazard(
        "open-address",
        True,
        lambda s: _open(s) and not is_loopback(_host(s.base_url)),
        "T5G_AUTH=none lets in whoever reaches the page, and T5G_PUBLIC_URL says that others do: "
        "set T5G_AUTH=saml, or leave T5G_PUBLIC_URL empty.",
    ),
    Hazard(
        "open-proxy",
        True,
        lambda s: _open(s) and bool(s.trusted_proxies.strip()),
        "T5G_AUTH=none lets in whoever reaches the page, and T5G_TRUSTED_PROXIES says that a proxy "
        "leads others to it: set T5G_AUTH=saml, or leave T5G_TRUSTED_PROXIES empty.",
    ),
    Hazard(
        "login-in-the-clear",
        True,
        lambda s: (
            s.auth == "saml"
            and not s.base_url.lower().startswith("https://")
            and not is_loopback(_host(s.base_url))
        ),
        "T5G_AUTH=saml without https sends sessions in the clear: set T5G_PUBLIC_URL to the https "
        "address of the proxy.",
    ),
    Hazard(
        "anybody-is-a-proxy",
        True,
        _trusts_anybody,
        "T5G_TRUSTED_PROXIES names so large a network that anybody's X-Forwarded-For is believed: "
        "name your own proxies' network only.",
    ),
    Hazard(
        "secret-in-address",
        False,
        lambda s: (
            bool(s.jira_webhook_url_secret.get_secret_value())
            and not s.jira_webhook_networks.strip()
        ),
        "T5G_JIRA_WEBHOOK_URL_SECRET stands in an address, which proxies and JIRA's own logs keep: "
        "name JIRA's network in T5G_JIRA_WEBHOOK_NETWORKS, or sign with T5G_JIRA_WEBHOOK_SECRET.",
    ),
    Hazard(
        "short-secret",
        False,
        _short_secret,
        f"A secret of the webhooks or of Slack has fewer than {SHORTEST_SECRET} bytes and can be "
        "guessed: make a longer one with `openssl rand -hex 32`.",
    ),
    Hazard(
        "upstream-in-the-clear",
        False,
        _upstream_in_the_clear,
        "An upstream is asked by http, so that its token is sent in the clear: set the address "
        "(T5G_JIRA_URL and the like) to https.",
    ),
    Hazard(
        "redis-in-the-clear",
        False,
        _redis_in_the_clear,
        "Redis on another machine is asked without TLS, and it has every case: use rediss:// in "
        "T5G_REDIS_URL.",
    ),
    Hazard(
        "mail-in-the-clear",
        False,
        _mail_in_the_clear,
        "The password of T5G_SMTP_URL is sent in the clear: use smtps:// or smtp+starttls://.",
    ),
    Hazard(
        "long-sessions",
        False,
        lambda s: max(s.session_hours, s.session_idle_hours) > LONGEST_SESSION,
        "Sessions last longer than a week: set T5G_SESSION_HOURS and T5G_SESSION_IDLE_HOURS to a "
        "working day.",
    ),
)
