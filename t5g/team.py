"""The team file: who the people are, and who may do what. One TOML file for Slack and the page.

A person is found by Slack id, e-mail or JIRA account, or by any part of a name that fits one only.
A role comes from the person's own line, from a Slack user group or from a group of the SAML login;
the highest one counts. This module knows neither Slack nor SAML, only their ids and names.

    [roles.viewer]
    everyone = true                      # every member of the Slack workspace (the default)

    [roles.engineer]
    slack_groups = ["S0123ENG"]          # ids of user groups
    saml_groups = ["t5g-engineers"]

    [[people]]                           # who stands here is an engineer unless `role` says else
    name = "Ann Müller"
    email = "ann@example.com"            # the same as `Ann@Example.com`, see t5g/addresses.py
    jira = "557058:0a1b"                 # accountId (Cloud) or name (Data Center)
    slack = "U012ABCDEF"
    portal = "rhn-support-ann"           # name in the Portal, for watchers of cases
    accounts = ["Acme"]                  # whose new cases are theirs
    away = [{ from = 2026-12-24, until = 2027-01-02 }]    # both days included
"""

import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from t5g.addresses import address_of, same_address
from t5g.errors import SettingsError
from t5g.logs import logger
from t5g.model import Person

log = logger(__name__)


class Role(StrEnum):
    """What somebody may do; each role may also do what the ones before it may."""

    VIEWER = "viewer"
    ENGINEER = "engineer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Higher may do more."""
        return list(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """Say whether this role may do what `other` may."""
        return self.rank >= other.rank


class Away(Struct, frozen=True):
    """Days on which somebody gets no cases, the last one included."""

    begin: date
    until: date

    def covers(self, day: date) -> bool:
        """Say whether somebody is away on that day."""
        return self.begin <= day <= self.until


class Member(Struct, frozen=True, kw_only=True):
    """Somebody of the team. `accounts`: parts of the names of accounts that are theirs."""

    name: str
    email: str = ""
    jira: str = ""
    slack: str = ""
    portal: str = ""
    accounts: tuple[str, ...] = ()
    active: bool = True
    role: Role = Role.ENGINEER
    away: tuple[Away, ...] = ()

    def available(self, day: date) -> bool:
        """Say whether new cases may go to them on that day."""
        return self.active and not any(away.covers(day) for away in self.away)

    @property
    def names(self) -> frozenset[str]:
        """Everything they go by, casefolded: what a search for them may name."""
        return frozenset(x.casefold() for x in (self.name, self.email, self.jira) if x)


class Me(Struct, frozen=True, kw_only=True):
    """Who `me` is in a query: a JIRA account and an address ("" if unknown), and casefolded names.

    A name decides only where neither account nor address can: two people may have the same one.
    """

    account: str = ""
    email: str = ""
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, member: Member | None, email: str, *names: str) -> "Me":
        """Return who somebody is: the member of the team (if they are one), else by address."""
        own = (*names, member.name if member else "")
        return cls(
            account=member.jira if member else "",
            email=email or (member.email if member else ""),
            names=frozenset(name.casefold() for name in own if name),
        )

    def is_person(self, person: Person) -> bool:
        """Return whether a JIRA user is this person."""
        if self.account and person.account:
            return self.account == person.account
        if self.email and person.email:
            return same_address(self.email, person.email)
        return self.is_called(person.name)

    def is_called(self, name: str) -> bool:
        """Return whether they go by a name: for people of whom no more is known."""
        return name.casefold() in self.names


class Grant(Struct, frozen=True, kw_only=True):
    """Who has a role: members of groups, people by e-mail, or everyone in the workspace."""

    everyone: bool = False
    people: frozenset[str] = frozenset()
    slack_groups: frozenset[str] = frozenset()
    saml_groups: frozenset[str] = frozenset()


_OPEN: Mapping[Role, Grant] = {Role.VIEWER: Grant(everyone=True)}


