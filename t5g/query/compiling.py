"""What the keys of the query language are made of: how a key and a value become a filter.

`t5g.query.fields` is the table of keys; here are the kinds of keys: yes or no, one of a set, a part
of a text, people, lists of words, moments.
"""

import math
import operator
import unicodedata
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import compress, repeat
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from t5g.derived import SEVERITIES, Entry
from t5g.errors import QueryError
from t5g.model import CASE_NUMBER, Person
from t5g.query.filters import Filter, by_value, each, each_now
from t5g.query.lexer import spelled
from t5g.query.moments import Duration, parse_moment
from t5g.team import Me

Words = Callable[[str], Sequence[str]]
"""Gives the further valid words of a key that are known only from the data."""

#: The seconds of what is not known.
NOBODY_KNOWS = math.nan
#: Characters of a word that somebody may have meant to be another.
LONGEST_GUESS = 60
#: Compares a whole name, where `:` takes a part of it.
EXACT = "="
NONE = "none"
ANY = "any"
ME = "me"
YES = ("yes", "true", "y", "1")
NO = ("no", "false", "n", "0")
UNKNOWN = "unknown"
_ALIKE = str.maketrans(dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‘’‛`´", "'"))


class Field(NamedTuple):
    """A key: what it means, values to suggest, an example, and how it is compiled."""

    name: str
    meaning: str
    example: str
    compile: "Compile"
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    operators: tuple[str, ...] = (":",)


Compile = Callable[[Field, str, str, Words], Filter]
"""(key, operator, value, words of the data) to a filter. Raises QueryError."""


def nearest(word: str, among: Sequence[str]) -> str:
    """Return the most similar of `among`, or ""; to compare long words takes cubic time."""
    if len(word) > LONGEST_GUESS:
        return ""
    found = get_close_matches(word.casefold(), [x.casefold() for x in among], n=1, cutoff=0.5)
    return next((x for x in among if found and x.casefold() == found[0]), "")


def wrong(field: Field, value: str, allowed: Sequence[str]) -> QueryError:
    """The error for a value that a key does not take."""
    guess = nearest(value, allowed)
    shown = ", ".join(allowed[:8])
    return QueryError(
        f"“{field.name}:{value}” is not understood; {field.name} takes {shown}.",
        text=f"{field.name}:{value}",
        suggestion=f"{field.name}:{spelled(guess)}" if guess else "",
        example="" if guess else field.example,
    )


@lru_cache(maxsize=16_384)
def comparable(text: str) -> str:
    """Return a text as it is compared: no case, one kind of quotes and blanks, all visible."""
    shown = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(shown.translate(_ALIKE).split()).casefold()


def yes_no(only: Callable[[bool | None], Filter]) -> Compile:
    """A key that takes yes and no, and `unknown` if the field lists it."""

    def compiled(field: Field, _: str, value: str, __: Words) -> Filter:
        word = value.casefold()
        if word in YES:
            return only(True)
        if word in NO:
            return only(False)
        if word == UNKNOWN and UNKNOWN in field.values:
            return only(None)
        raise wrong(field, value, field.values)

    return compiled


def fact(name: str) -> Compile:
    """A yes-or-no key that is an attribute of the entry (None: unknown)."""
    of = attrgetter(name)
    return yes_no(lambda wanted: each(lambda entry: of(entry) is wanted))


def fact_now(test: Callable[[Entry, float], bool]) -> Compile:
    """A yes-or-no key that depends on the time."""
    return yes_no(lambda wanted: each_now(lambda entry, now: test(entry, now) is wanted))


def choice(
    of: Callable[[Entry], str], known: Sequence[str], special: dict[str, Filter] | None = None
) -> Compile:
    """A key whose values are a known set, plus what the data has: whole words, prefix or part."""

    def compiled(field: Field, _: str, value: str, words: Words) -> Filter:
        word = value.casefold()
        if special and word in special:
            return special[word]
        allowed = [*(special or ()), *known, *words(field.name)]
        exact = [x for x in allowed if x.casefold() == word]
        if not exact and not any(word in x.casefold() for x in allowed):
            raise wrong(field, value, list(dict.fromkeys(allowed)))
        if exact:
            return by_value(of, lambda text, _: text.casefold() == word)
        return by_value(of, lambda text, _: word in text.casefold())

    return compiled


def severity(field: Field, _: str, value: str, words: Words) -> Filter:
    """The severity by name, number, or both."""
    word = value.casefold()
    for rank, name in SEVERITIES.items():
        if word in (str(rank), name.casefold(), f"{rank} ({name.casefold()})", f"sev{rank}"):
            return _rank(rank)
    others = [x for x in words(field.name) if x not in SEVERITIES.values()]
    if any(word == x.casefold() for x in others):
        return each(lambda entry: entry.severity.casefold() == word)
    raise wrong(field, value, [name.casefold() for name in SEVERITIES.values()] + others)


def _rank(rank: int) -> Filter:
    return lambda entries, _, __: [entry for entry in entries if entry.rank == rank]


def text(of: Callable[[Entry], str]) -> Compile:
    """A key that looks for a part of a text, or with `=` the whole; `none`: the text is empty."""
    return _sought(of, bool, _part_of, exact=_whole)


def listed(of: Callable[[Entry], tuple[str, ...] | UnsetType]) -> Compile:
    """A key that looks for a whole word in a list; `none`: the list is empty, and known to be.

    Where a list may be unknown, `unknown` is a value of the field.
    """
    sought = _sought(of, bool, _lists)

    def compiled(field: Field, sign: str, value: str, words: Words) -> Filter:
        word = value.casefold()
        if word == UNKNOWN and UNKNOWN in field.values:
            return by_value(of, lambda found, _: found is UNSET)
        if word == NONE:
            return by_value(of, lambda found, _: found is not UNSET and not found)
        return sought(field, sign, value, words)

    return compiled


def people(of: Callable[[Entry], tuple[Person, ...]]) -> Compile:
    """A key that looks for people; `me`: the person who asks."""

    def named(found: tuple[Person, ...], word: str) -> bool:
        return any(_named(person, word) for person in found)

    def mine(found: tuple[Person, ...], me: Me) -> bool:
        return any(me.is_person(person) for person in found)

    def called(found: tuple[Person, ...], word: str) -> bool:
        return any(_called(person, word) for person in found)

    return _sought(of, bool, named, mine, called)


def person(of: Callable[[Entry], Person | None]) -> Compile:
    """A key that looks for one person; `me`: the person who asks."""
    return _sought(
        of,
        bool,
        lambda found, word: bool(found) and _named(found, word),
        lambda found, me: found is not None and me.is_person(found),
        lambda found, word: bool(found) and _called(found, word),
    )


def owner(of: Callable[[Entry], str]) -> Compile:
    """A key that looks for a person of whom only the name is known."""
    return _sought(of, bool, _part_of, lambda x, me: me.is_called(x), _whole)


def _sought(
    of: Callable[[Entry], Any],
    there: Callable[[Any], bool],
    has: Callable[[Any, str], bool],
    mine: Callable[[Any, Me], bool] | None = None,
    exact: Callable[[Any, str], bool] | None = None,
) -> Compile:
    def compiled(field: Field, sign: str, value: str, _: Words) -> Filter:
        word = value.casefold()
        if sign == EXACT and exact is not None:
            if word in field.values:
                raise QueryError(
                    f"“{field.name}={value}” asks for somebody called so.",
                    suggestion=f"{field.name}:{word}",
                )
            name = comparable(value)
            return by_value(of, lambda found, _: exact(found, name))
        if word == NONE:
            return by_value(of, lambda found, _: not there(found))
        if word == ANY:
            return by_value(of, lambda found, _: there(found))
        if word == ME and mine is not None:
            return by_value(of, mine)
        return by_value(of, lambda found, _: has(found, word))

    return compiled


def _part_of(found: str, word: str) -> bool:
    return comparable(word) in comparable(found)


def _lists(found: tuple[str, ...] | UnsetType, word: str) -> bool:
    return any(comparable(word) == comparable(x) for x in found or ())


def _whole(found: str, name: str) -> bool:
    return comparable(found) == name


def _called(person: Person, name: str) -> bool:
    return name in map(comparable, (person.name, person.email, person.account))


def _named(person: Person, word: str) -> bool:
    return any(word in x.casefold() for x in (person.name, person.email)) or (
        person.account.casefold() == word
    )


def number(field: Field, _: str, value: str, __: Words) -> Filter:
    """The number of one case."""
    if not CASE_NUMBER.fullmatch(value):
        raise QueryError(
            f"“{value}” is no case number; a case number has eight digits.",
            example=field.example,
        )
    return each(lambda entry: entry.number == value)


def bug(field: Field, _: str, value: str, __: Words) -> Filter:
    """The number of a linked bug."""
    word = value.casefold()
    if word == NONE:
        return each(lambda entry: entry.no_bugs)
    if word == ANY:
        return each(lambda entry: not entry.no_bugs)
    if not (value.isascii() and value.isdigit()):
        raise wrong(field, value, ["a bug's number", NONE, ANY])
    return each(lambda entry: any(str(bug.id) == value for bug in entry.case.bugs))


def sla(field: Field, _: str, value: str, __: Words) -> Filter:
    """How a case stands against its SLA."""
    match value.casefold():
        case "breached" | "breaching":
            return lambda entries, now, _: [e for e in entries if e.breaches_at < now]
        case "risk" | "at-risk":
            return lambda entries, now, _: [e for e in entries if e.risks_at < now <= e.breaches_at]
        case "ok":
            return each_now(lambda entry, now: not (entry.breaching(now) or entry.at_risk(now)))
    raise wrong(field, value, field.values)


def card(_: Field, __: str, value: str, ___: Words) -> Filter:
    """The key of a card."""
    word = value.casefold()
    if word == NONE:
        return lambda entries, _, __: [entry for entry in entries if not entry.case.cards]
    if word == ANY:
        return lambda entries, _, __: [entry for entry in entries if entry.case.cards]
    return each(lambda entry: any(word == card.key.casefold() for card in entry.case.cards))


def target(field: Field, _: str, value: str, __: Words) -> Filter:
    """Whether bugs and issues say where they will be mended."""
    match value.casefold():
        case "missing" | "none":
            return each(lambda entry: entry.missing_target)
        case "set":
            return each(lambda entry: not entry.no_bugs and not entry.missing_target)
    raise wrong(field, value, field.values)


def elapsed(of: Callable[[Sequence[Entry], float], list[float]]) -> Compile:
    """A key that compares seconds gone by (durations) or, of the same thing, a moment (dates).

    `of` gives the seconds of each entry; `NOBODY_KNOWS` compares as false whatever is asked.
    """

    def compiled(field: Field, sign: str, value: str, _: Words) -> Filter:
        if sign == ":":
            raise QueryError(
                f"“{field.name}:” needs a comparison.",
                suggestion=f"{field.name}>{spelled(value)}",
            )
        limit = parse_moment(field.name, sign, value)
        compare = COMPARE[sign]
        if isinstance(limit, Duration):
            seconds = limit.seconds
            return lambda entries, now, _: list(
                compress(entries, map(compare, of(entries, now), repeat(seconds)))
            )
        at = limit.at
        return lambda entries, now, _: list(
            compress(entries, [compare(now - gone, at) for gone in of(entries, now)])
        )

    return compiled


COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
COMPARISONS = tuple(COMPARE)
#: The operators of keys that take a part of a name, or the whole of it.
NAMING = (":", EXACT)
