"""Log lines: one JSON object each (or readable on a terminal), with ids, never with a secret.

Every process calls `setup_logging` once. `bind` puts ids (request, job, case) on all lines that
follow in the same task. Secrets known from the settings are struck out of every line, also of
those that libraries write, and so is what looks like a bearer token or a signed URL.
"""

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog
from pydantic import SecretStr
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.typing import EventDict, WrappedLogger

from t5g.settings import Settings

STRUCK = "[secret]"
_SHORTEST = 6
_PATTERNS = re.compile(
    r"(?i)((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|((?:api_key|access_token|refresh_token|secret|token|signature)=)[^\s&\"']+"
    r"|(xox[abpse]-)[A-Za-z0-9-]+|(xapp-)[A-Za-z0-9-]+"
    r"|(hooks\.slack\.com/[a-z]+/)\S+"
)
_LOUD = ("slack_bolt", "slack_sdk", "aiohttp.access", "urllib3", "httpx", "httpcore", "rq", "jira")


class Scrubber:
    """Strikes known secrets and what looks like one out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._known is not None:
            text = self._known.sub(STRUCK, text)
        return _PATTERNS.sub(lambda m: next((g for g in m.groups() if g), "") + STRUCK, text)

    def process(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Scrub every text of a log event (a structlog processor)."""
        return {key: self._value(value) for key, value in event.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value if isinstance(value, int | float | bool | None) else self(str(value))


def secrets_of(settings: Settings) -> list[str]:
    """List every secret that the settings hold, each word of a list of secrets too."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    texts = [v.get_secret_value() for v in values if isinstance(v, SecretStr)]
    return [word for text in texts for word in (text, *text.split())]


def setup_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, libraries included, to `stream` (standard error)."""
    stream = stream or sys.stderr
    readable = settings.log_format == "console" or (
        settings.log_format == "auto" and stream.isatty()
    )
    scrub = Scrubber(secrets_of(settings))
    shared: list[Any] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if readable
        else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                scrub.process,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    return structlog.stdlib.get_logger(name)


def bind(**ids: str) -> AbstractContextManager[Any]:
    """Put ids on every line written within the `with` block (and the tasks it starts)."""
    return bound_contextvars(**{key: value for key, value in ids.items() if value})