class Team(Struct, frozen=True, kw_only=True):
    """The people and the roles. Without a file: everyone in the workspace may read."""

    members: tuple[Member, ...] = ()
    grants: Mapping[Role, Grant] = msgspec.field(default_factory=lambda: dict(_OPEN))

    def by_slack(self, user_id: str) -> Member | None:
        """The member with that Slack id."""
        return next((m for m in self.members if m.slack and m.slack == user_id), None)

    def by_email(self, email: str) -> Member | None:
        """The member with that e-mail address."""
        return next((m for m in self.members if same_address(m.email, email)), None)

    def by_jira(self, account: str) -> Member | None:
        """The member with that JIRA account."""
        return next((m for m in self.members if m.jira and m.jira == account), None)

    def find(self, text: str) -> list[Member]:
        """Return whom a text may mean: exact names first, then parts of names and addresses."""
        wanted = folded(text.strip().removeprefix("@"))
        if not wanted:
            return []
        names = [(member, [folded(name) for name in member.names]) for member in self.members]
        exact = [member for member, known in names if wanted in known]
        return exact or [m for m, known in names if any(wanted in name for name in known)]

    def role_of(
        self,
        *,
        slack: str = "",
        email: str = "",
        slack_groups: Iterable[str] = (),
        saml_groups: Iterable[str] = (),
    ) -> Role | None:
        """Return the highest role of somebody, or None for who may not even read.

        `slack`: the user id of a member of the Slack workspace ("" for who comes by the page).
        """
        member = (self.by_slack(slack) if slack else None) or self.by_email(email)
        given = {member.role} if member and member.active else set[Role]()
        groups, logins = frozenset(slack_groups), frozenset(saml_groups)
        address = address_of(email)
        for role, grant in self.grants.items():
            if (
                (grant.everyone and slack)
                or (address and address in grant.people)
                or groups & grant.slack_groups
                or logins & grant.saml_groups
            ):
                given.add(role)
        return max(given, key=lambda role: role.rank, default=None)

    @property
    def slack_groups(self) -> frozenset[str]:
        """Every Slack user group that gives a role."""
        return frozenset(x for grant in self.grants.values() for x in grant.slack_groups)


#: Characters of a name that are looked at: to put many marks into their order takes quadratic time.
LONGEST_NAME = 200


