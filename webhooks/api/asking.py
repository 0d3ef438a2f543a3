"""Reads what a request to the API asks for; what makes no sense is refused, never guessed."""

from aiohttp import web

from t5g.errors import T5GError

DEFAULT_LIMIT = 50
MOST = 500


class ParameterError(T5GError):
    """A parameter of the request is not usable."""

    status = 400


def only(request: web.Request, *names: str) -> None:
    """Refuse parameters that do not exist: a mistyped one would silently be ignored."""
    unknown = sorted(set(request.query) - set(names))
    if unknown:
        known = ", ".join(names) or "none"
        raise ParameterError(f"There is no parameter “{unknown[0][:40]}” here; there is: {known}.")


def limit_of(request: web.Request) -> int:
    """Read how many items are wanted."""
    text = request.query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= MOST:
        raise ParameterError(f"limit is a number from 1 to {MOST}, not “{text[:20]}”.")
    return number
