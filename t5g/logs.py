"""Log lines: one JSON object each (or readable on a terminal), with ids, never with a secret.

Every process calls `setup_logging` once. `bind` puts ids (request, job, case) on all lines that
follow in the same task. Secrets known from the settings are struck out of every line, also of
those that libraries write, and so is what looks like a bearer token or a signed URL.
"""

import base64
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from pydantic import SecretStr
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, WrappedLogger

from t5g.log_files import SharedRotatingFile
from t5g.settings import Settings

STRUCK = "[secret]"
_SHORTEST = 6
_PATTERNS = re.compile(
    r"(?i)((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|((?:api_key|access_token|refresh_token|id_token|client_secret|password|secret|token"
    r"|ticket|signature|SAMLResponse)=)[^\s&\"']+"
    r"|([\"'](?:access_token|refresh_token|id_token|client_secret|password|api_key)[\"']\s*:\s*"
    r"[\"'])[^\"']+"
    r"|((?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\"'\n]+"
    r"|(x-(?:slack|hub)-signature[\"']?\s*[:=]\s*[\"']?)[^\"'\s]+"
    r"|(://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"
    r"|(xox[abpse]-)[A-Za-z0-9-]+|(xapp-)[A-Za-z0-9-]+"
    r"|(hooks\.slack\.com/[a-z]+/)\S+"
)
#: Without one of these no pattern matches; looking for them is fifty times faster.
_HINTS = (
    "bearer", "basic", "token", "secret", "password", "api_key", "signature", "samlresponse",
    "cookie", "xox", "xapp-", "hooks.slack", "ticket=", "@",
)  # fmt: skip
#: Values without others in them.
_FLAT = (str, int, float, type(None))
_LOUD = (
    "slack_bolt", "slack_sdk", "aiohttp.access", "urllib3", "httpx", "httpcore", "rq", "jira",
    "gunicorn",
    "rq.worker",  # which is set to INFO when it is loaded, unless it has a level of its own
)  # fmt: skip


class Scrubber:
    """Strikes known secrets and what looks like one out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(_tolerant, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._known is not None:
            text = self._known.sub(STRUCK, text)
        if not _hinted(text):
            return text
        return _PATTERNS.sub(lambda m: next((g for g in m.groups() if g), "") + STRUCK, text)

    def process(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Scrub every text of a log event (a structlog processor).

        Most have nothing to strike: that is seen in one look at all their texts together.
        """
        values = event.values()
        if all(isinstance(value, _FLAT) for value in values) and self._clean(
            "\n".join([value for value in values if isinstance(value, str)])
        ):
            return event
        return {key: self.deeply(value) for key, value in event.items()}

    def _clean(self, text: str) -> bool:
        """Say whether nothing in `text` could be a secret."""
        known = self._known is not None and self._known.search(text) is not None
        return not known and not _hinted(text)

    def deeply(self, value: Any) -> Any:
        """Return `value` with every text in it scrubbed."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, bytes | bytearray):
            return self(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, Mapping):
            return {self(str(key)): self.deeply(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.deeply(item) for item in value]
        return value if isinstance(value, int | float | bool | None) else self(str(value))


def _hinted(text: str) -> bool:
    lower = text.lower()
    return any(hint in lower for hint in _HINTS)


def secrets_of(settings: Settings) -> list[str]:
    """List every secret that the settings hold: each word, also as it is sent or printed."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    texts = [v.get_secret_value() for v in values if isinstance(v, SecretStr)]
    words = {word for text in texts for word in (text, *text.split()) if not _PLAIN.fullmatch(word)}
    words |= {password for value in values for password in _passwords_in(value)}
    pair = f"{settings.jira_user}:{settings.jira_token.get_secret_value()}"
    words.add(base64.b64encode(pair.encode()).decode())
    return sorted(words)


#: Words around a key in PEM, which say nothing.
_PLAIN = re.compile(r"-*(?:[A-Z]+-*)?")


