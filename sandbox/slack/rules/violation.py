"""What a broken rule looks like: the code that Slack answers, where, and what is wrong.

Knows nothing of blocks or messages: it is the vocabulary the checks report in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

#: Codes that Slack never answers: it takes the message and shows it wrongly (or cut). They are
#: reported because a person would see the mistake; the Web API stand-in lets them through.
ADVICE: Final = frozenset({"bad_mrkdwn", "text_cut", "ambiguous"})


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: `code` as Slack names it, `path` as a JSON pointer into the payload."""

    code: str
    path: str
    message: str

    @property
    def refused(self) -> bool:
        """Whether Slack refuses the payload for this (else it shows it wrongly)."""
        return self.code not in ADVICE

    def __str__(self) -> str:
        return f"{self.code}: {self.message} [json-pointer:{self.path}]"


class Findings:
    """Collects violations while a payload is walked."""

    def __init__(self, code: str = "invalid_blocks") -> None:
        self.violations: list[Violation] = []
        self._code = code

    def add(self, path: str, message: str, code: str | None = None) -> None:
        """Record a broken rule at `path`, with the walk's own code unless one is given."""
        self.violations.append(Violation(code or self._code, path or "/", message))

    @contextmanager
    def coded(self, code: str) -> Iterator[None]:
        """Report under another code for a while (attachments have their own)."""
        before, self._code = self._code, code
        try:
            yield
        finally:
            self._code = before
