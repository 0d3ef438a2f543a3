"""Bodies of senders who have not proved yet who they are: bounded in size, time and number.

Whoever reads a body of a request reads it here. All that is held for such senders at once has one
budget; when it is used up, the largest body gives way, so that whoever sends much does not shut out
those who send little. Nothing is held after the end, however it comes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from t5g.errors import T5GError

#: For all at once: one event of JIRA's largest size, and a thousand usual ones beside it.
BUDGET = 48 * 1024 * 1024
#: Seconds for one body, from its head to its end.
PATIENCE = 30.0
FORM = "application/x-www-form-urlencoded"
FORM_LIMIT = 512 * 1024
MOST_FIELDS = 100


class BodyError(T5GError):
    """A body was not read to its end; `reason` is the word for metrics."""

    status = 400
    reason = "body"


class TooLargeError(BodyError):
    """It is larger than this address takes."""

    status = 413
    reason = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.")


class TooSlowError(BodyError):
    """It did not come to its end in time."""

    status = 408
    reason = "too_slow"

    def __init__(self) -> None:
        super().__init__("The body did not arrive in time.")


class CutShortError(BodyError):
    """The sender left before its end, or it is not packed as it says."""

    reason = "cut_short"

    def __init__(self) -> None:
        super().__init__("The body ended too early.")


class CrowdedError(BodyError):
    """Too much is being sent by people who are not known."""

    status = 503
    reason = "crowded"

    def __init__(self) -> None:
        super().__init__("Too much is being sent here at once; try again in a moment.")


class NoFormError(BodyError):
    """It should be a form and is none."""

    reason = "no_form"

    def __init__(self) -> None:
        super().__init__("The form can not be read.")


class _Held:
    """What has come of one body. `whole`: all of it; it does not give way any more."""

    def __init__(self, scope: asyncio.Timeout) -> None:
        self.data = bytearray()
        self.size = 0
        self.scope = scope
        self.whole = False
        self.given_up = False


class Budget:
    """Bytes that are held for all unproved senders of a process at once."""

    def __init__(self, most: int = BUDGET) -> None:
        self._most = most
        self._held = set[_Held]()
        self.used = 0

    def open(self, held: _Held) -> None:
        """Begin with a body."""
        self._held.add(held)

    def add(self, held: _Held, chunk: bytes) -> None:
        """Hold more of one body; where there is no room the largest that comes gives way."""
        held.data += chunk
        held.size += len(chunk)
        self.used += len(chunk)
        if self.used > self._most:
            largest = max((one for one in self._held if not one.whole), key=lambda one: one.size)
            largest.given_up = True
            self._forget(largest)
            largest.scope.reschedule(asyncio.get_running_loop().time())

    def close(self, held: _Held) -> None:
        """Hold nothing of it any more."""
        self._held.discard(held)
        self._forget(held)

    def _forget(self, held: _Held) -> None:
        self.used -= held.size
        held.size = 0
        held.data.clear()


BODIES: Final = web.AppKey("BODIES", Budget)


@asynccontextmanager
async def body_of(
    request: web.Request,
    limit: int,
    *,
    each: Callable[[bytes], object] | None = None,
    proved: bool = False,
    patience: float = PATIENCE,
) -> AsyncIterator[bytes]:
    """Give the body of a sender who proves who they are within the block. Raises BodyError.

    `each` is called with each part as it comes (to compute what the whole is compared with).
    `proved`: who sends is known from the head, and their body gives way to nobody's.
    """
    budget = Budget(limit) if proved else request.app.get(BODIES, Budget())
    if (request.content_length or 0) > limit:
        raise TooLargeError(limit)
    if request.content.is_eof() and request.content.exception() is None:
        data = request.content.read_nowait()  # all of it is here already
        if len(data) > limit:
            raise TooLargeError(limit)
        if each is not None:
            each(data)
        yield data
        return
    held = _Held(asyncio.timeout(patience))
    budget.open(held)
    try:
        yield await _whole(request, limit, budget, held, each)
    finally:
        budget.close(held)


async def _whole(
    request: web.Request,
    limit: int,
    budget: Budget,
    held: _Held,
    each: Callable[[bytes], object] | None,
) -> bytes:
    # A class, no error: an error that is kept where it is raised keeps all of that, too.
    failure: Callable[[], BodyError] | None = None
    try:
        async with held.scope:
            async for chunk in request.content.iter_any():
                if held.size + len(chunk) > limit:
                    raise TooLargeError(limit)
                budget.add(held, chunk)
                if each is not None:
                    each(chunk)
    except TimeoutError:
        failure = TooSlowError
    except (web.RequestPayloadError, ConnectionError) as error:
        # The connection keeps the error; with its frames it would keep all that was read, in a
        # circle that waits for a collector which comes after hours.
        error.__traceback__ = None
        failure = CutShortError
    if held.given_up:
        raise CrowdedError
    if failure is not None:
        raise failure()
    held.whole = True
    data = bytes(held.data)
    held.data.clear()
    return data


async def form_of(request: web.Request, limit: int = FORM_LIMIT) -> dict[str, str]:
    """Return the fields of a form; of fields with the same name the last. Raises BodyError.

    Nothing is a form without fields. Files are not taken: no page of ours sends any.
    """
    if not request.body_exists:
        return {}
    if request.content_type != FORM:
        raise NoFormError
    async with body_of(request, limit) as body:
        try:
            pairs = parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS,
                errors="strict",
            )  # fmt: skip
        except ValueError as error:
            raise NoFormError from error
    return dict(pairs)