def _passwords_in(value: object) -> Iterator[str]:
    """Yield the passwords of an address, such as that of Redis."""
    if "://" not in str(value):
        return
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return
    asked = parse_qs(parts.query)
    for found in (parts.password, *asked.get("password", ()), *asked.get("sentinel_password", ())):
        if found:
            yield found
            yield unquote(found)


def _tolerant(secret: str) -> str:
    """Return a pattern of a secret as it is, in an address, and within (nested) quotes."""
    return "".join(map(_letter, secret))


def _letter(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return letter
    raw = letter.encode("utf-8", "surrogatepass")
    percent = "".join(f"%{byte:02X}" for byte in raw)
    forms = [rf"\\*{re.escape(letter)}", percent, percent.lower()]
    if letter == " ":
        forms.append(r"\+")
    if letter == "\n":
        forms.append(r"\\+n")
    if not letter.isascii():
        forms.append(rf"\\+u{ord(letter):04x}")
        forms.append("".join(rf"\\+x{byte:02x}" for byte in raw))
    return f"(?:{'|'.join(forms)})"


def setup_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, libraries included, to `stream` (standard error).

    With `T5G_LOG_FILE` they go, as JSON, into that file too.
    """
    stream = stream or sys.stderr
    scrub = Scrubber(secrets_of(settings))
    structlog.configure(
        processors=[*_SHARED, _hand_over],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(stream)]
    handlers[0].setFormatter(_formatter(scrub, *_renderers(settings, stream)))
    if settings.log_file is not None:
        handlers.append(_file(settings.log_file, settings, scrub))
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, SharedRotatingFile):
            old.close()
    root.handlers[:] = handlers
    _set_levels(settings, root)


_SHARED: list[Any] = [
    merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_JSON = structlog.processors.JSONRenderer(default=str)


def _hand_over(logger: WrappedLogger, name: str, event: EventDict) -> Any:
    """Hand an event to the package `logging`, its exception too: others listen there (Sentry)."""
    arguments, options = structlog.stdlib.ProcessorFormatter.wrap_for_formatter(logger, name, event)
    if event.get("exc_info"):
        options["exc_info"] = event["exc_info"]
    return arguments, options


def _renderers(settings: Settings, stream: TextIO) -> list[Any]:
    if settings.log_format == "console" or (settings.log_format == "auto" and stream.isatty()):
        return [_calm, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    return [_JSON]


#: What steers a terminal or turns the direction of a line.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _calm(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Show what would steer a terminal instead of doing it; only tracebacks have several lines."""
    for key, value in event.items():
        if isinstance(value, str):
            kept = "\n\t" if key == "exception" else ""
            event[key] = _STEERING.sub(lambda found: _shown(found[0], kept), value)  # noqa: B023
    return event


def _shown(letter: str, kept: str) -> str:
    return letter if letter in kept else letter.encode("unicode_escape").decode()


def _formatter(scrub: Scrubber, *renderers: Any) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            scrub.process,
            *renderers,
        ],
    )


def _file(path: Path, settings: Settings, scrub: Scrubber) -> logging.Handler:
    handler = SharedRotatingFile(
        path, most_bytes=settings.log_file_bytes, keep=settings.log_file_count
    )
    handler.setFormatter(_formatter(scrub, _JSON))
    return handler


def _set_levels(settings: Settings, root: logging.Logger) -> None:
    root.setLevel(settings.log_level.upper())
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))
    for part in settings.log_levels.replace(",", " ").split():
        name, _, level = part.partition("=")
        logging.getLogger(name).setLevel(level.upper())


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module."""
    return structlog.stdlib.get_logger(name)


def bind(**ids: str) -> AbstractContextManager[Any]:
    """Put ids on every line written within the `with` block (and the tasks it starts)."""
    return bound_contextvars(**{key: value for key, value in ids.items() if value})


def current_ids() -> dict[str, str]:
    """Return the id of the request that is being answered, to be handed on with its work."""
    found = get_contextvars().get("request")
    return {"request": str(found)} if found else {}


def current_trace() -> str:
    """Return the id to send to an upstream: of the request, else of the job, or ""."""
    return current_ids().get("request", "") or str(get_contextvars().get("job") or "")
