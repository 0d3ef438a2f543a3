"""The part of Solr's query language that clients of `search/cases` use, as predicates over cases.

`field:value`, `field:"a phrase"`, `field:(a OR b)`, `field:[a TO b]` (curly: without the end),
`*` and `?` in words, `*:*`, AND, OR, NOT, `&&`, `||`, `!`, a leading `+` or `-`, parentheses. Words
without an operator between them are joined by OR. As in Solr a parenthesis of nothing but negations
matches nothing. No boosts, no fuzziness, no date arithmetic: those are answered with an error.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sandbox.portal.state import SupportCase
from sandbox.portal.words import HYDRA_STATUS, severity_word

Getter = Callable[[SupportCase], Any]
Predicate = Callable[[SupportCase], bool]


class SolrError(Exception):
    """The query can not be read; the text says where and why."""


#: Searchable and delivered fields. Lists are multi-valued, moments are dates, None is absent.
FIELDS: Final[Mapping[str, Getter]] = {
    "id": lambda case: case.id,
    "case_number": lambda case: case.number,
    "case_summary": lambda case: case.summary,
    "case_description": lambda case: case.description,
    "case_status": lambda case: HYDRA_STATUS.get(case.status, case.status),
    "case_severity": lambda case: severity_word(case.severity),
    "case_type": lambda case: case.case_type,
    "case_product": lambda case: [case.product] if case.product else [],
    "case_version": lambda case: case.version,
    "case_account_name": lambda case: case.account_name,
    "case_accountNumber": lambda case: case.account_number,
    "case_owner": lambda case: case.owner,
    "case_contactName": lambda case: case.contact,
    "case_tags": lambda case: case.tags,
    "case_bugzillaNumber": lambda case: [str(one.number) for one in case.bugzillas],
    "case_customer_escalation": lambda case: case.crit_sit,
    "case_createdDate": lambda case: case.created,
    "case_lastModifiedDate": lambda case: case.modified,
    "case_last_public_update_date": lambda case: case.modified,
    "case_closedDate": lambda case: case.closed,
}
#: Fields whose words are matched each on its own, without regard to case.
WORDS: Final = frozenset({"case_summary", "case_description"})

#: What makes a word more than itself: wildcards, boosts, fuzziness.
_SPECIAL: Final = re.compile(r"(?<!\\)[*?~^]")
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<range>[\[{]\s*(?P<low>[^\s\]}]+)\s+TO\s+(?P<high>[^\s\]}]+)\s*[\]}])
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<mark>&&|\|\||[()!]|[+-](?=\S))
      | (?P<word>(?:[^\s:()\[\]{}"\\!]|\\.)+)(?P<colon>:)?
    )""",
    re.VERBOSE,
)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _Clause(NamedTuple):
    """A part of a query; `negative` alone in parentheses finds nothing.

    `exact` is the field and the values, if the clause is no more than a comparison with those.
    """

    matches: Predicate
    negative: bool = False
    exact: tuple[str, frozenset[str]] | None = None


def compile_query(text: str) -> Predicate:
    """A predicate over cases. Raises SolrError for what can not be read."""
    parser = _Parser(list(_tokens(text)), text)
    clause = parser.alternatives("")
    parser.expect_end()
    return clause.matches


def only_numbers(text: str) -> list[str] | None:
    """The case numbers of a query that is nothing but `case_number:(…)`: for looking them up."""
    found = re.fullmatch(r"\s*\(*case_number:\(?([\d\sOR\"]+)\)*\s*", text)
    return re.findall(r"\d+", found[1]) if found else None


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise SolrError(f"Cannot parse '{text}': unexpected text at column {at}")
        kind = found.lastgroup or ""
        if found["range"]:
            yield _Token("range", found["range"], at)
        elif kind == "colon":
            yield _Token("field", _unescaped(found["word"]), at)
        else:
            yield _Token(kind, found[kind], at)
        at = found.end()