def folded(text: str) -> str:
    """A name as people type it who lack its letters: no case, no accents."""
    apart = unicodedata.normalize("NFKD", text[:LONGEST_NAME].casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


class TeamFile:
    """The team as its file says now: read again when it changes.

    A file that broke while the program runs is told in the log, and the last good one stays.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._team = Team()

    def read(self) -> Team:
        """Return the team. Raises SettingsError if the file was never good."""
        if self._path is None:
            return self._team
        stamp = _stamp(self._path)
        if stamp is None or stamp != self._stamp:
            self._reload(self._path, stamp)
        return self._team

    def _reload(self, path: Path, stamp: tuple[int, int] | None) -> None:
        first = self._stamp is None
        self._stamp = stamp or (0, 0)
        try:
            self._team = load_team(path)
        except SettingsError as error:
            if first:
                self._stamp = None
                raise
            log.warning("team_file_unusable", lines=list(error.lines))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def load_team(path: Path) -> Team:
    """Read a team file. Raises SettingsError with a line for every mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: can not be read ({type(error).__name__})"]) from error
    return parse_team(text, str(path))


def parse_team(text: str, name: str = "team file") -> Team:
    """Read the text of a team file. Raises SettingsError with a line for every mistake."""
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise SettingsError([f"{name}: is nested too deeply"]) from None
    except ValueError as error:  # no TOML, or a number beyond all
        raise SettingsError([f"{name}: {error}"]) from None
    reader = _Reader(name)
    reader.known(document, ("roles", "people"), "the file")
    members = reader.members(document.get("people", []))
    grants = reader.grants(document.get("roles", {}))
    if reader.mistakes:
        raise SettingsError(reader.mistakes)
    return Team(members=tuple(members), grants=grants)


_PERSON = ("name", "email", "jira", "slack", "portal", "accounts", "active", "role", "away")
_GRANT = ("everyone", "people", "slack_groups", "saml_groups")


class _Reader:
    """Takes values out of a document and notes every mistake with its place."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.mistakes: list[str] = []

    def members(self, rows: Any) -> list[Member]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._wrong("people", "must be tables: [[people]]")
            return []
        found = [self._member(row, f"people[{n}]") for n, row in enumerate(rows, start=1)]
        for key, same in (("email", address_of), ("jira", str), ("slack", str)):
            self._unique(found, key, same)
        return found

    def grants(self, table: Any) -> dict[Role, Grant]:
        if not isinstance(table, dict):
            self._wrong("roles", "must be a table")
            return {}
        self.known(table, list(Role), "roles")
        grants = {role: self._grant(table[role], f"roles.{role}") for role in Role if role in table}
        grants.setdefault(Role.VIEWER, Grant(everyone=True))
        return grants

    def known(self, table: Mapping[str, Any], names: Sequence[str], where: str) -> None:
        for key in table:
            if key not in names:
                near = get_close_matches(key, names, n=1)
                hint = f"; did you mean `{near[0]}`?" if near else f"; known: {', '.join(names)}"
                self._wrong(where, f"`{key}` is not known{hint}")

    def _member(self, row: dict[str, Any], where: str) -> Member:
        self.known(row, _PERSON, where)
        name = self._text(row, "name", where)
        if not name:
            self._wrong(where, "`name` is missing")
        return Member(
            name=name,
            email=self._text(row, "email", where),
            jira=self._text(row, "jira", where),
            slack=self._text(row, "slack", where),
            portal=self._text(row, "portal", where),
            accounts=self._texts(row, "accounts", where),
            active=self._flag(row, "active", where, default=True),
            role=self._role(row, where),
            away=tuple(self._aways(row.get("away", []), where)),
        )

    def _grant(self, table: Any, where: str) -> Grant:
        if not isinstance(table, dict):
            self._wrong(where, "must be a table")
            return Grant()
        self.known(table, _GRANT, where)
        return Grant(
            everyone=self._flag(table, "everyone", where, default=False),
            people=frozenset(map(address_of, self._texts(table, "people", where))),
            slack_groups=frozenset(self._texts(table, "slack_groups", where)),
            saml_groups=frozenset(self._texts(table, "saml_groups", where)),
        )

    def _aways(self, rows: Any, where: str) -> Iterable[Away]:
        if not isinstance(rows, list):
            self._wrong(where, "`away` must be a list of { from = DATE, until = DATE }")
            return
        for row in rows:
            begin = row.get("from") if isinstance(row, dict) else None
            until = row.get("until") if isinstance(row, dict) else None
            if type(begin) is not date or type(until) is not date:
                self._wrong(where, "`away` needs `from` and `until` as dates: 2026-12-24")
            elif begin > until:
                self._wrong(where, f"`away`: {begin} is after {until}")
            else:
                yield Away(begin, until)

    def _role(self, row: dict[str, Any], where: str) -> Role:
        text = self._text(row, "role", where)
        if text and text not in list(Role):
            self._wrong(where, f"`role` {text!r} is none of {', '.join(Role)}")
            return Role.VIEWER
        return Role(text) if text else Role.ENGINEER

    def _text(self, row: Mapping[str, Any], key: str, where: str) -> str:
        value = row.get(key, "")
        if not isinstance(value, str):
            self._wrong(where, f"`{key}` must be a text")
            return ""
        return value.strip()

    def _texts(self, row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        values = row.get(key, [])
        if not isinstance(values, list) or not all(isinstance(x, str) for x in values):
            self._wrong(where, f"`{key}` must be a list of texts")
            return ()
        return tuple(x.strip() for x in values if x.strip())

    def _flag(self, row: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
        value = row.get(key, default)
        if not isinstance(value, bool):
            self._wrong(where, f"`{key}` must be true or false")
            return default
        return value

    def _unique(self, members: Sequence[Member], key: str, same: Callable[[str], str]) -> None:
        seen: dict[str, str] = {}
        for member in members:
            value = same(getattr(member, key))
            if value and value in seen:
                self._wrong("people", f"{seen[value]} and {member.name} have the same `{key}`")
            seen.setdefault(value, member.name)

    def _wrong(self, where: str, what: str) -> None:
        self.mistakes.append(f"{self._name}: {where}: {what}")


def team_text(team: Team) -> str:
    """Write a team as the text of a team file: reading it gives the same team."""
    parts = [_grant_text(role, grant) for role, grant in team.grants.items()]
    parts += [_member_text(member) for member in team.members]
    return "\n".join(parts)


def _grant_text(role: Role, grant: Grant) -> str:
    lines = [f"[roles.{role}]", f"everyone = {'true' if grant.everyone else 'false'}"]
    lines += [f"{key} = {_list_text(sorted(getattr(grant, key)))}" for key in _GRANT[1:]]
    return "\n".join(lines) + "\n"


def _member_text(member: Member) -> str:
    lines = ["[[people]]"]
    lines += [f"{key} = {_quoted(getattr(member, key))}" for key in _PERSON[:5]]
    away = ", ".join(f"{{ from = {x.begin}, until = {x.until} }}" for x in member.away)
    lines += [
        f"accounts = {_list_text(member.accounts)}",
        f"active = {'true' if member.active else 'false'}",
        f"role = {_quoted(member.role)}",
        f"away = [{away}]",
    ]
    return "\n".join(lines) + "\n"


def _list_text(values: Iterable[str]) -> str:
    return "[" + ", ".join(_quoted(value) for value in values) + "]"


def _quoted(text: str) -> str:
    """A TOML basic string: quotes, backslashes and control characters are escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
