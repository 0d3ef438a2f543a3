"""The keys of the query language: one table for parsing, help, suggestions and menus.

A key is added here and nowhere else. Each turns its values into a predicate over an entry, the
time (seconds since the epoch) and the names of the person who asks.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from t5g.derived import SEVERITIES, Entry
from t5g.errors import QueryError
from t5g.model import CASE_NUMBER, Person, Status
from t5g.query.moments import Duration, parse_moment
from t5g.settings import INTERNAL_STATUS

Me = frozenset[str]
Predicate = Callable[[Entry, float, Me], bool]
Words = Callable[[str], Sequence[str]]
"""Gives the further valid words of a key that are known only from the data."""

NONE = "none"
ANY = "any"
ME = "me"
YES = ("yes", "true", "y", "1")
NO = ("no", "false", "n", "0")


class Field(NamedTuple):
    """A key: what it means, values to suggest, an example, and how it is compiled."""

    name: str
    meaning: str
    example: str
    compile: Callable[["Field", str, str, Words], Predicate]
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    operators: tuple[str, ...] = (":",)


def nearest(word: str, among: Sequence[str]) -> str:
    """Return the most similar of `among`, or ""."""
    found = get_close_matches(word.casefold(), [x.casefold() for x in among], n=1, cutoff=0.5)
    return next((x for x in among if found and x.casefold() == found[0]), "")


def _wrong(field: Field, value: str, allowed: Sequence[str]) -> QueryError:
    guess = nearest(value, allowed)
    shown = ", ".join(allowed[:8])
    return QueryError(
        f"“{field.name}:{value}” is not understood; {field.name} takes {shown}.",
        text=f"{field.name}:{value}",
        suggestion=f"{field.name}:{quote(guess)}" if guess else "",
        example="" if guess else field.example,
    )


def quote(value: str) -> str:
    """Put quotes around a value that needs them."""
    return f'"{value}"' if " " in value or "," in value else value


def _yes_no(test: Callable[[Entry, float], bool | None]) -> Callable[..., Predicate]:
    def compiled(field: Field, _: str, value: str, __: Words) -> Predicate:
        word = value.casefold()
        if word in YES:
            return lambda entry, now, _: test(entry, now) is True
        if word in NO:
            return lambda entry, now, _: test(entry, now) is False
        if word == "unknown" and "unknown" in field.values:
            return lambda entry, now, _: test(entry, now) is None
        raise _wrong(field, value, field.values)

    return compiled


def _choice(
    of: Callable[[Entry], str], known: Sequence[str], special: dict[str, Predicate] | None = None
) -> Callable[..., Predicate]:
    """A key whose values are a known set, plus what the data has: whole words, prefix or part."""

    def compiled(field: Field, _: str, value: str, words: Words) -> Predicate:
        word = value.casefold()
        if special and word in special:
            return special[word]
        allowed = [*(special or ()), *known, *words(field.name)]
        exact = [x for x in allowed if x.casefold() == word]
        if not exact and not any(word in x.casefold() for x in allowed):
            raise _wrong(field, value, list(dict.fromkeys(allowed)))
        if exact:
            return lambda entry, _, __: of(entry).casefold() == word
        return lambda entry, _, __: word in of(entry).casefold()

    return compiled


def _severity(field: Field, _: str, value: str, words: Words) -> Predicate:
    word = value.casefold()
    for rank, name in SEVERITIES.items():
        if word in (str(rank), name.casefold(), f"{rank} ({name.casefold()})", f"sev{rank}"):
            return lambda entry, _, __: entry.rank == rank
    others = [x for x in words(field.name) if x not in SEVERITIES.values()]
    if any(word == x.casefold() for x in others):
        return lambda entry, _, __: entry.severity.casefold() == word
    raise _wrong(field, value, [name.casefold() for name in SEVERITIES.values()] + others)


def _text(of: Callable[[Entry], str]) -> Callable[..., Predicate]:
    """A key that looks for a part of a text; `none`: the text is empty."""

    def compiled(_: Field, __: str, value: str, ___: Words) -> Predicate:
        word = value.casefold()
        if word == NONE:
            return lambda entry, _, __: not of(entry)
        if word == ANY:
            return lambda entry, _, __: bool(of(entry))
        return lambda entry, _, __: word in of(entry).casefold()

    return compiled


def _people(of: Callable[[Entry], Sequence[Person]]) -> Callable[..., Predicate]:
    """A key that looks for people; `me`: the person who asks."""

    def compiled(_: Field, __: str, value: str, ___: Words) -> Predicate:
        word = value.casefold()
        if word == NONE:
            return lambda entry, _, __: not of(entry)
        if word == ANY:
            return lambda entry, _, __: bool(of(entry))
        if word == ME:
            return lambda entry, _, me: any(is_me(person, me) for person in of(entry))
        return lambda entry, _, __: any(_named(person, word) for person in of(entry))

    return compiled


def is_me(person: Person, me: Me) -> bool:
    """Say whether `person` goes by one of the (casefolded) names in `me`."""
    return bool(me & {x.casefold() for x in (person.account, person.name, person.email) if x})


def _named(person: Person, word: str) -> bool:
    return any(word in x.casefold() for x in (person.name, person.email)) or (
        person.account.casefold() == word
    )


def _owner(_: Field, __: str, value: str, ___: Words) -> Predicate:
    word = value.casefold()
    if word == ME:
        return lambda entry, _, me: entry.case.portal.owner.casefold() in me
    if word == NONE:
        return lambda entry, _, __: not entry.case.portal.owner
    return lambda entry, _, __: word in entry.case.portal.owner.casefold()


def _listed(of: Callable[[Entry], Sequence[str]]) -> Callable[..., Predicate]:
    """A key that looks for a whole word in a list; `none`: the list is empty."""

    def compiled(_: Field, __: str, value: str, ___: Words) -> Predicate:
        word = value.casefold()
        if word == NONE:
            return lambda entry, _, __: not of(entry)
        if word == ANY:
            return lambda entry, _, __: bool(of(entry))
        return lambda entry, _, __: any(word == x.casefold() for x in of(entry))

    return compiled


def _number(field: Field, _: str, value: str, __: Words) -> Predicate:
    if not CASE_NUMBER.fullmatch(value):
        raise QueryError(
            f"“{value}” is no case number; a case number has eight digits.",
            text=f"{field.name}:{value}",
            example=field.example,
        )
    return lambda entry, _, __: entry.number == value


def _bug(field: Field, _: str, value: str, __: Words) -> Predicate:
    word = value.casefold()
    if word == NONE:
        return lambda entry, _, __: entry.no_bugs
    if word == ANY:
        return lambda entry, _, __: not entry.no_bugs
    if not (value.isascii() and value.isdigit()):
        raise _wrong(field, value, ["a bug's number", NONE, ANY])
    return lambda entry, _, __: any(str(bug.id) == value for bug in entry.case.bugs)


def _sla(field: Field, _: str, value: str, __: Words) -> Predicate:
    match value.casefold():
        case "breached" | "breaching":
            return lambda entry, now, _: entry.breaching(now)
        case "risk" | "at-risk":
            return lambda entry, now, _: entry.at_risk(now)
        case "ok":
            return lambda entry, now, _: not (entry.breaching(now) or entry.at_risk(now))
    raise _wrong(field, value, field.values)


def _target(field: Field, _: str, value: str, __: Words) -> Predicate:
    match value.casefold():
        case "missing" | "none":
            return lambda entry, _, __: bool(entry.missing_target)
        case "set":
            return lambda entry, _, __: not entry.no_bugs and not entry.missing_target
    raise _wrong(field, value, field.values)


def _elapsed(of: Callable[[Entry, float], float | None]) -> Callable[..., Predicate]:
    """A key that compares seconds gone by (durations) or, of the same thing, a moment (dates)."""

    def compiled(field: Field, operator: str, value: str, _: Words) -> Predicate:
        if operator == ":":
            raise QueryError(
                f"“{field.name}:” needs a comparison.",
                text=f"{field.name}:{value}",
                suggestion=f"{field.name}>{value}",
            )
        limit = parse_moment(field.name, operator, value)
        compare = _COMPARE[operator]
        if isinstance(limit, Duration):
            seconds = limit.seconds
            return lambda entry, now, _: _known(of(entry, now), lambda x: compare(x, seconds))
        at = limit.at
        return lambda entry, now, _: _known(of(entry, now), lambda x: compare(now - x, at))

    return compiled


def _known(value: float | None, test: Callable[[float], bool]) -> bool:
    return value is not None and test(value)


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}
COMPARISONS = tuple(_COMPARE)

_STATUSES = tuple(status.value for status in Status)
_STATUS: dict[str, Predicate] = {
    "open": lambda entry, _, __: entry.open,
    "closed": lambda entry, _, __: not entry.open,
    ANY: lambda entry, _, __: True,
    "all": lambda entry, _, __: True,
}
_INTERNALS = tuple(dict.fromkeys(INTERNAL_STATUS.values()))
_YN = ("yes", "no")


def _labels(entry: Entry) -> Sequence[str]:
    return entry.card.labels if entry.card else ()


def _assignees(entry: Entry) -> Sequence[Person]:
    return (entry.assignee,) if entry.assignee else ()


def _involved(entry: Entry) -> Sequence[Person]:
    return (*_assignees(entry), *(entry.card.contributors if entry.card else ()))


def _product(entry: Entry) -> str:
    return f"{entry.case.portal.product} {entry.case.portal.version}".strip()


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field(
            "status",
            "status of the case; without it only open cases are listed",
            "status:open",
            _choice(lambda e: e.case.portal.status, _STATUSES, _STATUS),
            ("open", "closed", ANY, *_STATUSES),
        ),
        Field(
            "severity",
            "severity, by name or number",
            "severity:urgent,high",
            _severity,
            tuple(name.casefold() for name in SEVERITIES.values()),
            ("sev",),
        ),
        Field(
            "account",
            "part of the account's name",
            'account:"Acme Corp"',
            _text(lambda e: e.case.portal.account),
        ),
        Field(
            "assignee",
            "who the card is assigned to; me, none",
            "assignee:me",
            _people(_assignees),
            (ME, NONE),
        ),
        Field(
            "contributor",
            "assignee or contributor of the card; me, none",
            "contributor:me",
            _people(_involved),
            (ME, NONE),
        ),
        Field("owner", "owner of the case in the Portal; me, none", "owner:me", _owner, (ME, NONE)),
        Field("product", "part of product and version", "product:4.16", _text(_product)),
        Field("tag", "tag of the case", "tag:shift_telco5g", _listed(lambda e: e.case.portal.tags)),
        Field("label", "label of the card", "label:Trends", _listed(_labels)),
        Field("number", "the case with this number", "number:01234567", _number),
        Field(
            "card",
            "key of the card; none",
            "card:T5G-12",
            _listed(lambda e: [card.key for card in e.case.cards]),
            (NONE, ANY),
        ),
        Field(
            "internal",
            "internal status of the card",
            "internal:debugging",
            _choice(
                lambda e: e.internal_status,
                _INTERNALS,
                {NONE: lambda entry, _, __: not entry.internal_status},
            ),
            _INTERNALS,
        ),
        Field(
            "issue",
            "key of a linked JIRA issue; none, any",
            "issue:OCPBUGS-123",
            _listed(lambda e: [issue.key for issue in e.case.issues]),
            (NONE, ANY),
        ),
        Field(
            "bug",
            "number of a linked bug; none: no bug and no issue",
            "bug:none",
            _bug,
            (NONE, ANY),
        ),
        Field(
            "target",
            "missing: a bug without target release or an issue without fix version",
            "target:missing",
            _target,
            ("missing", "set"),
        ),
        Field(
            "escalated",
            "an escalation names the case",
            "escalated:yes",
            _yes_no(lambda e, _: e.escalated),
            _YN,
        ),
        Field(
            "potential",
            "marked as a potential escalation",
            "potential:yes",
            _yes_no(lambda e, _: e.potential_escalation),
            _YN,
        ),
        Field(
            "critsit",
            "critical situation",
            "critsit:yes",
            _yes_no(lambda e, _: e.crit_sit),
            ("yes", "no", "unknown"),
        ),
        Field(
            "watchlist",
            "on the daily watch list",
            "watchlist:yes",
            _yes_no(lambda e, _: e.watchlist),
            _YN,
        ),
        Field(
            "trend", "labelled as part of a trend", "trend:yes", _yes_no(lambda e, _: e.trend), _YN
        ),
        Field(
            "untracked",
            "open and without a card",
            "untracked:yes",
            _yes_no(lambda e, _: e.untracked),
            _YN,
        ),
        Field(
            "stale",
            "open and not updated for a week",
            "stale:yes",
            _yes_no(lambda e, now: e.stale(now)),
            _YN,
        ),
        Field(
            "sla",
            "breached: open longer than the SLA; risk: over 80 % of it",
            "sla:breached",
            _sla,
            ("breached", "risk", "ok"),
        ),
        Field(
            "age",
            "how long the case has been open",
            "age>30d",
            _elapsed(lambda e, now: e.days_open(now) * 86_400 if e.created else None),
            operators=COMPARISONS,
        ),
        Field(
            "updated",
            "last update of the case or its card",
            "updated<24h",
            _elapsed(lambda e, now: now - e.activity if e.activity else None),
            operators=COMPARISONS,
        ),
        Field(
            "created",
            "when the case was opened",
            "created>2026-01-01",
            _elapsed(lambda e, now: now - e.created if e.created else None),
            operators=COMPARISONS,
        ),
        Field(
            "closed",
            "when the case was closed",
            "closed<7d",
            _elapsed(lambda e, now: now - e.closed if e.closed and not e.open else None),
            operators=COMPARISONS,
        ),
    )
}

ALIASES = {alias: field.name for field in FIELDS.values() for alias in field.aliases}


class Sort(NamedTuple):
    """A key of `sort:`; empty values come last either way."""

    name: str
    meaning: str
    key: Callable[[Entry, float], float | str | None]


SORTS: dict[str, Sort] = {
    sort.name: sort
    for sort in (
        Sort("severity", "urgent first", lambda e, _: e.rank),
        Sort("age", "youngest first", lambda e, now: e.days_open(now) if e.created else None),
        Sort("updated", "longest without an update first", lambda e, _: e.activity or None),
        Sort("created", "oldest first", lambda e, _: e.created or None),
        Sort("closed", "closed earliest first", lambda e, _: e.closed or None),
        Sort("sla", "least of the SLA used first", lambda e, now: e.sla_used(now)),
        Sort("number", "by number", lambda e, _: e.number),
        Sort("account", "by account", lambda e, _: e.case.portal.account.casefold() or None),
        Sort("product", "by product", lambda e, _: _product(e).casefold() or None),
        Sort("status", "by status", lambda e, _: e.case.portal.status.casefold() or None),
        Sort("internal", "by internal status", lambda e, _: e.internal_status.casefold() or None),
        Sort(
            "assignee",
            "by assignee",
            lambda e, _: (e.assignee.name or e.assignee.account).casefold() if e.assignee else None,
        ),
        Sort("summary", "by summary", lambda e, _: e.case.portal.summary.casefold() or None),
        Sort("card", "by key of the card", lambda e, _: e.card.key if e.card else None),
        Sort(
            "comment",
            "longest without a comment first",
            lambda e, _: (
                e.last_comment.created.timestamp()
                if e.last_comment and e.last_comment.created
                else None
            ),
        ),
        Sort("escalated", "escalated first", lambda e, _: 0 if e.escalated else 1),
    )
}