class _Parser:
    """Reads tokens from left to right; `field` is the one that bare values belong to."""

    def __init__(self, tokens: Sequence[_Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._at = 0

    def alternatives(self, field: str) -> _Clause:
        """One or more conjunctions, joined by OR or by nothing."""
        parts = [self._conjunction(field)]
        while self._peek() not in (")", ""):
            if self._peek() in ("OR", "||"):
                self._at += 1
            parts.append(self._conjunction(field))
        return _any_of(parts)

    def expect_end(self) -> None:
        """Raise SolrError if something is left."""
        if self._at < len(self._tokens):
            raise self._wrong()

    def _conjunction(self, field: str) -> _Clause:
        parts = [self._clause(field)]
        while self._peek() in ("AND", "&&"):
            self._at += 1
            parts.append(self._clause(field))
        return _all_of(parts)

    def _clause(self, field: str) -> _Clause:
        token = self._take()
        if token.text in ("NOT", "!", "-") and token.kind in ("word", "mark"):
            matches = self._clause(field).matches
            return _Clause(lambda case: not matches(case), negative=True)
        if token == ("mark", "+", token.at):
            return self._clause(field)
        if token == ("mark", "(", token.at):
            return self._group(field)
        if token.kind == "field":
            return self._clause(self._known(token.text))
        if token.kind == "mark":
            raise self._wrong(token)
        return _value(field, token)

    def _group(self, field: str) -> _Clause:
        clause = self.alternatives(field)
        if self._peek() != ")":
            raise self._wrong()
        self._at += 1
        return _Clause(lambda case: False) if clause.negative else clause

    def _known(self, field: str) -> str:
        if field != "*" and field not in FIELDS:
            raise SolrError(f"undefined field {field}")
        return field

    def _peek(self) -> str:
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return token.text if token.kind in ("word", "mark") else "…"

    def _take(self) -> _Token:
        if self._at >= len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _wrong(self, token: _Token | None = None) -> SolrError:
        if token is None and self._at < len(self._tokens):
            token = self._tokens[self._at]
        where = f"'{token.text}' at column {token.at}" if token else "<EOF>"
        return SolrError(f"Cannot parse '{self._text}': Encountered {where}")


def _all_of(parts: Sequence[_Clause]) -> _Clause:
    if len(parts) == 1:
        return parts[0]
    tests = [part.matches for part in parts]
    negative = all(part.negative for part in parts)
    return _Clause(lambda case: all(test(case) for test in tests), negative)


def _any_of(parts: Sequence[_Clause]) -> _Clause:
    if len(parts) == 1:
        return parts[0]
    fields = {part.exact[0] if part.exact else "" for part in parts}
    if len(fields) == 1 and "" not in fields:
        return _exactly(
            fields.pop(), frozenset[str]().union(*(p.exact[1] for p in parts if p.exact))
        )
    tests = [part.matches for part in parts]
    negative = all(part.negative for part in parts)
    return _Clause(lambda case: any(test(case) for test in tests), negative)


def _exactly(field: str, values: frozenset[str]) -> _Clause:
    """One of many values: looked up at once, since clients ask for a hundred numbers."""
    getter = FIELDS[field]
    return _Clause(
        lambda case: any(_solr_text(one) in values for one in _values(getter(case))),
        exact=(field, values),
    )


def _value(field: str, token: _Token) -> _Clause:
    if field == "*" and token.text == "*":
        return _Clause(lambda case: True)
    if not field or field == "*":
        return _Clause(_in_any_text(token))
    getter = FIELDS[field]
    if token.kind == "range":
        return _Clause(_within(getter, token.text))
    if token.text == "*":
        return _Clause(lambda case: bool(_values(getter(case))))
    if field not in WORDS and not (token.kind == "word" and _SPECIAL.search(token.text)):
        text = token.text[1:-1] if token.kind == "quoted" else token.text
        return _exactly(field, frozenset({_unescaped(text)}))
    test = _text_test(token, words=field in WORDS)
    return _Clause(lambda case: any(test(one) for one in _values(getter(case))))


def _in_any_text(token: _Token) -> Predicate:
    if token.kind == "range":
        raise SolrError(f"a range needs a field: {token.text}")
    test = _text_test(token, words=True)
    texts = [FIELDS[name] for name in ("case_number", *sorted(WORDS))]
    return lambda case: any(test(getter(case)) for getter in texts)


def _text_test(token: _Token, *, words: bool) -> Callable[[Any], bool]:
    text = token.text[1:-1] if token.kind == "quoted" else token.text
    if token.kind == "word" and re.search(r"(?<!\\)[~^]", text):
        raise SolrError(f"the sandbox knows no boosts and no fuzziness: {text}")
    any_mark = r"\w" if words else "."
    pattern = _pattern(text, any_mark if token.kind == "word" else "")
    if not words:
        return lambda value: pattern.fullmatch(_solr_text(value)) is not None
    within = re.compile(rf"(?<!\w){pattern.pattern}(?!\w)", re.IGNORECASE)
    return lambda value: within.search(str(value)) is not None


def _pattern(text: str, any_mark: str) -> re.Pattern[str]:
    """The pattern of a word; `any_mark` is what a wildcard stands for ("": for itself)."""
    parts = []
    for part in re.findall(r"\\.|.", text, re.DOTALL):
        if any_mark and part in "*?":
            parts.append(f"{any_mark}*" if part == "*" else any_mark)
        else:
            parts.append(re.escape(part.removeprefix("\\") or "\\"))
    return re.compile("".join(parts))


def _within(getter: Getter, text: str) -> Predicate:
    found = _TOKEN.match(text)
    assert found is not None
    above = _bound(found["low"], inclusive=text[0] == "[", low=True)
    below = _bound(found["high"], inclusive=text.rstrip()[-1] == "]", low=False)
    return lambda case: any(above(one) and below(one) for one in _values(getter(case)))


def _bound(text: str, *, inclusive: bool, low: bool) -> Callable[[Any], bool]:
    text = _unescaped(text.strip('"'))
    if text == "*":
        return lambda value: True
    moment = _moment(text)

    def holds(value: Any) -> bool:
        limit: Any = moment if isinstance(value, datetime) else text
        if limit is None:
            raise SolrError(f"Invalid Date String:'{text}'")
        if value == limit:
            return inclusive
        return bool(value > limit) if low else bool(value < limit)

    return holds


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _values(value: Any) -> Sequence[Any]:
    """All values of a field; an empty text is absent, as in the index."""
    if isinstance(value, list):
        return value
    return () if value is None or value == "" else (value,)


def _solr_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
