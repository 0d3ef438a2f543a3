"""The bugs, who may see them, and what can be asked of them; REST and XML-RPC only differ in dress.

Knows no HTTP. A restricted bug exists for everybody and may be read by nobody here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final

API_KEY: Final = "sandbox-bugzilla-key-not-secret"
ACCOUNT: Final = "t5g-bot@example.com"
#: Statuses of Red Hat's workflow.
STATUSES: Final = (
    "NEW",
    "ASSIGNED",
    "POST",
    "MODIFIED",
    "ON_QA",
    "VERIFIED",
    "RELEASE_PENDING",
    "CLOSED",
)

Json = dict[str, Any]


class BugzillaError(Exception):
    """What Bugzilla answers instead; `code` as it numbers its errors."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True, kw_only=True)
class SandboxBug:
    """A bug. `target_release` is a list, as on Red Hat's server; `["---"]` means none."""

    id: int
    summary: str = ""
    status: str = "NEW"
    resolution: str = ""
    severity: str = "medium"
    priority: str = "medium"
    product: str = "OpenShift Container Platform"
    component: str = "Networking"
    version: str = "4.16"
    target_release: list[str] = field(default_factory=lambda: ["---"])
    target_milestone: str = "---"
    assigned_to: str = ""
    qa_contact: str = ""
    creator: str = ""
    whiteboard: str = ""
    internal_whiteboard: str = ""
    keywords: list[str] = field(default_factory=list)
    alias: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    created: datetime
    changed: datetime
    restricted: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the bug is not closed."""
        return self.status != "CLOSED"


_FIELDS: Final = frozenset(one.name for one in fields(SandboxBug))


class BugzillaState:
    """All bugs by id, and the one account that has an API key."""

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        api_key: str = API_KEY,
        account: str = ACCOUNT,
    ) -> None:
        self.bugs: dict[int, SandboxBug] = {}
        self.api_key = api_key
        self.account = account
        #: Rows that a search answers without a limit; Red Hat's server was seen to give 20.
        self.default_limit: int | None = None
        #: Fields that this server does not have: only Red Hat's has an internal whiteboard.
        self.lacks: set[str] = set()
        #: Bugs whose people got mail of a change, once for each change that was not a minor one.
        self.mailed: list[int] = []
        self._clock = clock

    def now(self) -> datetime:
        """The time as Bugzilla writes it down: whole seconds."""
        return self._clock().replace(microsecond=0)

    # changes

    def add_bug(self, bug_id: int, **facts: Any) -> SandboxBug:
        """File a bug; times not given are now."""
        created = facts.pop("created", self.now())
        changed = facts.pop("changed", created)
        bug = SandboxBug(id=bug_id, created=created, changed=changed, **facts)
        self.bugs[bug_id] = bug
        return bug

    def update_bug(self, bug_id: int, **changes: Any) -> SandboxBug:
        """Change a bug; raises KeyError for an unknown bug, ValueError for an unknown fact."""
        if unknown := sorted(set(changes) - _FIELDS):
            raise ValueError(f"a bug has no {', '.join(unknown)}")
        bug = self.bugs[bug_id]
        for name, value in {"changed": self.now(), **changes}.items():
            setattr(bug, name, value)
        return bug

    def remove_bug(self, bug_id: int) -> None:
        """Let a bug vanish."""
        del self.bugs[bug_id]

    # what may be seen

    def account_of(self, key: str | None) -> str | None:
        """Whose API key it is; None for no key. Raises BugzillaError 306 for a bad one."""
        if key is None:
            return None
        if key != self.api_key:
            raise BugzillaError(
                306,
                "The API key you specified is invalid. Please check that you typed it correctly.",
            )
        return self.account

    def get(self, name: int | str, account: str | None) -> SandboxBug:
        """The bug of that id or alias. Raises BugzillaError if it is missing or restricted."""
        bug = self._named(name)
        if bug is None:
            text = str(name)
            if text.isdecimal():
                raise BugzillaError(101, f"Bug #{text} does not exist.")
            raise BugzillaError(100, f"There is no bug named '{text}'.")
        if bug.restricted:
            login = " To see this bug, you must first log in to an account with the appropriate"
            anonymous = "" if account else f"{login} permissions."
            raise BugzillaError(102, f"You are not authorized to access bug #{bug.id}.{anonymous}")
        return bug

    def _named(self, name: int | str) -> SandboxBug | None:
        text = str(name)
        if text.isdecimal():
            return self.bugs.get(int(text))
        return next((bug for bug in self.bugs.values() if text in bug.alias), None)

    def search(self, terms: Mapping[str, list[str]]) -> list[SandboxBug]:
        """The bugs that every term finds; what is missing or restricted is left out, silently.

        Raises BugzillaError 1000 without any term.
        """
        known = {name: wanted for name, wanted in terms.items() if name in _TERMS and wanted}
        if not known:
            raise BugzillaError(1000, "You may not search, or create saved searches, without terms")
        if any(self._named(alias) is None for alias in known.get("alias", ())):
            return []
        bugs = [bug for bug in self._candidates(known) if not bug.restricted]
        tests = [(_TERMS[name], wanted) for name, wanted in known.items() if name != "id"]
        found = [bug for bug in bugs if all(test(bug, wanted) for test, wanted in tests)]
        return _cut(found, terms, self.default_limit)

    def _candidates(self, terms: Mapping[str, list[str]]) -> Iterable[SandboxBug]:
        if "id" not in terms:
            return self.bugs.values()
        ids = dict.fromkeys(int(one) for one in terms["id"] if one.isdecimal())
        return [self.bugs[one] for one in sorted(ids) if one in self.bugs]


def _cut(
    bugs: list[SandboxBug], terms: Mapping[str, list[str]], default: int | None
) -> list[SandboxBug]:
    try:
        offset = int(terms.get("offset", ["0"])[0])
        limit = int(terms["limit"][0]) if terms.get("limit") else default
    except ValueError:
        raise BugzillaError(53, "limit and offset must be numbers") from None
    end = None if not limit else offset + limit
    return bugs[offset:end]


def _changed_since(bug: SandboxBug, wanted: list[str]) -> bool:
    try:
        since = datetime.fromisoformat(wanted[0])
    except ValueError:
        raise BugzillaError(50, f"'{wanted[0]}' is not a legal date.") from None
    return bug.changed >= (since if since.tzinfo else since.replace(tzinfo=UTC))


def _same(name: str) -> Callable[[SandboxBug, list[str]], bool]:
    return lambda bug, wanted: str(getattr(bug, name)) in wanted


_TERMS: Final[Mapping[str, Callable[[SandboxBug, list[str]], bool]]] = {
    "id": lambda bug, wanted: str(bug.id) in wanted,
    "alias": lambda bug, wanted: any(alias in wanted for alias in bug.alias),
    "last_change_time": _changed_since,
    **{
        name: _same(name)
        for name in ("product", "component", "status", "severity", "assigned_to", "qa_contact")
    },
}
