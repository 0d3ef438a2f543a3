"""Errors to Sentry, if the operator wants that: scrubbed like log lines, without bodies or values.

Only what is logged as an error is sent. Nothing is sent while `T5G_SENTRY_DSN` is empty.
"""

import sys
from typing import TYPE_CHECKING, Any, cast

from structlog.contextvars import get_contextvars

import t5g
from t5g.logs import Scrubber, secrets_of
from t5g.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

PATIENCE = 2.0
#: Parts of an event that may hold what people wrote or what upstreams answered.
_DROPPED = ("request", "user", "breadcrumbs", "modules", "server_name", "extra")


def setup_sentry(settings: Settings, process: str) -> bool:
    """Send errors of this process to Sentry; say whether that is wanted."""
    dsn = settings.sentry_dsn.get_secret_value()
    if not dsn:
        return False
    import sentry_sdk  # not before: few want it, and it takes long to load
    from sentry_sdk.integrations.logging import LoggingIntegration

    scrub = Scrubber(secrets_of(settings))

    def scrubbed(event: "Event", _: "Hint") -> "Event | None":
        kept: dict[str, Any] = {k: v for k, v in event.items() if k not in _DROPPED}
        ids = {name: str(value) for name, value in get_contextvars().items()}
        kept["tags"] = {**kept.get("tags", {}), **ids, "process": process}
        return cast("Event", scrub.deeply(kept))

    sentry_sdk.init(
        dsn=dsn,
        release=f"t5g@{t5g.__version__}",
        environment=settings.sentry_environment,
        before_send=scrubbed,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        server_name="",
        auto_enabling_integrations=False,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=40)],
        shutdown_timeout=int(PATIENCE),
    )
    return True


def flush_sentry() -> None:
    """Send what waits, before a process ends without ceremony (RQ's forks do)."""
    sentry_sdk = sys.modules.get("sentry_sdk")
    if sentry_sdk is not None and sentry_sdk.is_initialized():
        sentry_sdk.flush(PATIENCE)
