"""Cuts the text of a query into terms; knows quotes, commas and signs, but no key's meaning."""

import re

from msgspec import Struct

from t5g.errors import QueryError

LONGEST_TEXT = 2_000
MOST_TERMS = 60
EXAMPLE = 'severity:urgent,high account:"Acme Corp" -status:closed sort:-age'

_BLANKS = re.compile(r"[\s\u00a0\u200b]+")
_KEY = re.compile(r"([A-Za-z][A-Za-z_]*)(:|>=|<=|>|<|=)")
_PLAIN = re.compile(r"[^\s\u00a0\u200b,\"]+")
#: What steers a screen or comes along when a text is copied. Not the joiners U+200C and U+200D,
#: which Persian and some emoji are written with, and not U+200B, which is a blank.
_INVISIBLE = re.compile("[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
#: A quote within quotes is written twice.
_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?!")')
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


class Term(Struct, frozen=True):
    """One term: `key` and `operator` are "" for a word. `text` is the term as it was typed."""

    text: str
    values: tuple[str, ...]
    key: str = ""
    operator: str = ""
    negated: bool = False


def visible(text: str) -> str:
    """Return a typed text without the invisible characters that were copied with it."""
    return _INVISIBLE.sub("", text)


def lex(text: str) -> list[Term]:
    """Cut `text` into terms. Raises QueryError for an open quote or a text beyond all measure."""
    if len(text) > LONGEST_TEXT:
        raise QueryError(
            f"The query has {len(text)} characters; {LONGEST_TEXT} are allowed.",
            text=text[:40] + "…",
            example=EXAMPLE,
        )
    text = visible(text).translate(_QUOTES)
    terms: list[Term] = []
    at = _skip(text, 0)
    while at < len(text):
        term, at = _term(text, at)
        terms.append(term)
        if len(terms) > MOST_TERMS:
            raise QueryError(
                f"The query has more than {MOST_TERMS} terms.", text=term.text, example=EXAMPLE
            )
        at = _skip(text, at)
    return terms


def quoted(value: str) -> str:
    """Write a word so that `lex` reads it back as one."""
    signed = value.startswith("-") or _KEY.match(value)
    return _in_quotes(value) if signed else spelled(value)


def spelled(value: str) -> str:
    """Write one value of a key so that `lex` reads it back as one."""
    return value if _PLAIN.fullmatch(value.translate(_QUOTES)) else _in_quotes(value)


def exactly(key: str, value: str) -> str:
    """Write the term for the one account or person of that name, and no other that has it in it."""
    return f"{key}={quoted(value)}"


def _in_quotes(value: str) -> str:
    """Write a value in quotes; a quote in it is written twice."""
    return '"' + value.translate(_QUOTES).replace('"', '""') + '"'


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _term(text: str, start: int) -> tuple[Term, int]:
    at = start
    negated = text[at] == "-" and at + 1 < len(text) and not _BLANKS.match(text, at + 1)
    if negated:
        at += 1
    head = _KEY.match(text, at)
    key, operator = (head.group(1).casefold(), head.group(2)) if head else ("", "")
    values, end = _values(text, head.end() if head else at, listed=bool(head))
    return Term(text[start:end], tuple(values), key, operator, negated), end


def _values(text: str, at: int, *, listed: bool) -> tuple[list[str], int]:
    """Read one value, or with `listed` several with commas between."""
    values: list[str] = []
    while True:
        value, at = _value(text, at, listed=listed)
        if value is not None:
            values.append(value)
        if not listed or at >= len(text) or text[at] != ",":
            return values, at
        at += 1


def _value(text: str, at: int, *, listed: bool) -> tuple[str | None, int]:
    if at < len(text) and text[at] == '"':
        found = _QUOTED.match(text, at)
        if found is None:
            raise QueryError(
                "A quote is opened and not closed.", text=text[at:], example='account:"Acme Corp"'
            )
        return found.group(1).replace('""', '"').strip(), found.end()
    plain = _PLAIN.match(text, at)
    if plain:
        return plain.group(), plain.end()
    if not listed and at < len(text):  # a lone comma between words says nothing
        return None, at + 1
    return None, at
