"""What can go wrong, named after what the caller can do about it.

T5GError              shown to people as it is: it says what failed and what to do
├── SettingsError     mend the settings; carries one line for each mistake
├── QueryError        mend the query; carries the word not understood and a suggestion
├── NotFoundError     no such case, account, engineer or command
├── RefusedError      this person may not do this
├── UnsureError       who asks could not be looked up now; try again
├── StoreError        Redis is gone or refuses writes; try again
└── UpstreamError     Portal, JIRA, Bugzilla or Slack failed; what is known was kept
"""

from collections.abc import Sequence


class T5GError(Exception):
    """An error whose text is meant for the person who caused or meets it."""

    #: The HTTP status that says the same.
    status = 500


class SettingsError(T5GError):
    """One or more settings are wrong or missing; `lines` has a sentence for each."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("The settings are not usable:\n" + "\n".join(f"  {x}" for x in lines))


class QueryError(T5GError):
    """A query could not be understood.

    `message` says why, `text` is the part that was not, `suggestion` the nearest valid text (or
    ""), `example` a query that works.
    """

    status = 400

    def __init__(
        self, message: str, *, text: str = "", suggestion: str = "", example: str = ""
    ) -> None:
        self.message = message
        self.text = text
        self.suggestion = suggestion
        self.example = example
        parts = [message]
        if suggestion:
            parts.append(f"Did you mean {suggestion}?")
        if example:
            parts.append(f"Example: {example}")
        super().__init__(" ".join(parts))


class NotFoundError(T5GError):
    """What was asked for does not exist."""

    status = 404


class RefusedError(T5GError):
    """The person may not do this; the text says who may."""

    status = 403


class UnsureError(T5GError):
    """It could not be looked up now whether the person may; that is no refusal.

    `why`: the word of who was asked, "" if there was none.
    """

    status = 503

    def __init__(self, message: str, *, why: str = "") -> None:
        self.why = why
        super().__init__(message)


class StoreError(T5GError):
    """The store can not be reached or refuses writes."""

    status = 503


class UpstreamError(T5GError):
    """The upstream `service` failed after all retries; `transient` says whether to try later.

    `concerns_all`: whatever else were asked of the service would fail too (the token is refused,
    the host is gone, it wants to be left alone). Else it concerns only what was asked for: one
    case, card, issue or bug, or one batch of them.
    """

    status = 502

    def __init__(
        self, service: str, message: str, *, transient: bool = True, concerns_all: bool = False
    ) -> None:
        self.service = service
        self.transient = transient
        self.concerns_all = concerns_all
        super().__init__(f"{service}: {message}")
